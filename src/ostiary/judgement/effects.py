"""Effects and how they combine: the strictest outcome wins, what is withheld adds up."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from ostiary.vocabulary.rule import Rule
from ostiary.vocabulary.state import Enforcement
from ostiary.vocabulary.verdict import Effect, Outcome, Reason

STRICTNESS: dict[Outcome, int] = {"allowed": 0, "throttled": 1, "denied": 2}
ALLOWED = Effect()


def combine(effects: Iterable[Effect]) -> Effect:
    """The strictest of several effects; among the throttling ones the longest wait. Withholding rides on allowed only."""
    strictest = ALLOWED
    withheld: dict[str, None] = {}
    for effect in effects:
        withheld.update(dict.fromkeys(effect.withhold))
        if _weight(effect) > _weight(strictest):
            strictest = effect
    if strictest.outcome != "allowed":
        return replace(strictest, withhold=())
    return replace(strictest, withhold=tuple(sorted(withheld)))


def _weight(effect: Effect) -> tuple[int, bool, float, bool]:
    # A known block says more than «can't be asked»; an end that nobody knows is the latest of all.
    waiting = math.inf if effect.until is None and effect.outcome == "denied" else (effect.until or 0.0)
    return STRICTNESS[effect.outcome], effect.reason != "service_unavailable", waiting, bool(effect.withhold)


def of_rule(rule: Rule, now: float, reset: float | None) -> Effect:
    """What a rule asks for when it holds. ``reset``: seconds until its window has room, None for a rule without one."""
    if rule.limit is not None or rule.action == "throttle":
        wait = max(1, math.ceil(reset if reset is not None else 1.0))
        return Effect("throttled", (), "limit_exceeded", rule.id, wait, now + wait, rule.clause, rule.message)
    if rule.action == "deny":
        reason: Reason = "terms_of_service" if rule.correlation else "request_refused"
        until = None if reset is None else now + reset
        return Effect("denied", (), reason, rule.id, None, until, rule.clause, rule.message)
    if rule.action == "withhold":
        return Effect("allowed", rule.withhold, "none", rule.id, None, None, rule.clause, rule.message)
    return ALLOWED


def of_enforcement(enforcement: Enforcement | None, now: float, *, address: bool = False) -> Effect:
    """What a Case put in force does to a request at ``now``."""
    if not in_force(enforcement, now):
        return ALLOWED
    assert enforcement is not None
    if enforcement.deny:
        reason: Reason = "address_blocked" if address else "suspended"
        return Effect("denied", (), reason, None, None, enforcement.until, enforcement.clause)
    return Effect("allowed", enforcement.withhold, "none", None, None, None, enforcement.clause)


def in_force(enforcement: Enforcement | None, now: float) -> bool:
    """Whether an enforcement still has its effect."""
    return enforcement is not None and enforcement.stage != "none" and (enforcement.until is None or enforcement.until > now)


def unavailable(closed: bool) -> Effect:
    """What the fail mode gives when the store can't be asked."""
    return Effect("denied", (), "service_unavailable", None, 1, None) if closed else ALLOWED
