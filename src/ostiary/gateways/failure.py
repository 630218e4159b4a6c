"""What becomes of a request that could not be judged: the event is wrong, the client went past a limit, or the gate itself is broken."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from ostiary.gateways import address, rest_event
from ostiary.gateways.headers import pairs
from ostiary.gateways.limits import MAX_ACCOUNT_BYTES, RequestRefused
from ostiary.judgement.identify import NOBODY, address_principal
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError, OstiaryError, StoreError
from ostiary.vocabulary.plain import to_plain
from ostiary.vocabulary.ports import StateStore
from ostiary.vocabulary.request import Principal, Request, Value
from ostiary.vocabulary.rule import Mode
from ostiary.vocabulary.verdict import Effect, Verdict

MAX_SHOWN = 256
"""Characters of a method or path in such a verdict."""


def bare_request(event: Mapping[str, object], gateway: str, now: float) -> Request:
    """The little that can be told of any event: its id (else a made-up one), the peer's address, method, path, origin."""
    context = event.get("requestContext")
    context = context if isinstance(context, Mapping) else {}
    try:
        id = rest_event.request_id(context)
    except EventError:
        id = f"unidentified-{os.urandom(16).hex()}"
    caller = context.get("identity")
    peer = address.parse(str(caller.get("sourceIp"))) if isinstance(caller, Mapping) else None
    fields: dict[str, Value] = {"http.request.method": _shown(event.get("httpMethod")), "url.path": _shown(event.get("path"))}
    origins = [value for name, value in pairs(event.get("multiValueHeaders"), event.get("headers")) if name.lower() == "origin"]
    if len(origins) == 1 and len(origins[0]) <= MAX_ACCOUNT_BYTES:
        fields["http.request.header.origin"] = origins[0]
    return Request(id, now, gateway, None, str(peer) if peer else None, fields)


def verdict_on(error: OstiaryError, request: Request, settings: Settings, mode: Mode) -> Verdict:
    """The degraded Verdict that stands in for a judgement.

    ``settings.on_error`` decides; but what the client did (``RequestRefused``) is refused while the gate enforces, since failing
    open would be the client's choice then. ``mode`` is what the kill switch says, as far as anybody knows.
    """
    refused = isinstance(error, RequestRefused)
    closed = settings.on_error == "closed" or (refused and mode == "enforce")
    reason = "request_refused" if refused else "service_unavailable"
    denied = Effect("denied", reason=reason, message=str(error) if refused else None)  # type: ignore[arg-type]
    principal = address_principal(request.address) if request.address else Principal("address", NOBODY)
    return Verdict(
        id=request.id,
        time=request.time,
        principal=principal.key,
        account=None,
        address=request.address,
        gateway=request.gateway,
        method=str(request.fields.get("http.request.method", "")),
        path=str(request.fields.get("url.path", "")),
        effect=denied if closed else Effect(),
        would=denied if closed or refused else Effect(),
        rules=(),
        counts=(),
        digest="",
        mode=mode,
        degraded=True,
    )


def mode_for(error: OstiaryError, store: StateStore, settings: Settings) -> Mode:
    """The mode for ``verdict_on``: the kill switch's where it matters, the configured one otherwise or while it can't be read."""
    if not isinstance(error, RequestRefused):
        return settings.mode
    try:
        return store.control(None, settings.mode).mode
    except StoreError:
        return settings.mode


def line(verdict: Verdict, error: OstiaryError) -> str:
    """One JSON line for the log: the Verdict, for ``record``, and what went wrong. Texts of errors hold nothing of the request."""
    return json.dumps({"ostiary.verdict": to_plain(verdict), "ostiary.error": {"kind": type(error).__name__, "message": str(error)}})


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:MAX_SHOWN])[:MAX_SHOWN]
