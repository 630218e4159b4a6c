"""What correlations mean where Sigma is silent, case by case; the naive reference covers the combinations."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.matching.correlate import Closed, Correlator
from ostiary.matching.correlate_gather import MAX_GROUPS
from ostiary.vocabulary.plan import Constant
from ostiary.vocabulary.rule import Correlation, Expression, Rule, Ruleset

A, B, C = range(3)
FIRST = 3
"""Index of a Ruleset's first correlation."""


def correlator(*correlations: Correlation) -> Correlator:
    rules = [Rule(index, f"r{index}", "t", "v", "low", "request", plan=Constant(True)) for index in range(FIRST)]
    rules += [Rule(FIRST + n, f"c{n}", "t", "v", "low", "request", correlation=one) for n, one in enumerate(correlations)]
    return Correlator(Ruleset(tuple(rules)))


def over(
    kind: Any, rules: tuple[int, ...] = (A,), *conditions: tuple[str, float], group_by: tuple[str, ...] = ("g",), **more: Any
) -> Correlation:
    return Correlation(kind, rules, group_by, 10, conditions, **more)


def held(one: Correlator, *events: tuple[float, Any, Any]) -> list[bool]:
    """Whether the first correlation holds on each event: (time, rules that matched, fields)."""
    found = []
    for number, (time, rules, fields) in enumerate(events):
        one.close(time)
        fields = {"g": "x", **fields}
        found.append(FIRST in one.observe(time, f"{number:03d}", fields, rules if isinstance(rules, tuple) else (rules,)))
    return found


def test_a_window_slides_and_leaves_out_what_is_exactly_a_timespan_old() -> None:
    one = correlator(over("event_count", (A,), ("gte", 2)))
    assert held(one, (0, A, {}), (10, A, {}), (19.9, A, {}), (29.9, A, {})) == [False, False, True, False]


def test_every_event_past_the_threshold_is_named_and_an_event_of_two_rules_is_one() -> None:
    one = correlator(over("event_count", (A, B), ("gte", 2)))
    assert held(one, (0, (A, B), {}), (1, C, {}), (2, B, {}), (3, A, {})) == [False, False, True, True]


def test_an_event_that_lacks_a_group_field_is_not_counted_and_null_is_none() -> None:
    one = correlator(over("event_count", (A,), ("gte", 2), group_by=("g", "h")))
    assert held(one, (0, A, {"h": 1}), (1, A, {}), (2, A, {"h": None}), (3, A, {"h": "1"})) == [False, False, False, True]


def test_each_value_of_a_group_field_is_a_group_up_to_a_limit() -> None:
    one = correlator(over("event_count", (A,), ("gte", 2)))
    many = tuple(range(MAX_GROUPS + 1))
    assert held(one, (0, A, {"g": many}), (1, A, {"g": MAX_GROUPS}), (2, A, {"g": MAX_GROUPS - 1})) == [False, False, True]


def test_an_alias_names_another_field_for_each_rule() -> None:
    aliases = (("who", ((A, "source"), (B, "target"))),)
    one = correlator(over("temporal", (A, B), group_by=("who",), aliases=aliases))
    events = [(0, A, {"source": "x", "target": "y"}), (1, B, {"source": "x", "target": "y"}), (2, B, {"target": "x"})]
    assert held(one, *events) == [False, False, True]


def test_temporal_counts_distinct_rules_and_ordered_wants_their_order() -> None:
    events = [(0, B, {}), (1, B, {}), (2, A, {}), (3, B, {})]
    assert held(correlator(over("temporal", (A, B))), *events) == [False, False, True, True]
    assert held(correlator(over("temporal_ordered", (A, B))), *events) == [False, False, False, True]
    assert held(correlator(over("temporal_ordered", (A, B))), (0, (A, B), {})) == [False]


def test_an_order_that_began_before_the_window_does_not_count() -> None:
    one = correlator(over("temporal_ordered", (A, B, C)))
    assert held(one, (0, A, {}), (5, B, {}), (10, C, {}), (11, A, {}), (12, B, {}), (13, C, {})) == [False] * 5 + [True]


def test_some_of_the_rules_in_their_order() -> None:
    one = correlator(over("temporal_ordered", (A, B, C), ("gte", 2)))
    assert held(one, (0, C, {}), (1, B, {}), (2, A, {}), (3, C, {})) == [False, False, False, True]


def test_a_condition_over_rules() -> None:
    a, b, c = (Expression("rule", rule) for rule in (A, B, C))
    one = correlator(over("temporal", (A, B, C), expression=Expression("and", children=(a, Expression("or", children=(b, c))))))
    assert held(one, (0, A, {}), (1, C, {}), (2, A, {})) == [False, True, True]


def test_a_condition_with_not_is_decided_when_the_window_closes() -> None:
    expression = Expression("and", children=(Expression("rule", A), Expression("not", children=(Expression("rule", B),))))
    one = correlator(over("temporal", (A, B), expression=expression))
    assert held(one, (1, A, {}), (2, A, {}), (11, A, {}), (12, B, {})) == [False] * 4
    assert one.close() == ()
    again = correlator(over("temporal", (A, B), expression=expression))
    held(again, (1, A, {}), (2, A, {}))
    assert again.close(9.9) == ()
    assert again.close(10) == (Closed(FIRST, ("x",), 10.0, "001"),)
    assert again.close() == ()


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        ((("lt", 2),), 1),
        ((("lte", 2),), 2),
        ((("eq", 3),), 3),
        ((("neq", 1),), 2),
        ((("gte", 2), ("lte", 3)), 3),
        ((("gt", 1), ("neq", 4)), 2),
    ],
)
def test_what_may_stop_holding_is_decided_over_whole_windows(conditions: tuple[tuple[str, float], ...], count: int) -> None:
    one = correlator(over("event_count", (A,), *conditions))
    assert held(one, *((20 + number, A, {}) for number in range(count))) == [False] * count
    assert [closed.time for closed in one.close()] == [30.0]


def test_a_range_is_not_met_by_more() -> None:
    one = correlator(over("event_count", (A,), ("gte", 2), ("lte", 3)))
    held(one, *((number, A, {}) for number in range(4)))
    assert one.close() == ()


def test_a_group_without_an_event_in_a_window_decides_nothing_there() -> None:
    one = correlator(over("event_count", (A,), ("lt", 5)))
    held(one, (1, A, {}), (45, A, {}))
    assert one.close() == (Closed(FIRST, ("x",), 50.0, "001"),)


@pytest.mark.parametrize(
    ("kind", "more", "threshold", "values", "expected"),
    [
        ("value_count", {}, 2, ["a", "a", "A", None, ("b", "a")], [False, False, True, False, True]),
        ("value_sum", {}, 10, [5, "4.5", "x", 0.5], [False, False, False, True]),
        ("value_sum", {}, 0.6, [0.1] * 6, [False] * 5 + [True]),
        ("value_avg", {}, 3, [1, 5, (0, 6), 0], [False, True, True, False]),
        ("value_median", {}, 3, [1, 5, 5, 0], [False, True, True, True]),
        ("value_percentile", {"percentile": 50.0}, 3, [1, 5, 5, 0], [False, False, True, False]),
        ("value_percentile", {"percentile": 100.0}, 5, [5, 1], [True, True]),
        ("value_percentile", {"percentile": 0.0}, 2, [5, 1], [True, False]),
        ("value_avg", {}, 0, [True, "nan", 10**400], [False, False, False]),
    ],
)
def test_values(kind: str, more: dict[str, Any], threshold: float, values: list[Any], expected: list[bool]) -> None:
    one = correlator(over(kind, (A,), ("gte", threshold), fields=("v",), **more))
    assert held(one, *((number, A, {"v": value}) for number, value in enumerate(values))) == expected


def test_several_fields_are_counted_as_tuples() -> None:
    one = correlator(over("value_count", (A,), ("gte", 3), fields=("v", "w")))
    pairs = [("a", "b"), ("b", "a"), ("a", "b"), ("a", None), ("a", "a")]
    assert held(one, *((n, A, {"v": v, "w": w}) for n, (v, w) in enumerate(pairs))) == [False, False, False, False, True]


def test_a_correlation_counts_as_an_event_with_its_groups_fields() -> None:
    inner = over("event_count", (A,), ("gte", 2), group_by=("g", "h"))
    outer = over("value_count", (FIRST,), ("gte", 2), fields=("h",))
    one = correlator(inner, outer)
    events = [(0, {"h": 1}), (1, {"h": 1}), (2, {"h": 2, "i": 9}), (3, {"h": 2})]
    found = [one.observe(time, str(time), {"g": "x", **fields}, (A,)) for time, fields in events]
    assert found == [(), (FIRST,), (), (FIRST, FIRST + 1)]


def test_a_closed_window_counts_as_an_event_at_its_end() -> None:
    inner, outer = over("event_count", (A,), ("lt", 3)), over("event_count", (FIRST,), ("gte", 2), group_by=())
    one = correlator(inner, outer)
    held(one, (1, A, {}), (2, A, {"g": "y"}), (3, A, {"g": "y"}))
    assert one.close() == (
        Closed(FIRST, ("x",), 10.0, "000"),
        Closed(FIRST, ("y",), 10.0, "002"),
        Closed(FIRST + 1, (), 10.0, "002"),
    )


def test_late_and_equal_times_are_put_in_order_by_time_and_id() -> None:
    one = correlator(over("temporal_ordered", (A, B)))
    assert one.observe(5, "b", {"g": 1}, (B,)) == ()
    assert one.observe(5, "a", {"g": 1}, (A,)) == ()
    assert one.observe(5, "c", {"g": 1}, (B,)) == (FIRST,)
    assert one.observe(1, "d", {"g": 1}, (A,)) == ()
    assert one.observe(4, "e", {"g": 1}, (B,)) == (FIRST,)


def test_what_comes_more_than_a_timespan_late_is_not_counted() -> None:
    one = correlator(over("event_count", (A,), ("gte", 1)))
    assert held(one, (100, A, {}), (90, A, {}), (89.9, A, {})) == [True, True, False]


def test_what_comes_after_its_window_closed_is_not_counted() -> None:
    one = correlator(over("event_count", (A,), ("lt", 2)))
    one.close(10)
    one.observe(9, "a", {"g": 1}, (A,))
    assert one.close() == ()


def test_groups_whose_events_are_all_old_are_forgotten() -> None:
    one = correlator(over("event_count", (A,), ("gte", 2)))
    for number in range(5000):
        one.observe(float(number), f"{number:05d}", {"g": number}, (A,))
    assert len(one._parts[0]._series) < 1100
