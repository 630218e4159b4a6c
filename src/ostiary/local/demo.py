"""What the demo looks at: how the callers of a generated day fared, by their kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.local.play import AccountReport, Report
from ostiary.local.traffic import BENIGN, Day

NO_ACCOUNT = "without an account"


@dataclass(frozen=True, slots=True)
class KindReport:
    """How one kind of callers fared, in requests."""

    kind: str
    benign: bool
    accounts: int
    requests: int
    refused: int
    withheld: int
    stages: tuple[str, ...]
    """Stages that its accounts are at, without ``none``."""


def by_kind(day: Day, report: Report) -> tuple[KindReport, ...]:
    """One KindReport a kind, the benign first, in alphabetical order; callers without an account come last."""
    groups: dict[str, dict[str, AccountReport]] = {}
    for name, account in report.accounts.items():
        groups.setdefault(day.kinds.get(name, NO_ACCOUNT), {})[name] = account
    kinds = [_kind(kind, accounts) for kind, accounts in groups.items()]
    return tuple(sorted(kinds, key=lambda found: (not found.benign, found.kind == NO_ACCOUNT, found.kind)))


def benign_refused(kinds: tuple[KindReport, ...]) -> int:
    """Requests of benign callers that were throttled or denied. It must be 0."""
    return sum(found.refused for found in kinds if found.benign)


def _kind(kind: str, accounts: Mapping[str, AccountReport]) -> KindReport:
    return KindReport(
        kind=kind,
        benign=kind in BENIGN,
        accounts=len(accounts),
        requests=sum(account.requests for account in accounts.values()),
        refused=sum(account.throttled + account.denied for account in accounts.values()),
        withheld=sum(account.withheld for account in accounts.values()),
        stages=tuple(sorted({account.stage for account in accounts.values()} - {"none"})),
    )
