"""Readiness: whether the tests of an enforced rule show that it stops where it should."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ostiary.language.compile import Compiled, Mistake, RuleTest
from ostiary.language.rule_test import REFUSED, Step
from ostiary.local.leaf_text import Pages
from ostiary.local.questions import Examples, Question, questions_of
from ostiary.local.rule_run import ruleset_of, run_test
from ostiary.vocabulary.rule import Correlation, Rule

REFUSING = frozenset({"throttle", "withhold", "deny"})
"""Actions that take something from the caller."""


def readiness(compiled: Compiled) -> tuple[Mistake, ...]:
    """What keeps enforced rules from being trusted: tests of both outcomes, and a lookalike among the allowed.

    A lookalike is a test that expects allowed or none and only just does not match: one leaf of the rule's plan, flipped, would
    make it match (the values of a list, and what a plan holds twice, flip together; a block on one member has leaves of its own).
    Of a limit also one that is a request short of being refused; of a correlation one that is a match short, or that matches
    often enough but not soon enough; of one whose condition bounds its matches from above, one with a match too many. Looks at
    every rule that loads, also when others have mistakes.
    """
    checker = _Checker(compiled)
    enforced = [rule for rule in compiled.linked.rules if rule.mode == "enforce" and rule.id not in compiled.incomplete]
    return tuple(mistake for rule in enforced for mistake in checker.check(rule))


class _Checker:
    def __init__(self, compiled: Compiled) -> None:
        self._ruleset = compiled.linked
        self._examples = Examples(compiled)
        self._pages = Pages()

    def check(self, rule: Rule) -> Iterator[Mistake]:
        tests = [test for test in self._examples.of(rule) if test.rule == rule.id]
        allowed = [test for test in tests if test.expect in ("allowed", "none")]
        wanted = {"signal"} if rule.action in ("allow", None) else REFUSED
        if not any(step.expect in wanted for test in tests for step in test.steps):
            message = f"no test of `{rule.id}` expects what the rule does"
            hint = "add one that expects a signal" if "signal" in wanted else "add one that it refuses"
            yield _mistake(rule, tests, "enforce-needs-tests", message, hint)
        if not allowed:
            message = f"no test of `{rule.id}` expects allowed or none"
            yield _mistake(rule, tests, "enforce-needs-tests", message, "add one that it lets pass")
        elif not any(self._is_lookalike(rule, test, tests) for test in allowed):
            message = f"no test of `{rule.id}` that expects allowed or none is a lookalike: one that only just does not match"
            yield _mistake(rule, tests, "enforce-needs-lookalike", message, self._hint(rule, tests))

    def _is_lookalike(self, rule: Rule, test: RuleTest, tests: Sequence[RuleTest]) -> bool:
        if rule.plan is not None and not self._matches(rule, test):
            return next(self._turning(rule, test), None) is not None
        if rule.correlation is None and rule.limit is None:
            return False
        ruleset = ruleset_of(self._ruleset, rule.id)
        return any(run_test(variant, ruleset).got not in ("none", "allowed") for variant in _variants(test, tests))

    def _matches(self, rule: Rule, test: RuleTest) -> bool:
        assert rule.plan is not None
        return self._examples.outcomes(rule, rule.plan, [test])[0][-1]

    def _turning(self, rule: Rule, test: RuleTest) -> Iterator[Question]:
        """The questions that alone, answered otherwise, turn the rule's answer to the test's last request."""
        assert rule.plan is not None
        before = self._matches(rule, test)
        for question in questions_of(rule.plan):
            plans = [question.answered(rule.plan, answer) for answer in (True, False)]
            if any(self._examples.outcomes(rule, plan, [test])[0][-1] is not before for plan in plans):
                yield question

    def _hint(self, rule: Rule, tests: Sequence[RuleTest]) -> str:
        if rule.correlation is not None:
            expects = "allowed" if rule.action in REFUSING else "none"
            if len(rule.correlation.rules) > 1 and rule.correlation.type.startswith("temporal"):
                return f"add a test that lacks one match of one rule, and expects {expects}"
            least = _least(rule.correlation)
            if rule.correlation.type != "event_count" or least < 2:
                return f"add a test that a match more, or less, would turn, and that expects {expects}"
            return f"add a test with `times: {least - 1}` that expects {expects}"
        hints = [f"one with `times: {rule.limit.max}`"] if rule.limit is not None and rule.limit.max else []
        for test in tests:
            question = next(self._turning(rule, test), None) if self._matches(rule, test) else None
            if question is not None:
                hints.append(f"one like `{test.name}` in all but `{self._pages.find(rule, test.position.path, question.leaves).text}`")
                break
        return f"add {' or '.join(hints)}, that expects allowed" if hints else "add a test that differs from a match in one item alone"


def _variants(test: RuleTest, tests: Sequence[RuleTest]) -> Iterator[RuleTest]:
    """The test with one request more at its end, of any kind that the rule's tests have; with one less; with all at one instant."""
    steps = tuple(replace(step, expect=None) for step in test.steps)
    last = steps[-1]
    seen: list[object] = []
    for step in (step for other in tests for step in other.steps):
        if step.fields not in seen:
            seen.append(step.fields)
            yield replace(test, steps=(*steps, Step(last.at, step.fields, 1, test.expect)))
    for index, step in enumerate(steps):
        fewer = [*steps[:index], *([replace(step, times=step.times - 1)] if step.times > 1 else []), *steps[index + 1 :]]
        if fewer:
            yield replace(test, steps=(*fewer[:-1], replace(fewer[-1], expect=test.expect)))
    if last.at > steps[0].at:
        at_once = [replace(step, at=last.at) for step in steps]
        yield replace(test, steps=(*at_once[:-1], replace(at_once[-1], expect=test.expect)))


def _least(correlation: Correlation) -> int:
    """The fewest matches for which the correlation can hold."""
    bounds = [number + (operator == "gt") for operator, number in correlation.conditions if operator in ("gt", "gte", "eq")]
    return math.ceil(max(bounds, default=1))


def _mistake(rule: Rule, tests: Sequence[RuleTest], kind: str, message: str, hint: str) -> Mistake:
    if not tests:
        return Mistake("", 1, 1, kind, message, hint)
    place = min(test.position for test in tests)
    lines = Path(place.path).read_text(encoding="utf-8", errors="replace").splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return Mistake(place.path, place.line, place.column, kind, message, hint, line)
