"""Sigma strings: escapes and wildcards → tokens.

Source: Sigma specification v2.1, "Wildcards" and "Escaping"; the table in its issue threads is in the tests.
"""

from __future__ import annotations

import itertools

from ostiary.vocabulary.plan import Pattern, Wild

_WILDS = {"*": Wild.ANY, "?": Wild.ONE}


def tokens(text: str) -> Pattern:
    r"""A Sigma string as literal runs and wildcards.

    ``\*`` and ``\?`` are literal, ``\\`` is one backslash, a backslash before anything else stands for itself.

    >>> tokens(r"a*b\*c\\*")
    ('a', <Wild.ANY: '*'>, 'b*c\\', <Wild.ANY: '*'>)
    """
    if "*" not in text and "?" not in text and "\\" not in text:
        return (text,) if text else ()
    parts: list[str | Wild] = []
    run: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] in ("*", "?", "\\"):
            run.append(text[at + 1])
            at += 2
            continue
        if char in _WILDS:
            if run:
                parts.append("".join(run))
                run.clear()
            parts.append(_WILDS[char])
        else:
            run.append(char)
        at += 1
    if run:
        parts.append("".join(run))
    return tuple(parts)


def joined(*patterns: Pattern) -> Pattern:
    """Patterns one after the other: runs that meet become one, and ``**`` becomes ``*``."""
    parts: list[str | Wild] = []
    for part in itertools.chain.from_iterable(patterns):
        last = parts[-1] if parts else None
        if isinstance(part, str) and isinstance(last, str):
            parts[-1] = last + part
        elif not (part is Wild.ANY and last is Wild.ANY):
            parts.append(part)
    return tuple(parts)


def literal(pattern: Pattern) -> str | None:
    """The text of a pattern without wildcards; None when it has one."""
    if not pattern:
        return ""
    return pattern[0] if len(pattern) == 1 and isinstance(pattern[0], str) else None
