"""The breaker: stops automatic suspensions when there are too many in a while, since then a rule is wrong, not the accounts."""

from __future__ import annotations

from collections.abc import Iterable

from ostiary.enforcement.policy import Policy
from ostiary.vocabulary.case import Case


def suspended_lately(policy: Policy, suspended: Iterable[Case], now: float) -> int:
    """How many of the Cases at ``suspend`` got (or renewed) that stage in the breaker's last ``per`` seconds.

    The moment is the end of the stage less its duration; where suspensions have no end, the Case's last step.
    """
    if policy.breaker is None:
        return 0
    duration = policy.terms("suspend").duration
    count = 0
    for case in suspended:
        at = case.updated if case.until is None or duration is None else case.until - duration
        count += now - at < policy.breaker.per
    return count


def is_open(policy: Policy, suspended: Iterable[Case], now: float) -> bool:
    """Whether suspensions have to wait. The Case that asks is among ``suspended``: at the limit it still passes."""
    return policy.breaker is not None and suspended_lately(policy, suspended, now) > policy.breaker.suspensions
