"""What a caller is answered, before a gateway gives it its own form.

Sources: RFC 9457 (problem details), RFC 9110 (``Retry-After``), draft-ietf-httpapi-ratelimit-headers-10 (``RateLimit-Policy``,
``RateLimit``), the Fetch standard (CORS), and what the Python and TypeScript clients of Anthropic and OpenAI read: ``error.type``,
``error.code`` and ``error.message`` of the body, the headers ``x-should-retry`` and ``retry-after``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ostiary.settings import Settings
from ostiary.vocabulary.verdict import Count, Reason, Verdict

CONTENT_TYPE = "application/problem+json"
MAX_RATE_LIMITS = 8
"""Limits that one answer tells."""
MAX_OBEYED_RETRY_SECONDS = 60
"""Provider clients wait at most this long; a later ``Retry-After`` they replace by a short back-off of their own."""
EXPOSED = "retry-after, ratelimit, ratelimit-policy, x-should-retry, x-ostiary-verdict"
"""What a browser may read of an answer."""

Headers = tuple[tuple[str, str], ...]
Problem = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wording:
    """How a reason code is told: title and text for people, ``type`` as provider clients know it."""

    title: str
    detail: str
    type: str


WORDINGS: Mapping[Reason, Wording] = {
    "none": Wording("Allowed", "The request is allowed.", "none"),
    "limit_exceeded": Wording("Too many requests", "A usage limit of this account or address is reached.", "rate_limit_error"),
    "terms_of_service": Wording("Not permitted", "The terms of service do not permit this request.", "permission_error"),
    "suspended": Wording("Suspended", "This account is suspended for use against the terms of service.", "permission_error"),
    "address_blocked": Wording("Address blocked", "Requests from this network address are blocked.", "permission_error"),
    "service_unavailable": Wording("Unavailable", "The request could not be checked just now. Try again shortly.", "api_error"),
    "request_refused": Wording("Request refused", "A rule of this service does not permit this request.", "permission_error"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` go to the caller, ``upstream`` to whoever serves an allowed request. ``problem`` is a refusal's body; None: allowed."""

    status: int
    headers: Headers = ()
    upstream: Headers = ()
    problem: Problem | None = None

    @property
    def body(self) -> str:
        """The problem as JSON; empty when there is none."""
        return "" if self.problem is None else json.dumps(self.problem, separators=(",", ":"))


def refusal(
    verdict: Verdict, settings: Settings, *, status: int, retry_after: int | None, should_retry: bool, type: str | None = None
) -> Answer:
    """An Answer that says which verdict, why, until when and where to appeal. ``type``: the error's, where it is not its reason's."""
    effect = verdict.effect
    wording = WORDINGS[effect.reason]
    detail = effect.message or wording.detail
    until = effect.until if effect.until is not None or retry_after is None else verdict.time + retry_after
    problem: dict[str, object] = {
        "type": f"urn:ostiary:reason:{effect.reason}",
        "title": wording.title,
        "status": status,
        "detail": detail,
        "instance": f"urn:ostiary:verdict:{verdict.id}",
        "verdict": verdict.id,
        "reason": effect.reason,
    }
    more = {
        "until": rfc3339(until) if until is not None else None,
        "retry_after": retry_after,
        "appeal": settings.appeal or None,
        "clause": effect.clause,
    }
    problem.update({key: value for key, value in more.items() if value is not None})
    problem["error"] = {"type": type or wording.type, "code": effect.reason, "message": _message(detail, verdict.id, settings.appeal)}
    headers = [("content-type", CONTENT_TYPE), ("cache-control", "no-store")]
    if retry_after is not None:
        headers.append(("retry-after", str(retry_after)))
    headers.append(("x-should-retry", "true" if should_retry else "false"))
    headers.append(("x-ostiary-verdict", verdict.id))
    return Answer(status, (*headers, *rate_limit(verdict)), problem=problem)


def _message(detail: str, id: str, appeal: str) -> str:
    end = f" To appeal: {appeal}." if appeal else ""
    return f"{detail} (verdict {id}){end}"


def rate_limit(verdict: Verdict) -> Headers:
    """``RateLimit-Policy`` and ``RateLimit``: the limits that were counted and are in force, by rule.

    Nothing while the gate or the rule only monitors: a limit that refuses nobody is not advertised.
    """
    enforced = {rule.id for rule in verdict.rules if rule.mode == "enforce"} if verdict.mode == "enforce" else set()
    counts = [count for count in verdict.counts if count.kind == "limit" and count.rule in enforced][:MAX_RATE_LIMITS]
    if not counts:
        return ()
    policies = ", ".join(f"{_quoted(count.rule)};q={count.max};w={count.timespan}" for count in counts)
    return (("ratelimit-policy", policies), ("ratelimit", ", ".join(_left(count) for count in counts)))


def _left(count: Count) -> str:
    reset = f";t={math.ceil(count.reset)}" if count.reset > 0 else ""
    return f"{_quoted(count.rule)};r={max(0, count.max - count.used)}{reset}"


def _quoted(text: str) -> str:
    """A structured field's String (RFC 9651, 3.3.3): printable ASCII in quotes."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def rfc3339(time: float) -> str:
    """Epoch seconds as RFC 3339, in UTC, rounded up to the second.

    >>> rfc3339(1767225600.2)
    '2026-01-01T00:00:01Z'
    """
    return datetime.fromtimestamp(math.ceil(time), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def allowed_origin(origin: str | None, settings: Settings) -> str | None:
    """The value of ``Access-Control-Allow-Origin``; None when the request is of no origin, or of one that is not configured."""
    if not origin:
        return None
    if "*" in settings.allowed_origins:
        return "*"
    return origin if origin in settings.allowed_origins else None


def cors(origin: str | None, settings: Settings) -> Headers:
    """CORS headers, so that a browser's code can read why it was refused."""
    allowed = allowed_origin(origin, settings)
    if allowed is None:
        return ()
    vary = () if allowed == "*" else (("vary", "origin"),)
    return (("access-control-allow-origin", allowed), ("access-control-expose-headers", EXPOSED), *vary)
