"""Undo what hides words from phrase rules: compatibility forms, invisible characters, stacked marks, look-alikes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from ostiary.text.lookalikes import LOOKALIKES

MAX_KNOWN_CHARACTERS = 8192
"""How many characters a table remembers before it starts anew: text chosen by a client must not fill the memory."""
MAX_MARKS = 30
"""Marks kept after one base character. No language needs more (UAX #15, Stream-Safe Text Format); sorting more costs a square."""
MAX_RUNS = 256
"""With more runs of non-ASCII characters than this, a text is worked on as a whole: cheaper than run by run."""
MAX_EXPANSION = 8
"""One character that stands for more than this (U+FDFA is a sentence of 18) stays: a body must not grow in memory."""
BLOCK_CHARACTERS = 256
"""A long text is looked at in blocks: most are ASCII, and skipping those costs next to nothing."""

_IGNORABLE_RANGES = (
    # Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), then C1 controls and interlinear annotation, which no
    # terminal or browser shows either. U+0085 is a line end. Tags (U+E0000 to U+E007F) are in the last range.
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F)),
    *((0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0)),
    *((0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0x80, 0x84), (0x86, 0x9F), (0xE0000, 0xE0FFF)),
)
_LATIN_RANGES = (
    # Also ASCII, its digits and punctuation among them: 1 with a combining keycap is 1.
    *((0x0, 0x2FF), (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F), (0x1DF00, 0x1DFFF)),
)


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in ranges)


@lru_cache(maxsize=1024)
def _room(base: str) -> int:
    return 0 if _within(base, _LATIN_RANGES) else MAX_MARKS


def _strip(text: str, base: str) -> str:
    """Without marks on Latin bases, and with at most ``MAX_MARKS`` on any other. ``base`` is what stands before the text."""
    marks = {character for character in set(text) if unicodedata.category(character)[0] == "M"}
    if not marks:
        return text
    # Of the marks on a base, this many are kept. Marks that start a text have no base.
    room = _room(base) if base else MAX_MARKS
    kept: list[str] = []
    for character in text:
        if character not in marks:
            room = 0 if character <= "\u02ff" else _room(character)
        elif room:
            room -= 1
        else:
            continue
        kept.append(character)
    return "".join(kept)


class _Table(dict[int, str]):
    """Code point → what it is normalised to when it stands alone; worked out when it is first seen."""

    def __init__(self, similar: Mapping[str, str]) -> None:
        self._similar = similar

    def __missing__(self, code: int) -> str:
        if len(self) >= MAX_KNOWN_CHARACTERS:
            self.clear()
        character = chr(code)
        parts = self._similar.get(character) or unicodedata.normalize("NFKD", character)
        if len(parts) > MAX_EXPANSION:
            parts = character
        shown = "".join(self._similar.get(part, part) for part in parts if not _within(part, _IGNORABLE_RANGES))
        result = self[code] = unicodedata.normalize("NFC", _strip(shown, ""))
        return result


_SKELETON = _Table(LOOKALIKES)
_WRITTEN = _Table({})
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")


def _rewrite(text: str, table: _Table, base: str = "") -> str:
    return unicodedata.normalize("NFC", _strip(text.translate(table), base))


def _by_runs(text: str, table: _Table, base: str) -> str:
    pieces: list[str] = []
    end = 0
    for count, run in enumerate(_NON_ASCII.finditer(text)):
        if count >= MAX_RUNS:
            return _rewrite(text, table, base)
        start = run.start()
        pieces.append(text[end:start])
        pieces.append(_rewrite(run[0], table, "A" if start else base))
        end = run.end()
    pieces.append(text[end:])
    return "".join(pieces)


def _normalised(text: str, table: _Table) -> str:
    """Blocks of pure ASCII stay as they are, and whatever stands between two of them is independent of the rest."""
    if text.isascii():
        return text
    pieces: list[str] = []
    done = 0
    for start in range(0, len(text), BLOCK_CHARACTERS):
        block = text[start : start + BLOCK_CHARACTERS]
        if block.isascii():
            if start > done:
                pieces.append(_by_runs(text[done:start], table, "A" if done else ""))
            pieces.append(block)
            done = start + len(block)
    pieces.append(_by_runs(text[done:], table, "A" if done else ""))
    return "".join(pieces)


def normalise(text: str) -> str:
    """Text as its reader sees it, in ASCII where it looks like ASCII. Case is kept.

    Why: phrase rules must find words that someone hid: full-width or mathematical letters (NFKC), zero-width characters and
    tags inside words (removed), stacked accents (stripped from Latin letters, digits and punctuation), Cyrillic or Greek
    letters in place of Latin ones (replaced). A literal of a rule goes through the same function, so words of any language
    are found as they are written. Idempotent, deterministic, and linear in the length of the text.

    >>> normalise("Ｖｅｒｂａｔｉｍ"), normalise("ver\u200bba\u00adtim"), normalise("vérbа̀tím"), normalise("𝓿𝓮𝓻𝓫𝓪𝓽𝓲𝓶")
    ('Verbatim', 'verbatim', 'verbatim', 'verbatim')
    """
    return _normalised(text, _SKELETON)


def forms(text: str) -> tuple[str, ...]:
    """What a normalised field is compared as: ``normalise(text)``, and where that differs the text in its own letters.

    Why two: replacing look-alikes tears words of other scripts apart (В becomes B but в stays), so that comparing without
    case, and regular expressions over Cyrillic or Greek, would miss them. The second form is normalised in every other way.

    >>> forms("verbatim"), forms("Вопрос"), forms("思考")
    (('verbatim',), ('Bonpoc', 'Вопрос'), ('思考',))
    """
    if text.isascii():
        return (text,)
    skeleton, written = _normalised(text, _SKELETON), _normalised(text, _WRITTEN)
    return (skeleton,) if skeleton == written else (skeleton, written)
