"""API Gateway REST API, Lambda proxy integration: the gate stands in the path, sees the body and forwards it.

Sources: Amazon API Gateway developer guide, "Input format of a Lambda function for proxy integration", "Output format of a Lambda
function for proxy integration".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from ostiary.gateways import body, rest_event
from ostiary.gateways.answering import answer
from ostiary.gateways.forward import ForwardedAnswer, ForwardedRequest, end_to_end
from ostiary.gateways.headers import OURS, Headers, sanitised
from ostiary.gateways.http import encoded
from ostiary.gateways.path import forwardable
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.verdict import Verdict

GATEWAY = "rest_proxy"
Pairs = tuple[tuple[str, str], ...]

is_preflight = rest_event.is_preflight


@dataclass(frozen=True, slots=True)
class ProxiedRequest(Request):
    """A Request that remembers what to forward."""

    onward: ForwardedRequest = field(default_factory=lambda: ForwardedRequest("GET", "/"))


def to_request(event: Mapping[str, object], settings: Settings, now: float) -> ProxiedRequest:
    """Reads a proxy integration's event, body included. Raises ``EventError``; ``RequestRefused`` for what is past a limit."""
    rest_event.context_of(event)
    headers = Headers.of_event(event)
    read = body.read(event.get("body"), event.get("isBase64Encoded") is True, headers)
    seen = rest_event.seen(event, settings, read, headers)
    onward = _onward(event, read.sent, headers)
    return ProxiedRequest(seen.id, now, GATEWAY, seen.account, seen.address, seen.fields, seen.facts, onward=onward)


def to_forward(event: Mapping[str, object]) -> ForwardedRequest:
    """What to forward of a request that is let through unjudged. Raises ``EventError`` when the event can't say.

    No limit is asked: whether what is past one goes on was decided before.
    """
    headers = Headers.of_event(event, limited=False)
    text = event.get("body")
    sent = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else b""
    if event.get("isBase64Encoded") is True:
        try:
            sent = base64.b64decode(sent, validate=True)
        except binascii.Error:
            raise EventError("the event's body is no base64") from None
    return _onward(event, sent, headers)


def _onward(event: Mapping[str, object], sent: bytes, headers: Headers) -> ForwardedRequest:
    query = encoded(rest_event.query_of(event))
    target = forwardable(rest_event.text(event, "path")) + (f"?{query}" if query else "")
    lines = tuple((name, value) for name, values in headers.items() for value in values)
    return ForwardedRequest(rest_event.text(event, "httpMethod"), target, lines, sent)


def to_answer(verdict: Verdict, request: Request, settings: Settings) -> dict[str, object]:
    """A refusal as the integration's answer; of an allowed request the headers that ``to_forwarded_answer`` adds to the upstream's."""
    found = answer(verdict, request, settings)
    return _output(found.status, found.headers, found.body.encode())


def to_forwarded_answer(forwarded: ForwardedAnswer, more: Pairs = ()) -> dict[str, object]:
    """The upstream's answer, without what only we may say, and with ``more`` (the state of the limits).

    The gateway counts the body's octets itself.
    """
    dropped = {"content-length", *(name for name, _ in more)}
    kept = [(name, value) for name, value in end_to_end(forwarded.headers) if name not in dropped and not name.startswith(OURS)]
    return _output(forwarded.status, (*kept, *more), forwarded.body)


def _output(status: int, headers: Pairs, content: bytes) -> dict[str, object]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name.lower(), []).append(sanitised(value))
    coded = any(value.lower() != "identity" for value in grouped.get("content-encoding", ()))
    try:
        text, binary = ("", True) if coded else (content.decode(), False)
    except UnicodeDecodeError:
        text, binary = "", True
    return {
        "statusCode": status,
        "multiValueHeaders": grouped,
        "body": base64.b64encode(content).decode() if binary else text,
        "isBase64Encoded": binary,
    }
