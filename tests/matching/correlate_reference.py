"""Correlations the slow and obvious way: every event looks through everything that was seen before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

from ostiary.vocabulary.rule import Correlation, Expression, Ruleset


@dataclass
class Seen:
    """One event as one correlation counted it, in one group."""

    time: float
    id: str
    rules: set[int]
    contributions: set[tuple[Any, ...]]


@dataclass
class Naive:
    """The same answers as ``Correlator``, from plain lists that are never cleaned."""

    ruleset: Ruleset
    seen: dict[int, dict[tuple[str, ...], list[Seen]]] = field(default_factory=dict)
    decided: set[tuple[int, float]] = field(default_factory=set)
    closed: float = -math.inf

    def __post_init__(self) -> None:
        self.order: list[int] = []
        while len(self.order) < sum(1 for rule in self.ruleset.rules if rule.correlation):
            for rule in self.ruleset.rules:
                if rule.correlation and rule.index not in self.order and all(
                    self.ruleset.rules[other].correlation is None or other in self.order for other in rule.correlation.rules
                ):  # fmt: skip
                    self.order.append(rule.index)
                    self.seen[rule.index] = {}
                    break

    def correlation(self, index: int) -> Correlation:
        found = self.ruleset.rules[index].correlation
        assert found is not None
        return found

    def observe(self, time: float, id: str, fields: dict[str, Any], signals: Sequence[int]) -> tuple[int, ...]:
        return tuple(sorted({index for index, _ in self.spread(time, id, [(signal, fields) for signal in signals])}))

    def spread(self, time: float, id: str, happened: list[tuple[int, dict[str, Any]]]) -> list[tuple[int, tuple[str, ...]]]:
        held = []
        for index in self.order:
            correlation = self.correlation(index)
            late = time < max((one.time for group in self.seen[index].values() for one in group), default=-math.inf) - correlation.timespan
            if (late and not deferred(correlation)) or (deferred(correlation) and end_of(correlation, time) <= self.closed):
                continue
            for group, (rules, contributions) in gathered(correlation, happened).items():
                self.seen[index].setdefault(group, []).append(Seen(time, id, rules, contributions))
                if not deferred(correlation):
                    window = [one for one in self.seen[index][group] if time - correlation.timespan < one.time <= time]
                    window = [one for one in window if (one.time, one.id) <= (time, id)]
                    if holds(correlation, window):
                        held.append((index, group))
                        happened = [*happened, (index, dict(zip(correlation.group_by, group, strict=True)))]
        return held

    def close(self, now: float | None) -> list[tuple[int, tuple[str, ...], float, str]]:
        found = []
        while (due := self.due(math.inf if now is None else now)) is not None:
            end, place = due
            index = self.order[place]
            correlation = self.correlation(index)
            self.decided.add((index, end))
            self.closed = max(self.closed, end)
            for group, seen in sorted(self.seen[index].items()):
                window = [one for one in seen if end_of(correlation, one.time) == end]
                if not window or not holds(correlation, window):
                    continue
                last = max(window, key=lambda one: (one.time, one.id)).id
                event = last.split("\0")[1] if "\0" in last else last
                found.append((index, group, end, event))
                fields = dict(zip(correlation.group_by, group, strict=True))
                chained = self.spread(end, "\0".join(("", event, str(index), *group)), [(index, fields)])
                found += [(other, one, end, event) for other, one in chained]
        if now is not None:
            self.closed = max(self.closed, now)
        return found

    def due(self, now: float) -> tuple[float, int] | None:
        return min(
            (
                (end_of(self.correlation(index), one.time), place)
                for place, index in enumerate(self.order)
                if deferred(self.correlation(index))
                for seen in self.seen[index].values()
                for one in seen
                if (index, end_of(self.correlation(index), one.time)) not in self.decided
                and end_of(self.correlation(index), one.time) <= now
            ),
            default=None,
        )


def end_of(correlation: Correlation, time: float) -> float:
    return math.floor(time / correlation.timespan) * correlation.timespan + correlation.timespan


def deferred(correlation: Correlation) -> bool:
    def negated(expression: Expression) -> bool:
        return expression.word == "not" or any(negated(child) for child in expression.children)

    if correlation.expression:
        return negated(correlation.expression)
    return not {word for word, _ in correlation.conditions} <= {"gt", "gte"}


def text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def members(fields: dict[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    return [one for one in (value if isinstance(value, tuple) else (value,)) if one is not None]


def numeric(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def gathered(correlation: Correlation, happened: list[tuple[int, dict[str, Any]]]) -> dict[tuple[str, ...], tuple[set[int], set[Any]]]:
    found: dict[tuple[str, ...], tuple[set[int], set[Any]]] = {}
    for rule, fields in happened:
        if rule not in correlation.rules:
            continue

        def named(name: str, rule: int = rule) -> str:
            return dict(dict(correlation.aliases).get(name, ())).get(rule, name)

        contributions: set[Any] = set()
        if correlation.type == "value_count":
            contributions = set(product(*([text(one) for one in members(fields, named(name))] for name in correlation.fields)))
        elif correlation.fields:
            numbers = [numeric(one) for name in correlation.fields for one in members(fields, named(name))]
            contributions = {tuple(one for one in numbers if one is not None)} - {()}
        if correlation.fields and not contributions:
            continue
        for group in product(*([text(one) for one in members(fields, named(name))] for name in correlation.group_by)):
            rules, before = found.setdefault(group, (set(), set()))
            rules.add(rule)
            before |= contributions
    return found


def statistic(correlation: Correlation, window: list[Seen]) -> float:
    matched = set().union(*(one.rules for one in window))
    numbers = (
        sorted(number for one in window for contribution in one.contributions for number in contribution) if correlation.fields else []
    )
    match correlation.type:
        case "event_count":
            return len(window)
        case "temporal":
            return len(matched)
        case "temporal_ordered":
            wanted = correlation.rules
            subsets = ([rule for bit, rule in enumerate(wanted) if mask >> bit & 1] for mask in range(2 ** len(wanted)))
            return max(len(subset) for subset in subsets if chained(subset, window))
        case "value_count":
            return len(set().union(*(one.contributions for one in window)))
        case "value_sum":
            return float(sum(map(Fraction, numbers)))
        case "value_avg":
            return float(sum(map(Fraction, numbers)) / len(numbers))
        case "value_median":
            middle = len(numbers) // 2
            return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2
        case "value_percentile":
            share = Fraction(str(correlation.percentile))
            return next(one for one in numbers if sum(other <= one for other in numbers) * 100 >= share * len(numbers))


def chained(rules: list[int], window: list[Seen]) -> bool:
    """Whether the rules matched one after the other, each by an event of its own."""
    events: Iterator[Seen] = iter(sorted(window, key=lambda one: (one.time, one.id)))
    return all(any(rule in event.rules for event in events) for rule in rules)


def holds(correlation: Correlation, window: list[Seen]) -> bool:
    matched = set().union(*(one.rules for one in window))
    if correlation.expression is not None:
        if correlation.type == "temporal":
            return said(correlation.expression, matched, matched)
        wanted = correlation.rules
        subsets = ([rule for bit, rule in enumerate(wanted) if mask >> bit & 1] for mask in range(2 ** len(wanted)))
        return any(chained(subset, window) and said(correlation.expression, set(subset), matched) for subset in subsets)
    conditions = correlation.conditions or (("gte", len(correlation.rules)),)
    value = statistic(correlation, window)
    return all(
        {"gt": value > n, "gte": value >= n, "lt": value < n, "lte": value <= n, "eq": value == n, "neq": value != n}[word]
        for word, n in conditions
    )


def said(expression: Expression, wanted: set[int], matched: set[int], truth: bool = True) -> bool:
    """What must have matched is asked of ``wanted``, what must not of ``matched``."""
    match expression.word:
        case "rule":
            return expression.rule in wanted if truth else expression.rule not in matched
        case "not":
            return said(expression.children[0], wanted, matched, not truth)
        case word:
            parts = [said(child, wanted, matched, truth) for child in expression.children]
            return any(parts) if (word == "or") == truth else all(parts)
