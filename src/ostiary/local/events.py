"""Events for ``ostiary match``: one JSON object a line, flat or nested field maps, or what a gateway hands to a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ostiary.matching.subject import number as number_of
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError
from ostiary.vocabulary.fields import COLLECTIONS
from ostiary.vocabulary.request import Fields, Principal, Request, Scalar, Value

MAX_DEPTH = 64
"""Nesting of an event beyond this is refused: no log has it."""
TIME_FIELD = "@timestamp"
"""Where an event's time stands, unless somebody says otherwise."""
_SECONDS_BELOW = 1e11
"""A number below this is epoch seconds (until the year 5138), below a thousand times this milliseconds, and so on to nanoseconds."""
_GATEWAY_KEYS = ("requestContext", "httpMethod")
_SETTINGS = Settings(identifier_key="events are matched, never kept")


class BadEvent(ValueError):
    """A line is no event; the text says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line. ``index`` counts from 0 over the lines that are not blank; ``number`` is the line's, from 1.

    ``error`` says why a line could not be read; then there are no fields. ``time`` is epoch seconds, None where the event does not
    say it.
    """

    index: int
    number: int
    fields: Fields
    error: str = ""
    time: float | None = None


def read_events(lines: Iterable[bytes], time_field: str = TIME_FIELD) -> Iterator[Event]:
    """One Event for each line that is not blank, bad ones too; a stream, so that a file may be longer than memory.

    A gateway's event has its time where its gateway writes it; ``time_field`` is for all others.
    """
    index = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = _object(line)
            fields = fields_of(event)
            yield Event(index, number, fields, time=moment_of(_gateway_time(event) if is_gateway_s(event) else fields.get(time_field)))
        except (BadEvent, EventError) as error:
            yield Event(index, number, {}, str(error))
        index += 1


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadEvent(f"not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise BadEvent(f"not JSON: {error.msg} (column {error.colno})") from None
    except (RecursionError, ValueError) as error:
        raise BadEvent("nested too deep" if isinstance(error, RecursionError) else f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadEvent("not a JSON object")
    return found


def fields_of(event: Mapping[str, Any]) -> Fields:
    """An event's fields, account facts among them.

    Nested names are joined by dots, and a name that holds dots already is itself. A list is several values of one field; the
    members of a list of objects share its name, without an index. Raises ``BadEvent``; ``EventError`` for a gateway's event.

    >>> fields_of({"a": {"b": 1, "c": [2, None]}, "d.e": "x", "f": [{"g": 1}, {"g": 2}]})
    {'a.b': 1, 'a.c': (2, None), 'd.e': 'x', 'f.g': (1, 2)}
    """
    if is_gateway_s(event):
        return _of_gateway(event)
    found: dict[str, list[Scalar]] = {}
    _flatten(event, "", found, 0)
    return {name: values[0] if len(values) == 1 else tuple(values) for name, values in found.items()}


def is_gateway_s(event: Mapping[str, Any]) -> bool:
    """Whether it is what a gateway hands to a function."""
    return all(key in event for key in _GATEWAY_KEYS)


def _gateway_time(event: Mapping[str, Any]) -> Value:
    context = event["requestContext"]
    said = context.get("requestTimeEpoch") if isinstance(context, Mapping) else None
    return said if isinstance(said, int | float) else None


def moment_of(value: Value) -> float | None:
    """The time that a field says, in epoch seconds; of several values the first. None for what is no time.

    RFC 3339, also with a space for T and without an offset (then it is UTC); or a number, or a text that writes one: epoch seconds,
    milliseconds, microseconds or nanoseconds, told apart by their size.

    >>> moment_of("2026-01-05T00:00:00.5Z"), moment_of(1767571200500), moment_of("1767571200.5"), moment_of("soon")
    (1767571200.5, 1767571200.5, 1767571200.5, None)
    """
    if isinstance(value, tuple):
        value = value[0] if value else None
    seconds = number_of(value)
    if seconds is not None:
        return _seconds(seconds)
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip().upper())
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _seconds(found: float) -> float | None:
    for scale in (1, 10**3, 10**6, 10**9):
        if abs(found) < _SECONDS_BELOW * scale:
            return found / scale
    return None


def _flatten(value: Any, name: str, found: dict[str, list[Scalar]], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadEvent(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        for key, member in value.items():
            _flatten(member, f"{name}.{key}" if name else str(key), found, depth + 1)
    elif isinstance(value, list):
        if not value:
            found.setdefault(name, [])
        # What belongs to one member of a collection must stay at one place: null where a member lacks it.
        keys = dict.fromkeys(key for member in value if isinstance(member, Mapping) for key in member) if name in COLLECTIONS else {}
        for member in value:
            missing = {key: None for key in keys if key not in member} if isinstance(member, Mapping) else {}
            _flatten({**member, **missing} if missing else member, name, found, depth + 1)
    else:
        found.setdefault(name, []).append(value)


def _of_gateway(event: Mapping[str, Any]) -> Fields:
    from ostiary.gateways import rest_authorizer, rest_proxy
    from ostiary.judgement.identify import NOBODY, address_principal

    read: Callable[[Mapping[str, Any], Settings, float], Request]
    read = rest_authorizer.to_request if "methodArn" in event else rest_proxy.to_request
    request = read(event, _SETTINGS, 0.0)
    principal = Principal("account", request.account) if request.account else address_principal(request.address or NOBODY)
    return {**request.fields, **request.facts, "principal.id": principal.key}
