"""Readiness: whether the tests of an enforced rule show that it stops where it should."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from ostiary.language.compile import Compiled, Mistake, RuleTest
from ostiary.language.rule_test import REFUSED
from ostiary.local.rule_requests import request_of
from ostiary.matching.evaluate import Evaluator
from ostiary.matching.leaves import leaf_fields
from ostiary.matching.truth import leaves_of
from ostiary.vocabulary.plan import Equals, Glob, Keyword, Leaf, Pattern, Wild
from ostiary.vocabulary.rule import Correlation, Rule

MAX_SHOWN_CHARACTERS = 40


def readiness(compiled: Compiled) -> tuple[Mistake, ...]:
    """What keeps enforced rules from being trusted: tests of both outcomes, and a lookalike among the allowed.

    A lookalike is a test that expects allowed or none and only just does not match: one leaf of the rule's plan, flipped, would
    make it match. Of a limit also the last request that is admitted; of a correlation the one that is a match short. Nothing
    when the rules have mistakes.
    """
    if compiled.ruleset is None:
        return ()
    checker = _Checker(compiled)
    enforced = [rule for rule in compiled.ruleset.rules if rule.mode == "enforce"]
    return tuple(mistake for rule in enforced for mistake in checker.check(rule))


class _Checker:
    def __init__(self, compiled: Compiled) -> None:
        assert compiled.ruleset is not None
        self._rules = compiled.ruleset.rules
        self._tests: dict[str, list[RuleTest]] = {}
        for test in compiled.tests:
            self._tests.setdefault(test.rule, []).append(test)
        self._evaluator = Evaluator(compiled.ruleset)

    def check(self, rule: Rule) -> Iterator[Mistake]:
        tests = self._tests.get(rule.id, [])
        allowed = [test for test in tests if test.expect in ("allowed", "none")]
        wanted = {"signal"} if rule.action == "allow" else REFUSED
        if not any(test.expect in wanted for test in tests):
            message = f"no test of `{rule.id}` expects what the rule does"
            yield _mistake(rule, tests, "enforce-needs-tests", message, "add one that it refuses")
        if not allowed:
            message = f"no test of `{rule.id}` expects allowed or none"
            yield _mistake(rule, tests, "enforce-needs-tests", message, "add one that it lets pass")
        elif not any(self._is_lookalike(rule, test) for test in allowed):
            message = f"no test of `{rule.id}` that expects allowed or none is a lookalike: one that only just does not match"
            yield _mistake(rule, tests, "enforce-needs-lookalike", message, self._hint(rule, tests))

    def _is_lookalike(self, rule: Rule, test: RuleTest) -> bool:
        if rule.correlation is not None:
            bases = [self._rules[index] for index in rule.correlation.rules]
            return test.times == _least(rule.correlation) - 1 and any(self._matches(base, test) for base in bases)
        if rule.limit is not None and test.times == rule.limit.max and self._matches(rule, test):
            return True
        return not self._matches(rule, test) and next(self._turning(rule, test), None) is not None

    def _matches(self, rule: Rule, test: RuleTest) -> bool:
        return rule.plan is not None and self._evaluator.holds(rule.index, self._truths(rule, test))

    def _truths(self, rule: Rule, test: RuleTest) -> tuple[bool, ...]:
        request = request_of(test)
        return self._evaluator.truths(rule.index, request.fields, request.facts)

    def _turning(self, rule: Rule, test: RuleTest) -> Iterator[Leaf]:
        """The leaves whose flip alone turns the rule's answer; equal leaves flip together, they are one condition."""
        assert rule.plan is not None
        leaves = list(leaves_of(rule.plan))
        truths = self._truths(rule, test)
        before = self._evaluator.holds(rule.index, truths)
        for leaf in dict.fromkeys(leaves):
            flipped = [truth is not (other == leaf) for other, truth in zip(leaves, truths, strict=True)]
            if self._evaluator.holds(rule.index, flipped) is not before:
                yield leaf

    def _hint(self, rule: Rule, tests: Sequence[RuleTest]) -> str:
        if rule.correlation is not None:
            return f"add a test with `times: {_least(rule.correlation) - 1}` that expects allowed"
        hints = [f"one with `times: {rule.limit.max}`"] if rule.limit is not None and rule.limit.max else []
        for test in tests:
            leaf = next(self._turning(rule, test), None) if self._matches(rule, test) else None
            if leaf is not None:
                hints.append(f"one like `{test.name}` in all but {describe(leaf)}")
                break
        return f"add {' or '.join(hints)}, that expects allowed" if hints else "add a test that differs from a match in one item alone"


def _least(correlation: Correlation) -> int:
    """The fewest matches for which the correlation can hold."""
    bounds = [number + (operator == "gt") for operator, number in correlation.conditions if operator in ("gt", "gte", "eq")]
    return math.ceil(max(bounds, default=1))


def describe(leaf: Leaf) -> str:
    """A leaf in few words, for a message.

    >>> describe(Equals("account.plan", ("free",)))
    '`account.plan` (`free`)'
    """
    if isinstance(leaf, Keyword):
        return f"the keyword `{_shown(leaf.pattern)}`"
    field = leaf_fields(leaf)[0]
    if isinstance(leaf, Equals):
        return f"`{field}` (`{_cut(leaf.values[0])}`)" if leaf.values else f"`{field}`"
    return f"`{field}` (`{_shown(leaf.pattern)}`)" if isinstance(leaf, Glob) else f"`{field}`"


def _shown(pattern: Pattern) -> str:
    return _cut("".join(token.value if isinstance(token, Wild) else token for token in pattern))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"


def _mistake(rule: Rule, tests: Sequence[RuleTest], kind: str, message: str, hint: str) -> Mistake:
    if not tests:
        return Mistake("", 1, 1, kind, message, hint)
    place = min(test.position for test in tests)
    lines = Path(place.path).read_text(encoding="utf-8", errors="replace").splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return Mistake(place.path, place.line, place.column, kind, message, hint, line)
