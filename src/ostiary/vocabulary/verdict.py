"""Verdict: what was decided about one request, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ostiary.vocabulary.rule import Level, Mode

Outcome = Literal["allowed", "throttled", "denied"]
Reason = Literal["none", "limit_exceeded", "terms_of_service", "suspended", "address_blocked", "service_unavailable", "request_refused"]
"""Reason codes, fit for customers; ``docs/refusals.md`` explains each."""


@dataclass(frozen=True, slots=True)
class RuleRef:
    """A rule that matched, as a verdict names it."""

    id: str
    version: str
    level: Level
    mode: Mode
    title: str = ""
    """For people: an id is often a UUID."""


@dataclass(frozen=True, slots=True)
class Count:
    """A count against its limit (or a correlation's threshold), this request included."""

    rule: str
    used: int
    max: int
    timespan: int
    """Seconds."""
    reset: float
    """Seconds from the request until one more would be admitted; 0 when there is room."""
    kind: Literal["limit", "matches"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a request gets: the outcome, what is withheld, and for a refusal why, until when."""

    outcome: Outcome = "allowed"
    withhold: tuple[str, ...] = ()
    reason: Reason = "none"
    rule: str | None = None
    """Id of the rule that decided; None when enforcement or the fail mode did."""
    retry_after: int | None = None
    """Whole seconds, rounded up, for a throttled request."""
    until: float | None = None
    """Epoch seconds when a refusal ends; None: unknown or never."""
    clause: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class EnforcementRef:
    """The enforcement in force when the request came, as a verdict names it."""

    stage: str
    case: str
    version: int
    until: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about one request, and why. ``id`` is the request's.

    ``effect`` is what the caller got; ``would`` is what full enforcement would have given (the same, when everything that
    matched is enforced). ``record`` and ``image`` hold what ``derive`` needs to make this Verdict again.
    """

    id: str
    time: float
    principal: str
    """The principal's key, ``account#…`` or ``address#…``."""
    account: str | None
    address: str | None
    gateway: str
    method: str
    path: str
    effect: Effect
    would: Effect
    rules: tuple[RuleRef, ...]
    counts: tuple[Count, ...]
    digest: str
    mode: Mode
    enforcement: EnforcementRef | None = None
    exemption: str | None = None
    """Name of the Exemption that changed the effect."""
    degraded: bool = False
    evaluation_us: int = 0
    seq: int = 0
    """Rank among the writes on the principal's item; 0: no write happened (degraded)."""
    credential: str | None = None
    evidence: str = ""
    """The record and the counters, facts and enforcement of the image it was derived from, as JSON."""
