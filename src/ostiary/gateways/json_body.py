"""JSON within bounds (RFC 8259): what a hostile client sends ends as a value and a reason, never as an exception or a hang."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import cast

from ostiary.gateways.limits import MAX_BODY_LEAVES, MAX_JSON_DEPTH, MAX_JSON_KEYS, MAX_LEAF_NAME_CHARACTERS
from ostiary.vocabulary.request import Scalar, Value

_EXACT_INTEGER_DIGITS = 18
"""Integers of more digits become floats: nobody counts in them, and reading them exactly takes quadratic time."""
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """``ok``: ``value`` is what the text says, though ``invalid`` may name a number that was left out."""

    ok: bool
    value: object = None
    invalid: str = ""
    duplicates: bool = False


class _Reader:
    """The hooks of one parse, and what they saw."""

    def __init__(self) -> None:
        self.duplicates = False
        self.numbers_left_out = False

    def object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        self.duplicates = self.duplicates or len(found) != len(pairs)
        return found

    def integer(self, digits: str) -> int | float | None:
        return int(digits) if len(digits) <= _EXACT_INTEGER_DIGITS else self.number(digits)

    def number(self, digits: str) -> float | None:
        value = float(digits)
        if math.isfinite(value):
            return value
        self.numbers_left_out = True
        return None

    def constant(self, word: str) -> None:
        """NaN and Infinity are no JSON, though some parsers read them; like what is too large for a double they become None."""
        self.numbers_left_out = True


def parse(data: bytes) -> Parsed:
    """Reads JSON in UTF-8, or UTF-16 or UTF-32 as its first octets tell, with or without a byte order mark.

    ``invalid`` is ``encoding`` (no such text), ``json`` (no JSON), ``depth`` (deeper than the interpreter reads) or ``number``
    (a number became None). Lone surrogates become U+FFFD; of a key named twice the last value counts, as most parsers have it.

    >>> parse(b'{"a": 1, "a": NaN}')
    Parsed(ok=True, value={'a': None}, invalid='number', duplicates=True)
    """
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        return Parsed(False, invalid="encoding")
    reader = _Reader()
    decoder = json.JSONDecoder(
        object_pairs_hook=reader.object, parse_int=reader.integer, parse_float=reader.number, parse_constant=reader.constant
    )
    try:
        value: object = decoder.decode(text)
    except RecursionError:
        return Parsed(False, invalid="depth")
    except ValueError:
        return Parsed(False, invalid="json")
    if _SURROGATE_ESCAPE.search(text):
        value = _whole(value)
    return Parsed(True, value, "number" if reader.numbers_left_out else "", reader.duplicates)


def _whole(tree: object) -> object:
    """The same tree without lone surrogates, which no encoder takes. It is as deep as the parser could read, so recursion is safe."""
    if isinstance(tree, str):
        return _LONE_SURROGATE.sub("\ufffd", tree)
    if isinstance(tree, list):
        return [_whole(item) for item in tree]
    if isinstance(tree, dict):
        return {_LONE_SURROGATE.sub("\ufffd", key): _whole(item) for key, item in tree.items()}
    return tree


def leaves(tree: object) -> tuple[dict[str, Value], str]:
    """``body.<dotted path>`` → the values there, list indexes left out, in order; and what was too much: ``depth``, ``keys`` or nothing.

    At most ``MAX_BODY_LEAVES`` values; the rest, and names past ``MAX_LEAF_NAME_CHARACTERS``, are left out.

    >>> leaves({"messages": [{"role": "user"}, {"role": "assistant"}], "n": 2})
    ({'body.messages.role': ('user', 'assistant'), 'body.n': 2}, '')
    """
    found: dict[str, list[Scalar]] = {}
    values = keys = 0
    waiting: list[tuple[str, object, int]] = [("body", tree, 0)]
    while waiting:
        name, node, depth = waiting.pop()
        # What the parser makes is of exactly these types, and comparing types is what this loop costs.
        kind = type(node)
        if kind is dict or kind is list:
            if depth >= MAX_JSON_DEPTH:
                return {}, "depth"
            if kind is list:
                waiting += [(name, item, depth + 1) for item in reversed(cast(list[object], node))]
                continue
            members = cast(dict[str, object], node)
            keys += len(members)
            if keys > MAX_JSON_KEYS:
                return {}, "keys"
            waiting += [(f"{name}.{key}", item, depth + 1) for key, item in reversed(members.items()) if key]
        elif values < MAX_BODY_LEAVES and name != "body" and len(name) <= MAX_LEAF_NAME_CHARACTERS:
            found.setdefault(name, []).append(cast(Scalar, node))
            values += 1
    return {name: items[0] if len(items) == 1 else tuple(items) for name, items in found.items()}, ""
