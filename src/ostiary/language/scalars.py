"""What a plain scalar means: YAML 1.2's core schema, and where YAML 1.1 (which most tools still read) says otherwise.

Sources: YAML 1.2.2 section 10.3.2 (core schema); YAML 1.1 type repository as PyYAML implements it.
"""

from __future__ import annotations

import math
import re

from ostiary.language.nodes import Scalar
from ostiary.vocabulary.request import Scalar as Value

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_BOOLEANS_1_1 = frozenset(form for word in ("yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper()))
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = {form: number for word, number in ((".inf", math.inf), (".nan", math.nan)) for form in (word, word.upper())}
_MAX_DIGITS = 400
"""Longer digit strings stay text: Python refuses to convert thousands of digits."""

_INTEGER_1_1 = re.compile(r"[-+]?(0b[01][01_]*|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F][0-9a-fA-F_]*|[1-9][0-9_]*(:[0-5]?[0-9])+)")
_FLOAT_1_1 = re.compile(
    # A sign before a point without a digit between them makes a text of it.
    r"[-+]?([0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*|\.(inf|Inf|INF))|\.[0-9][0-9_]*([eE][-+][0-9]+)?"
)
_TIME_1_1 = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?")
_LEADING = frozenset("0123456789+-.")


def value_of(scalar: Scalar) -> Value:
    """The value of a scalar by YAML 1.2's core schema; quoted ones are text."""
    if not scalar.plain:
        return scalar.value
    text = scalar.value
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in _LEADING or len(text) > _MAX_DIGITS:
        return text
    return _number(text)


def _number(text: str) -> Value:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    unsigned = text.lstrip("+-")
    if unsigned in _NOT_FINITE:
        return _NOT_FINITE[unsigned]
    return text


def other_reading(scalar: Scalar) -> str:
    """How YAML 1.1 reads a plain scalar, where that differs from 1.2: ``a boolean``, ``the number 8`` …; else empty.

    >>> from ostiary.language.nodes import Mark
    >>> [other_reading(Scalar(text, Mark(1, 1))) for text in ("yes", "010", "12:30:00", "1_000", "200", "plain", "1e3")]
    ['the boolean true', 'the number 8', 'the number 45000', 'the number 1000', '', '', 'the text "1e3"']
    """
    text = scalar.value
    if not scalar.plain or not text:
        return ""
    if text in _BOOLEANS_1_1:
        return f"the boolean {'true' if text.lower() in ('yes', 'on') else 'false'}"
    if text[0] not in _LEADING or len(text) > _MAX_DIGITS:
        return ""
    if _INTEGER_1_1.fullmatch(text):
        number = _integer_1_1(text)
        return "" if value_of(scalar) == number else f"the number {number}"
    if _FLOAT_1_1.fullmatch(text):
        return "" if not isinstance(value_of(scalar), str) else "a number"
    if _TIME_1_1.fullmatch(text):
        return "a date"
    return f'the text "{text}"' if isinstance(value_of(scalar), float | int) else ""


def _integer_1_1(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").replace("_", "")
    if ":" in digits:
        number = 0
        for part in digits.split(":"):
            number = number * 60 + int(part)
        return sign * number
    for prefix, base in (("0b", 2), ("0x", 16), ("0", 8)):
        if digits.startswith(prefix) and len(digits) > len(prefix):
            return sign * int(digits[len(prefix) :], base)
    return sign * int(digits)
