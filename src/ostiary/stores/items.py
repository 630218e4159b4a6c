"""Attribute values in DynamoDB's JSON, and the state item's layout: one item a principal, every counter bucket an attribute.

Sources: Amazon DynamoDB API Reference, "AttributeValue"; Developer Guide, "Supported data types" (numbers have 38 digits).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

from ostiary.stores.tables import AttributeValue, Item
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.request import Principal, Scalar
from ostiary.vocabulary.state import Enforcement, State

Typed = Mapping[str, Mapping[str, Any]]
"""An item in DynamoDB's JSON: attribute name → ``{"S": …}``, ``{"N": "1"}`` …"""

KEY = "pk"
SEQ = "seq"
RECORD = "l"
WRITER = "w"
ENFORCEMENT = "e"
ENFORCEMENT_VERSION = "ev"
KEEP_UNTIL = "keep_until"
TTL = "ttl"
BUCKET = "b:"
"""Prefix of a counter's bucket."""
FACT = "f:"
"""Prefix of a fact."""

MAX_NUMBER = 10**38 - 1


def encode(value: AttributeValue) -> dict[str, Any]:
    """A value in DynamoDB's JSON. ``StoreError`` for a number that DynamoDB can't hold.

    >>> encode("pro"), encode(3), encode(True), encode(2.0)
    ({'S': 'pro'}, {'N': '3'}, {'BOOL': True}, {'N': '2'})
    """
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": _number(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bytes):
        return {"B": base64.b64encode(value).decode("ascii")}
    return {"L": [{"S": word} for word in value]}


def _number(value: float) -> str:
    if isinstance(value, float):
        if not math.isfinite(value) or (value != 0 and not 1e-130 <= abs(value) <= 1e125):
            raise StoreError(f"{value} is no number that DynamoDB can hold", applied=False)
        if not value.is_integer() or abs(value) >= 2**53:
            return repr(value)
        value = int(value)
    if abs(value) > MAX_NUMBER:
        raise StoreError("a number of more than 38 digits is none that DynamoDB can hold", applied=False)
    return str(value)


def decode(typed: Mapping[str, Any]) -> AttributeValue:
    """The inverse of ``encode``. ``StoreError`` for a type that Ostiary never writes."""
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return str(value)
        case "N":
            return number(str(value))
        case "BOOL":
            return bool(value)
        case "NULL":
            return None
        case "B":
            return base64.b64decode(value)
        case "L":
            return tuple(str(decode(word)) for word in value)
    raise StoreError(f"an attribute of type {kind} is none of ours: something else writes to this table")


def number(text: str) -> int | float:
    """A number as DynamoDB writes it.

    >>> number("17"), number("0.5"), number("1E+2")
    (17, 0.5, 100)
    """
    try:
        return int(text)
    except ValueError:
        found = float(text)
        return int(found) if found.is_integer() and abs(found) < 2**53 else found


def encode_item(item: Mapping[str, AttributeValue]) -> dict[str, dict[str, Any]]:
    return {name: encode(value) for name, value in item.items()}


def decode_item(typed: Typed) -> Item:
    """The inverse of ``encode_item``. Whole numbers, most of a state item, take the short way."""
    found: Item = {}
    for name, value in typed.items():
        digits = value.get("N")
        found[name] = int(digits) if digits is not None and digits.isdecimal() else decode(value)
    return found


def stored(value: AttributeValue) -> AttributeValue:
    """The value as it comes back from a table: whole floats are ints."""
    if isinstance(value, float):
        return number(_number(value))
    return value


def state_of_item(item: Typed) -> State:
    """State from a principal's item in DynamoDB's JSON (an answer, or a stream record's image)."""
    return state_of(decode_item(item))


def state_of(item: Mapping[str, AttributeValue]) -> State:
    """State from a principal's decoded item. Attributes that this version does not know are ignored."""
    buckets: dict[str, int] = {}
    facts: dict[str, Scalar] = {}
    for name, value in item.items():
        if name.startswith(BUCKET) and isinstance(value, int):
            buckets[name[len(BUCKET) :]] = value
        elif name.startswith(FACT) and not isinstance(value, (bytes, tuple)):
            facts[name[len(FACT) :]] = value
    seq = item.get(SEQ, 0)
    return State(Principal.of_key(str(item[KEY])), seq if isinstance(seq, int) else 0, buckets, facts, enforcement_of(item))


def enforcement_of(item: Mapping[str, AttributeValue]) -> Enforcement | None:
    """The enforcement on a decoded item, None where there is none. Keys that a newer version wrote are ignored."""
    text = item.get(ENFORCEMENT)
    if not isinstance(text, str):
        return None
    try:
        data = json.loads(text)
        return Enforcement(
            stage=data["stage"],
            case=data["case"],
            version=data["version"],
            since=data["since"],
            until=data["until"],
            deny=data.get("deny", False),
            withhold=tuple(data.get("withhold", ())),
            limit_share=data.get("limit_share", 1.0),
            clause=data.get("clause"),
            reason=data.get("reason", "terms_of_service"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"the enforcement on {item.get(KEY)!r} can't be read ({type(error).__name__}); write it again") from error


def record_of_item(item: Typed) -> str | None:
    """The request's record (``#l``) of an image in DynamoDB's JSON; None where no request has written it yet."""
    text = item.get(RECORD, {}).get("S")
    return None if text is None else str(text)


def writer_of_item(item: Typed) -> str:
    """Who wrote this image: ``request``, ``undo``, ``facts``, ``enforcement`` …; empty for a key-only image."""
    return str(item.get(WRITER, {}).get("S", ""))
