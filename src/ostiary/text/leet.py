"""Leet: digits and signs that stand for letters, read as letters. Only rules that say ``|leet`` compare this."""

from __future__ import annotations

from collections.abc import Mapping

LEET: Mapping[str, str] = {
    "0": "o",
    "1": "il",
    "2": "z",
    "3": "e",
    "4": "a",
    "5": "s",
    "6": "g",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "il",
    "|": "il",
    "+": "t",
    "€": "e",
}
"""Digit or sign → the letters that it stands for."""
_READ_AS = str.maketrans({sign: letters[0] for sign, letters in LEET.items()} | {"l": "i"})


def leet(text: str) -> str:
    """Text with its digits and signs as small letters, one character for one, for comparison only.

    1 stands for i and for l, often both in one sentence ("1gnore a11"). So these two letters are one here, and whatever stands
    for either is found; the price is that ``|leet`` cannot tell "ail" from "all". A rule's literal goes through the same function:
    whatever matches without ``|leet`` matches with it.

    >>> leet("1gnor3 a11") == leet("ignore all"), leet("pr0mp7 |nj3c+!0n") == leet("prompt injection"), leet("v3rb@t1m")
    (True, True, 'verbatim')
    """
    return text.translate(_READ_AS)
