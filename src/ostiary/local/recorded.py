"""Recorded requests: one JSON object a line, parsed once into frozen data; a bad line is named, never fatal."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ostiary.vocabulary.request import Principal, Scalar

START = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
"""The virtual moment (a Monday, midnight UTC) that "seconds from the start" count from: fixed, so that playing is repeatable."""
LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
MAX_LINE_BYTES = 10 * 1024 * 1024
"""Amazon API Gateway's payload quota ("Quotas for configuring and running a REST API"): 10 MB."""
MAX_KEY_BYTES = 2048
"""Of a partition key (Amazon DynamoDB developer guide, "Quotas")."""
MAX_FACTS = 100
MAX_FACT_CHARACTERS = 200
MAX_FACT_NUMBER = 2**53
UNSAID_ADDRESS = "192.0.2.1"
"""Of a line without an address: a gateway always knows one. From a documentation network (RFC 5737)."""
KEYS = ("time", "account", "key", "address", "method", "path", "headers", "body", "facts")
_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,32}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")


class BadLine(ValueError):
    """A line is no recorded request; the text says why."""


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request of recorded traffic. ``number``: its line. ``time``: epoch seconds. ``body``: as it was sent."""

    number: int
    time: float
    account: str | None
    key: str | None
    address: str
    method: str
    path: str
    """Path, question mark and query, as they were sent."""
    headers: tuple[tuple[str, str], ...]
    body: str | None
    facts: Mapping[str, Scalar] | None
    """``account.plan`` → ``pro``; None: the line says nothing of facts."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """A line that could not be played, and why."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Recording:
    """All lines of recorded traffic: requests in the order of their time (of one time: of their lines), and the bad lines."""

    requests: tuple[RecordedRequest, ...]
    bad: tuple[Mishap, ...]
    ignored: Mapping[str, int]
    """Keys that no recorded request has → the first line that has them."""


def read(lines: Iterable[str | bytes | Mapping[str, Any]]) -> Recording:
    """Parse lines (text, bytes or the objects themselves). Blank lines are skipped; their numbers still count.

    >>> recording = read(['{"time": 2, "path": "/b"}', '{"time": 1, "path": "/a"}', '{"time": "soon"}'])
    >>> [request.path for request in recording.requests], recording.bad[0].number
    (['/a', '/b'], 3)
    """
    requests: list[RecordedRequest] = []
    bad: list[Mishap] = []
    ignored: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        try:
            data = _object(line)
            if data is None:
                continue
            requests.append(_request(data, number))
        except BadLine as error:
            bad.append(Mishap(number, str(error)))
            continue
        for key in data:
            if key not in KEYS:
                ignored.setdefault(key, number)
    requests.sort(key=lambda request: request.time)
    return Recording(tuple(requests), tuple(bad), ignored)


def _object(line: str | bytes | Mapping[str, Any]) -> Mapping[str, Any] | None:
    if isinstance(line, Mapping):
        return line
    if len(line) > MAX_LINE_BYTES:
        raise BadLine(f"over {MAX_LINE_BYTES} bytes: no gateway would have taken it")
    try:
        text = line.decode("utf-8-sig") if isinstance(line, bytes) else line
        data = json.loads(text) if text.strip() else None
    except UnicodeDecodeError as error:
        raise BadLine(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise BadLine(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise BadLine("not JSON that can be read: nested too deeply") from None
    if data is not None and not isinstance(data, dict):
        raise BadLine(f"expected an object, got {type(data).__name__}")
    return data


def _request(data: Mapping[str, Any], number: int) -> RecordedRequest:
    body = _body(data.get("body"))
    headers = tuple(_headers(data.get("headers") or {}))
    if body is not None and not isinstance(data["body"], str) and not any(name == "content-type" for name, _ in headers):
        headers += (("content-type", "application/json"),)
    method = _text(data, "method") or ("GET" if body is None else "POST")
    if not _METHOD.fullmatch(method):
        raise BadLine(f"method: {method!r} is no HTTP method")
    path = _text(data, "path")
    if path is None or not path.startswith("/") or any(ord(c) <= 32 or ord(c) == 127 for c in path):
        raise BadLine(f"path: {path!r} is none; it starts with a slash and holds no spaces")
    return RecordedRequest(
        number=number,
        time=_time(data.get("time")),
        account=_account(_text(data, "account")),
        key=_text(data, "key"),
        address=_address(_text(data, "address")),
        method=method,
        path=path,
        headers=headers,
        body=body,
        facts=_facts(data.get("facts")),
    )


def _text(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BadLine(f"{key}: expected a string, got {type(value).__name__}")
    return _sound(value, key)


def _account(value: str | None) -> str | None:
    if value is not None and (len(Principal("account", value).key) > MAX_KEY_BYTES or value != value.strip()):
        raise BadLine(f"account: {value[:40]!r} is none; its key has at most {MAX_KEY_BYTES} bytes, and no spaces stand around it")
    return value


def _sound(value: str, key: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadLine(f"{key}: holds half of a surrogate pair") from None
    return value


def _time(value: object) -> float:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            raise BadLine(f"time: {value!r} is neither a number of seconds nor RFC 3339") from None
        if moment.tzinfo is None:
            raise BadLine(f"time: {value!r} has no offset from UTC (RFC 3339 wants one: Z or +02:00)")
        if not 0 <= moment.timestamp() < LATEST:
            raise BadLine(f"time: {value!r} is outside 1970 to 9999")
        return moment.timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadLine("time: missing" if value is None else f"time: expected seconds or RFC 3339, got {type(value).__name__}")
    if not 0 <= value < LATEST - START:
        raise BadLine(f"time: {value} is no number of seconds from the start")
    return START + value


def _address(value: str | None) -> str:
    try:
        return str(ipaddress.ip_address(value)) if value is not None else UNSAID_ADDRESS
    except ValueError:
        raise BadLine(f"address: {value!r} is no IP address") from None


def _headers(value: object) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        raise BadLine(f"headers: expected an object, got {type(value).__name__}")
    for name, given in value.items():
        if not _HEADER.fullmatch(name):
            raise BadLine(f"headers: {name!r} is no header name")
        for item in given if isinstance(given, list) else [given]:
            if not isinstance(item, str) or any(c in item for c in "\r\n\0"):
                raise BadLine(f"headers: {name} must be one line of text, or a list of such")
            yield name.lower(), _sound(item, f"headers: {name}")


def _body(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _sound(value, "body")
    try:
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def _facts(value: object) -> Mapping[str, Scalar] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise BadLine(f"facts: expected an object, got {type(value).__name__}")
    if len(value) > MAX_FACTS:
        raise BadLine(f"facts: {len(value)}, over {MAX_FACTS}")
    for name, fact in value.items():
        if not 0 < len(_sound(name, "facts")) <= MAX_FACT_CHARACTERS:
            raise BadLine(f"facts: a name of {len(name)} characters; 1 to {MAX_FACT_CHARACTERS} fit")
        if isinstance(fact, str) and len(_sound(fact, f"facts: {name}")) > MAX_FACT_CHARACTERS:
            raise BadLine(f"facts: {name} has {len(fact)} characters, over {MAX_FACT_CHARACTERS}")
        if not isinstance(fact, (str, int, float, bool)) and fact is not None:
            raise BadLine(f"facts: {name} must be a string, number, boolean or null")
        if isinstance(fact, (int, float)) and not abs(fact) <= MAX_FACT_NUMBER:
            raise BadLine(f"facts: {name} is no number up to {MAX_FACT_NUMBER}")
    return {name if name.startswith("account.") else f"account.{name}": fact for name, fact in value.items()}
