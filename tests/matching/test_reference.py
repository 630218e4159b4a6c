"""Compiled evaluation against the reference evaluator, over random plans and fields."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.matching.evaluate import Evaluator
from ostiary.matching.glob import compile_glob
from ostiary.text.fold import fold
from ostiary.vocabulary.plan import Plan
from ostiary.vocabulary.rule import Rule, Ruleset


def _beside(name: str) -> ModuleType:
    """A module that lies beside this one; the folders of the tests are no packages."""
    known = sys.modules.get(f"matching_{name}")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"matching_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"matching_{name}"] = module
    spec.loader.exec_module(module)
    return module


plans = _beside("plans")
reference = _beside("reference")

EXAMPLES = int(os.environ.get("OSTIARY_TEST_EXAMPLES", "500"))
"""Raised for a campaign; then examples are random, too."""
profile = settings(
    max_examples=EXAMPLES,
    derandomize="OSTIARY_TEST_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def rule(index: int, plan: Plan) -> Rule:
    return Rule(index=index, id=f"rule-{index}", title=f"rule-{index}", version="0", level="low", category="request", plan=plan)


@profile
@given(st.lists(plans.PLANS, min_size=1, max_size=3), plans.FIELDS, plans.KNOWN_FACTS)
def test_compiled_rules_match_what_the_reference_says_they_match(
    some: list[Plan], fields: dict[str, object], facts: dict[str, object]
) -> None:
    evaluator = Evaluator(Ruleset(tuple(rule(index, plan) for index, plan in enumerate(some))))
    expected = [index for index, plan in enumerate(some) if reference.holds(plan, fields, facts)]
    assert [signal.rule for signal in evaluator.evaluate(fields, facts)] == expected


@profile
@given(plans.PLANS, plans.FIELDS, plans.KNOWN_FACTS)
def test_what_is_settled_later_equals_what_is_evaluated_with_the_facts(
    plan: Plan, fields: dict[str, object], facts: dict[str, object]
) -> None:
    evaluator = Evaluator(Ruleset((rule(0, plan),)))
    undecided = evaluator.evaluate(fields)
    settled = any(evaluator.settle(signal, facts) for signal in undecided)
    assert settled is reference.holds(plan, fields, facts)


@profile
@given(plans.PLANS, plans.FIELDS)
def test_a_signal_is_undetermined_only_when_facts_can_still_change_it(plan: Plan, fields: dict[str, object]) -> None:
    evaluator = Evaluator(Ruleset((rule(0, plan),)))
    for signal in evaluator.evaluate(fields):
        if signal.leaves is None:
            for facts in ({}, {"account.plan": "a", "account.spend": 5}, {"account.plan": None, "account.spend": "1"}):
                assert reference.holds(plan, fields, facts)
        else:
            assert "?" in signal.leaves


@profile
@given(plans.PATTERNS, st.text(alphabet="aAbσςΣя?*", max_size=12))
def test_a_glob_matches_what_dynamic_programming_says_it_matches(pattern: tuple[object, ...], text: str) -> None:
    assert compile_glob(pattern, fold)(fold(text)) is reference.glob(pattern, text, cased=False)
