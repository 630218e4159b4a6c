"""Rules' own tests: each run by itself, and of each that fails what its rule saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ostiary.language.compile import Compiled, RuleTest
from ostiary.language.mistake import Position
from ostiary.local.leaf_text import cut_text, written
from ostiary.local.readiness import readiness
from ostiary.local.rule_requests import requests_of
from ostiary.local.rule_run import Got, Outcome, referred, ruleset_of, run_test
from ostiary.matching.evaluate import Evaluator
from ostiary.matching.leaves import leaf_fields
from ostiary.matching.subject import Subject
from ostiary.matching.truth import leaves_of
from ostiary.vocabulary.plan import Leaf, Member
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.rule import Rule, Ruleset

__all__ = ["TestResult", "readiness", "run_tests", "summary"]

MAX_REASONS = 12
"""Leaves that a failed test names; a list of a thousand phrases tells nobody anything."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """What came of one test. ``ok``: every step got what it expects."""

    __test__ = False

    rule: str
    title: str
    name: str
    expect: Got
    got: Got
    ok: bool
    position: Position
    step: int = 1
    """The step that got something else than it expects (from 1), else the last one."""
    steps: int = 1
    reasons: tuple[str, ...] = ()
    """Of a failed test: which leaves of its rule were true and false, of a correlation how many matches each of its rules had."""


def run_tests(compiled: Compiled) -> Iterator[TestResult]:
    """Runs every test of the compiled rules, in order; nothing when the rules have mistakes.

    Each test has a Ruleset of its rule and the rules that it refers to, an empty memory store, a virtual clock that moves only
    from step to step, and mode enforce, also for a rule in monitor mode: its tests say what it would do.
    """
    if compiled.ruleset is None:
        return
    alone: dict[str, Ruleset] = {}
    for test in compiled.tests:
        if test.rule not in alone:
            alone = {test.rule: ruleset_of(compiled.ruleset, test.rule)}
        outcome = run_test(test, alone[test.rule])
        yield _result(test, compiled.ruleset.by_id[test.rule], outcome, alone[test.rule])


def _result(test: RuleTest, rule: Rule, outcome: Outcome, ruleset: Ruleset) -> TestResult:
    reasons = () if outcome.ok else tuple(_reasons(test, outcome, ruleset))
    return TestResult(
        rule=test.rule,
        title=rule.title,
        name=test.name,
        expect=outcome.expect,
        got=outcome.got,
        ok=outcome.ok,
        position=test.position,
        step=outcome.step,
        steps=len(test.steps),
        reasons=reasons,
    )


def _reasons(test: RuleTest, outcome: Outcome, ruleset: Ruleset) -> Iterator[str]:
    rule = ruleset.rules[-1]
    evaluator = Evaluator(ruleset, foreign=True)
    requests = requests_of(test)
    if rule.correlation is None:
        yield from _leaves(rule, requests[outcome.step - 1], evaluator)
        return
    for index in referred(ruleset, rule):
        base = ruleset.rules[index]
        if base.plan is None:
            continue
        matching = [index in {signal.rule for signal in evaluator.evaluate(one.fields, {**one.fields, **one.facts})} for one in requests]
        pairs = list(zip(test.steps, matching, strict=True))[: outcome.step]
        count = sum(step.times for step, holds in pairs if holds)
        yield f"`{base.name or base.title}` matched {count} of {sum(step.times for step, _ in pairs)} until then"
        if not any(holds for _, holds in pairs):
            yield from _leaves(base, requests[outcome.step - 1], evaluator)


def _leaves(rule: Rule, request: Request, evaluator: Evaluator) -> Iterator[str]:
    """Each leaf with its truth and what the field held."""
    assert rule.plan is not None
    facts = {**request.fields, **request.facts}
    leaves = list(leaves_of(rule.plan))
    said = dict(zip(leaves, evaluator.truths(rule.index, request.fields, facts), strict=True))
    subject = Subject(request.fields, facts)
    for leaf, truth in list(said.items())[:MAX_REASONS]:
        yield f"{'true ' if truth else 'false'} {written(leaf)}{_held(leaf, subject)}"
    if len(said) > MAX_REASONS:
        yield f"… and {len(said) - MAX_REASONS} more, {sum(said.values())} of {len(said)} true"


def _held(leaf: Leaf, subject: Subject) -> str:
    fields = leaf_fields(leaf)
    if not fields or isinstance(leaf, Member):
        return ""
    values = subject.values(fields[0])
    if not values:
        return f" ({fields[0]} is absent)"
    return f" (it is {', '.join(cut_text('null' if value is None else str(value)) for value in values[:3])})"


def summary(results: Iterable[TestResult]) -> dict[str, object]:
    """What ``ostiary test --format json`` prints: ``passed``, ``failed``, and every test."""
    shown = [
        {
            "rule": result.rule,
            "title": result.title,
            "name": result.name,
            "expect": result.expect,
            "got": result.got,
            "ok": result.ok,
            "step": result.step,
            "position": str(result.position),
            "reasons": list(result.reasons),
        }
        for result in results
    ]
    failed = sum(1 for result in shown if not result["ok"])
    return {"passed": len(shown) - failed, "failed": failed, "tests": shown}
