"""Case folding for comparison: one code point in, one code point out."""

from __future__ import annotations

MAX_KNOWN_CHARACTERS = 8192
"""How many characters the table remembers before it starts anew: text chosen by a client must not fill the memory."""


class _Folding(dict[int, str]):
    """Code point → its simple case folding, worked out when it is first seen."""

    def __missing__(self, code: int) -> str:
        if len(self) >= MAX_KNOWN_CHARACTERS:
            self.clear()
        folded = self[code] = _simple(chr(code))
        return folded


def _simple(character: str) -> str:
    folded = character.casefold()
    if len(folded) > 1:
        folded = character.lower()
    return folded if len(folded) == 1 else character


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Case-folded text, for comparison only.

    Why not ``str.casefold`` or ``str.lower``: both change the length of some texts (ß, İ), and ``lower`` looks at a sigma's
    neighbours, so a wildcard ``?`` would no longer mean one character, and a folded literal might not be found in a folded
    text. This is *simple* folding (Unicode CaseFolding.txt, status C and S): every code point by itself, to one code point.
    So σ, ς and Σ are the same, the Kelvin sign is k, and ß is not ss.

    >>> fold("Chain of THOUGHT"), fold("ΣΊΣΥΦΟΣ") == fold("σίσυφος"), fold("\\u212a"), fold("Straße")
    ('chain of thought', True, 'k', 'straße')
    """
    if text.isascii():
        return text.lower()
    return text.translate(_FOLDING)
