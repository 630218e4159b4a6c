"""Plan nodes ↔ compact JSON lists: ``["=", field, [values], how]``. The first element names the node; ``how`` is 1 for ``cased``,
2 for ``leet``, 3 for both.

>>> from ostiary.vocabulary.plan import Equals, Not
>>> encode(Not(Equals("http.request.method", ("GET",))))
['!', ['=', 'http.request.method', ['GET'], 0]]
>>> decode(["!", ["=", "http.request.method", ["GET"], 1]])
Not(child=Equals(field='http.request.method', values=('GET',), cased=True, leet=False))
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ostiary.vocabulary.plan import (
    All,
    Compare,
    Constant,
    DatePart,
    Equals,
    Exists,
    Glob,
    Keyword,
    Member,
    Network,
    Not,
    Null,
    Pattern,
    Plan,
    Regex,
    SameAs,
    Some,
    Wild,
)

_WILD_CODES = {Wild.ANY: 0, Wild.ONE: 1}
_WILDS = (Wild.ANY, Wild.ONE)


def canonical(plan: Plan) -> str:
    """One text for one plan: sorted keys, no whitespace, ASCII. What digests and counter ids are made from."""
    return json.dumps(encode(plan), separators=(",", ":"))


def encode(plan: Plan) -> list[Any]:
    """A plan as JSON lists. Every node of ``vocabulary.plan`` has a code."""
    match plan:
        case All(children):
            return ["&", *map(encode, children)]
        case Some(children):
            return ["|", *map(encode, children)]
        case Not(child):
            return ["!", encode(child)]
        case Equals(field, values, cased, leet):
            return ["=", field, list(values), cased + 2 * leet]
        case Glob(field, pattern, cased, leet):
            return ["*", field, _encode_pattern(pattern), cased + 2 * leet]
        case Regex(field, expression, flags):
            return ["~", field, expression, flags]
        case Compare(field, operator, number):
            return ["<", field, operator, number]
        case DatePart(field, part, operator, number):
            return ["d", field, part, operator, number]
        case Network(field, networks):
            return ["/", field, list(networks)]
        case Null(field):
            return ["0", field]
        case Exists(field, present):
            return ["?", field, int(present)]
        case SameAs(field, other, how):
            return ["@", field, other, how]
        case Keyword(pattern, cased):
            return ["k", _encode_pattern(pattern), int(cased)]
        case Member(collection, inner):
            return ["m", collection, encode(inner)]
        case Constant(value):
            return ["c", int(value)]


def decode(data: Any) -> Plan:
    """The inverse of ``encode``. Raises ``ValueError``, ``KeyError``, ``TypeError`` or ``IndexError`` for what is no plan."""
    return _DECODERS[data[0]](data)


def _encode_pattern(pattern: Pattern) -> list[str | int]:
    return [part if isinstance(part, str) else _WILD_CODES[part] for part in pattern]


def _decode_pattern(data: list[str | int]) -> Pattern:
    return tuple([part if isinstance(part, str) else _WILDS[part] for part in data])


_DECODERS: dict[str, Callable[[Any], Plan]] = {
    "&": lambda data: All(tuple([decode(child) for child in data[1:]])),
    "|": lambda data: Some(tuple([decode(child) for child in data[1:]])),
    "!": lambda data: Not(decode(data[1])),
    "=": lambda data: Equals(data[1], tuple(data[2]), bool(data[3] & 1), bool(data[3] & 2)),
    "*": lambda data: Glob(data[1], _decode_pattern(data[2]), bool(data[3] & 1), bool(data[3] & 2)),
    "~": lambda data: Regex(data[1], data[2], data[3]),
    "<": lambda data: Compare(data[1], data[2], data[3]),
    "d": lambda data: DatePart(data[1], data[2], data[3], data[4]),
    "/": lambda data: Network(data[1], tuple(data[2])),
    "0": lambda data: Null(data[1]),
    "?": lambda data: Exists(data[1], bool(data[2])),
    "@": lambda data: SameAs(data[1], data[2], data[3]),
    "k": lambda data: Keyword(_decode_pattern(data[1]), bool(data[2])),
    "m": lambda data: Member(data[1], decode(data[2])),
    "c": lambda data: Constant(bool(data[1])),
}
