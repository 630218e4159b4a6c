"""Counters: which sliding windows a Ruleset counts in, shared by rules that count the same.

All limits on the request path group by the principal, or by it and more, because they live in its one item.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from ostiary.language.document import RuleDocument
from ostiary.language.rule_test import suggest_field
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


def check_grouping(rule: RuleDocument, path: tuple[str, ...], group_by: Sequence[str], plans: Sequence[Plan]) -> bool:
    """Whether a count can live in the principal's item; if not, the reason goes to the rule's mistakes."""
    good = True
    for index, name in enumerate(group_by):
        if known(name) is None:
            rule.refuse((*path, index), "unknown-field", f"no request has a field `{name}`", suggest_field(name))
            good = False
        elif is_fact(name):
            rule.refuse(
                (*path, index), "group-by-fact", f"`{name}` is known only after the count", "group by `account.id`, and select by the fact"
            )
            good = False
    if PRINCIPALS & set(group_by):
        return good
    if list(group_by) == ["client.address"]:
        if all(map(without_account, plans)):
            return good
        rule.refuse(
            path,
            "group-by-address",
            "`client.address` alone counts only requests without an account, and this rule takes others too",
            "add `account.id: null` to what it matches, or group by `account.id`",
        )
        return False
    rule.refuse(
        path,
        "group-by-principal",
        "on the request path a count is grouped by the principal: `account.id` (or `principal.id`) must be in `group-by`",
        "counts by anything else are decided by `record`, which does not evaluate them yet",
    )
    return False


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
