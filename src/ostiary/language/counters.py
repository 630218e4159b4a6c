"""Counters: which sliding windows a Ruleset counts in, shared by rules that count the same.

All limits on the request path group by the principal, or by it and more, because they live in its one item.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from ostiary.ruleset.plan_codec import canonical
from ostiary.vocabulary.fields import known
from ostiary.vocabulary.plan import All, Exists, Null, Plan, Some, is_fact
from ostiary.vocabulary.rule import MAX_COUNTERS, Counter

PRINCIPALS = frozenset({"account.id", "principal.id"})
_ID_DIGITS = 10


@dataclass(slots=True)
class Counters:
    """All Counters so far, by id."""

    by_id: dict[str, Counter] = field(default_factory=dict)

    def add(
        self,
        kind: Literal["limit", "matches"],
        timespan: int,
        buckets: int,
        group_by: tuple[str, ...],
        rules: Sequence[tuple[int, Plan]],
        *,
        penalise: bool = False,
    ) -> str:
        """The id of the Counter of some rules (index and plan). Equal ones are one; ``penalise`` keeps them apart."""
        predicate = sorted(canonical(plan) for _, plan in rules)
        text = json.dumps([kind, timespan, buckets, group_by, predicate, penalise], separators=(",", ":"))
        name = sha256(text.encode()).hexdigest()[:_ID_DIGITS]
        before = self.by_id.get(name)
        indexes = sorted({*(before.rules if before else ()), *(index for index, _ in rules)})
        self.by_id[name] = Counter(name, kind, timespan, buckets, group_by, tuple(indexes))
        return name

    @property
    def full(self) -> bool:
        """Whether one principal would have more Counters than its item may hold."""
        return len(self.by_id) > MAX_COUNTERS


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a count can't live in the principal's item. ``position``: of the name in ``group-by``; None: the grouping as a whole."""

    position: int | None
    kind: str
    message: str
    hint: str


def obstacle(group_by: Sequence[str], plans: Sequence[Plan]) -> Obstacle | None:
    """The first reason why a count of what these plans match, grouped so, can't live in the principal's item."""
    for position, name in enumerate(group_by):
        if is_fact(name):
            hint = "group by `account.id`, and select by the fact"
            return Obstacle(position, "group-by-fact", f"`{name}` is known only after the count", hint)
    if PRINCIPALS & set(group_by):
        return None
    if list(group_by) != ["client.address"]:
        return Obstacle(
            None,
            "group-by-principal",
            "on the request path a count is grouped by the principal: `account.id` (or `principal.id`) must be in `group-by`",
            "counts by anything else are a correlation's, which `record` decides a second later",
        )
    if all(map(without_account, plans)):
        return None
    return Obstacle(
        None,
        "group-by-address",
        "`client.address` alone counts only requests without an account, and this rule takes others too",
        "add `account.id: null` to what it matches, or group by `account.id`",
    )


def unknown_fields(names: Sequence[str]) -> list[tuple[int, str]]:
    """The names that no request has, with their places."""
    return [(position, name) for position, name in enumerate(names) if known(name) is None]


def without_account(plan: Plan) -> bool:
    """Whether a plan can hold only for requests that have no account."""
    match plan:
        case Null("account.id") | Exists("account.id", False):
            return True
        case All(children):
            return any(map(without_account, children))
        case Some(children):
            return bool(children) and all(map(without_account, children))
        case _:
            return False
