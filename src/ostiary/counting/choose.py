"""Which counters a request adds to, and in which groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ostiary.counting.windows import bucket_at, bucket_name, group_hash
from ostiary.vocabulary.request import Fields, Principal, Value
from ostiary.vocabulary.rule import Counter, Ruleset

MAX_GROUPS = 8
"""Groups that one request adds to for one counter: a repeated header or key may have more values than that."""
_PRINCIPAL = {"account": frozenset({"principal.id", "account.id"}), "address": frozenset({"principal.id", "client.address"})}


def groups_of(ruleset: Ruleset, matched: Iterable[int], principal: Principal, fields: Fields) -> dict[str, tuple[str, ...]]:
    """Counter id → group hashes, for every counter that counts one of the ``matched`` rules (indexes).

    A counter whose group-by names a field that the request lacks does not count it; of a repeated field each value is a
    group. ``client.address`` alone counts only requests without an account: it is that principal.
    """
    rules = set(matched)
    chosen: dict[str, tuple[str, ...]] = {}
    for counter in ruleset.counters:
        if rules.isdisjoint(counter.rules):
            continue
        groups = _groups(counter, principal, fields)
        if groups:
            chosen[counter.id] = groups
    return chosen


def buckets_of(ruleset: Ruleset, groups: Mapping[str, tuple[str, ...]], now: float, *, kind: str | None = None) -> dict[str, int]:
    """Bucket name → 1, for the counters (of one kind, or all) and groups that a request at ``now`` adds to."""
    return {
        bucket_name(counter, group, bucket_at(counter, now)): 1
        for counter in ruleset.counters
        if counter.id in groups and kind in (None, counter.kind)
        for group in groups[counter.id]
    }


def _groups(counter: Counter, principal: Principal, fields: Fields) -> tuple[str, ...]:
    own = _PRINCIPAL[principal.kind]
    if "account.id" in counter.group_by and principal.kind != "account":
        return ()
    if own.isdisjoint(counter.group_by):
        return ()
    combinations: list[tuple[str, ...]] = [()]
    for name in counter.group_by:
        if name in own:
            continue
        values = _texts(fields.get(name))
        combinations = [(*before, value) for before in combinations for value in values][:MAX_GROUPS]
    return tuple(group_hash(values) if values else "" for values in combinations)


def _texts(value: Value) -> list[str]:
    members = value if isinstance(value, tuple) else (value,)
    return list(dict.fromkeys(str(member) for member in members if member is not None))
