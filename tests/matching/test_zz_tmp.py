"""The Correlator against the naive reference, over random correlations and events that come in any order."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.matching.correlate import Correlator
from ostiary.vocabulary.plan import Constant
from ostiary.vocabulary.rule import Correlation, Expression, Rule, Ruleset


def _beside(name: str) -> ModuleType:
    """A module of this folder; pytest's ``importlib`` mode puts no folder on the path."""
    spec = importlib.util.spec_from_file_location(f"matching_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


Naive = _beside("correlate_reference").Naive

BASE = 3
"""Rules that match events; the correlations come after them."""
NAMES = ["a", "b", "c"]
TYPES = ["event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median"]
SCALARS = st.sampled_from(["x", "y", 1, 2, 2.0, "2", "1.5", 0.1, True, None])
VALUES = st.one_of(SCALARS, SCALARS, st.lists(SCALARS, max_size=3).map(tuple))
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0, 20.0]),
        st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3),
        st.lists(st.integers(0, BASE - 1), unique=True, max_size=BASE),
        st.booleans(),
    ),
    max_size=14,
)


def expressions(rules: list[int]) -> st.SearchStrategy[Expression]:
    leaves = st.sampled_from(rules).map(lambda rule: Expression("rule", rule))
    return st.recursive(
        leaves,
        lambda children: st.one_of(
            st.builds(lambda word, parts: Expression(word, children=tuple(parts)), st.sampled_from(["and", "or"]),
                      st.lists(children, min_size=1, max_size=3)),
            children.map(lambda child: Expression("not", children=(child,))),
        ),
        max_leaves=4,
    )  # fmt: skip


@st.composite
def correlations(draw: st.DrawFn, index: int) -> Correlation:
    kind: Any = draw(st.sampled_from(TYPES))
    rules = draw(st.lists(st.integers(0, index - 1), unique=True, min_size=1, max_size=3))
    group_by = draw(st.lists(st.sampled_from([*NAMES, "alias"]), unique=True, max_size=2))
    fields = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=2 if kind == "value_count" else 1))
    aliased = draw(st.lists(st.tuples(st.sampled_from(rules), st.sampled_from(NAMES)), unique_by=lambda pair: pair[0]))
    expression = draw(st.none() | expressions(rules)) if kind.startswith("temporal") else None
    words = st.sampled_from(["gte", "gte", "gt", "lt", "lte", "eq", "neq"])
    conditions = draw(st.lists(st.tuples(words, st.sampled_from([1, 2, 3, 0.5])), max_size=2, min_size=0 if "temporal" in kind else 1))
    return Correlation(
        kind,
        tuple(rules),
        tuple(group_by),
        draw(st.sampled_from([1, 2, 5])),
        () if expression else tuple(conditions),
        fields=tuple(fields) if kind.startswith("value") else (),
        percentile=draw(st.sampled_from([0, 50, 66.7, 99.9, 100])) if kind == "value_percentile" else None,
        expression=expression,
        aliases=(("alias", tuple(aliased)),),
    )


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    rules = [Rule(index, f"r{index}", "t", "v", "low", "request", plan=Constant(True)) for index in range(BASE)]
    for index in range(BASE, BASE + draw(st.integers(1, 4))):
        rules.append(Rule(index, f"c{index}", "t", "v", "low", "request", correlation=draw(correlations(index))))
    return Ruleset(tuple(rules))


@settings(max_examples=2500, deadline=None)
@given(rulesets(), EVENTS)
def test_the_correlator_says_what_the_reference_says(ruleset: Ruleset, events: list[Any]) -> None:
    correlator, naive = Correlator(ruleset), Naive(ruleset)
    for number, (time, fields, signals, closing) in enumerate(events):
        if closing:
            closed = [(one.rule, one.group, one.time, one.event) for one in correlator.close(time)]
            assert closed == naive.close(time)
        # Ids that don't come in order: of equal times the later one may come first.
        id = f"e{number * 7 % 15:02d}"
        assert correlator.observe(time, id, fields, signals) == naive.observe(time, id, fields, signals)
    assert [(one.rule, one.group, one.time, one.event) for one in correlator.close()] == naive.close(None)


@settings(max_examples=100, deadline=None)
@given(rulesets(), EVENTS)
def test_events_in_any_order_are_the_same_once_sorted(ruleset: Ruleset, events: list[Any]) -> None:
    def answers(ordered: list[tuple[int, Any]]) -> list[Any]:
        correlator = Correlator(ruleset)
        return [
            (id, correlator.close(time), correlator.observe(time, f"e{id:02d}", fields, signals))
            for id, (time, fields, signals, _) in sorted(ordered, key=lambda pair: (pair[1][0], pair[0]))
        ]

    numbered = list(enumerate(events))
    assert answers(numbered) == answers(numbered[::-1])
