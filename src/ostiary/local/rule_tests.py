"""Rules' own tests: each run through the real judgement, alone, in a store of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ostiary.judgement.judge import Judge
from ostiary.language.compile import Compiled, RuleTest
from ostiary.language.mistake import Position
from ostiary.local.clock import VirtualClock
from ostiary.local.readiness import readiness
from ostiary.local.rule_requests import principal_of, request_of
from ostiary.matching.evaluate import Evaluator
from ostiary.ruleset.artefact import sealed
from ostiary.settings import Settings
from ostiary.stores.memory import MemoryStateStore
from ostiary.vocabulary.rule import Counter, Rule, Ruleset
from ostiary.vocabulary.state import StateWrite
from ostiary.vocabulary.verdict import Verdict

__all__ = ["TestResult", "readiness", "run_tests", "summary"]

JUDGED_LAST = 3
"""Requests of a test that are judged one by one at its end, and around a limit; of ten thousand alike the others are only counted."""

Got = Literal["none", "signal", "allowed", "withheld", "throttled", "denied"]

SETTINGS = Settings(mode="enforce", identifier_key="rules are tested in memory", appeal="https://appeals.example")
_COMPARED = {
    "gt": float.__gt__,
    "gte": float.__ge__,
    "lt": float.__lt__,
    "lte": float.__le__,
    "eq": float.__eq__,
    "neq": float.__ne__,
}


@dataclass(frozen=True, slots=True)
class TestResult:
    """What came of one test. ``ok``: what it got is what it expects."""

    __test__ = False

    rule: str
    title: str
    name: str
    expect: Got
    got: Got
    ok: bool
    position: Position


def run_tests(compiled: Compiled) -> Iterator[TestResult]:
    """Runs every test of the compiled rules, in order; nothing when the rules have mistakes.

    Each test has a Ruleset of its rule and the rules that it refers to, an empty memory store, a clock that stands still, and
    mode enforce, also for a rule in monitor mode: its tests say what it would do.
    """
    if compiled.ruleset is None:
        return
    alone: dict[str, Ruleset] = {}
    for test in compiled.tests:
        if test.rule not in alone:
            alone = {test.rule: ruleset_of(compiled.ruleset, test.rule)}
        got = _run(test, alone[test.rule])
        title = compiled.ruleset.by_id[test.rule].title
        yield TestResult(test.rule, title, test.name, test.expect, got, got == test.expect, test.position)


def ruleset_of(ruleset: Ruleset, rule_id: str) -> Ruleset:
    """A Ruleset of one rule, which comes last, and those it refers to; without Exemptions. ``KeyError`` for an unknown id."""
    rule = ruleset.by_id[rule_id]
    referred = rule.correlation.rules if rule.correlation else ()
    chosen = [*(ruleset.rules[index] for index in referred), rule]
    moved = {old.index: new for new, old in enumerate(chosen)}
    rules = [_moved(old, moved) for old in chosen]
    rules[-1] = replace(rules[-1], generate=True, mode="enforce" if rule.action else rule.mode)
    wanted = {counted.counter for old in chosen for counted in (old.limit, old.correlation) if counted is not None}
    counters = [_kept(counter, moved) for counter in ruleset.counters if counter.id in wanted]
    return sealed(Ruleset(tuple(rules), tuple(counters)))


def _moved(rule: Rule, moved: Mapping[int, int]) -> Rule:
    correlation = rule.correlation
    if correlation is not None:
        correlation = replace(correlation, rules=tuple(moved[index] for index in correlation.rules))
    return replace(rule, index=moved[rule.index], correlation=correlation)


def _kept(counter: Counter, moved: Mapping[int, int]) -> Counter:
    return replace(counter, rules=tuple(sorted(moved[index] for index in counter.rules if index in moved)))


def _run(test: RuleTest, ruleset: Ruleset) -> Got:
    rule = ruleset.rules[-1]
    if rule.category != "request":
        return _over_windows(test, ruleset)
    request = request_of(test)
    clock = VirtualClock(request.time)
    store = MemoryStateStore(SETTINGS, clock=clock)
    judge = Judge(ruleset, store, clock, SETTINGS, _say_nothing)
    verdict = judge.judge(request)
    ahead = _alike(test, rule)
    if ahead and verdict.effect.outcome == "allowed":
        state = store.read(principal_of(request))
        assert state is not None, "a judged request has left its state"
        store.write(StateWrite(state.principal, dict.fromkeys(state.buckets, ahead), (), "undo", None, int(request.time)))
    else:
        ahead = 0
    for number in range(1 + ahead, test.times):
        verdict = judge.judge(replace(request, id=f"{request.id}-{number}"))
    return _got(test, rule, verdict)


def _alike(test: RuleTest, rule: Rule) -> int:
    """How many requests after the first may be counted without being judged: all are admitted alike until a limit is near."""
    alike = test.times - 1 - JUDGED_LAST
    if rule.limit is not None:
        alike = min(alike, rule.limit.max - 1 - JUDGED_LAST)
    return max(0, alike)


def _say_nothing(line: str) -> None:
    """The log of a test."""


def _got(test: RuleTest, rule: Rule, verdict: Verdict) -> Got:
    """In the words that the test expects: of the Signal, or of the outcome."""
    if test.expect in ("none", "signal"):
        return "signal" if any(named.id == rule.id for named in verdict.rules) else "none"
    if verdict.effect.outcome == "allowed" and verdict.effect.withhold:
        return "withheld"
    return verdict.effect.outcome


def _over_windows(test: RuleTest, ruleset: Ruleset) -> Got:
    """Rules over windows, and of other products, have no outcome: a record of theirs gives a Signal or none."""
    rule = ruleset.rules[-1]
    signals = {signal.rule for signal in Evaluator(ruleset, foreign=True).evaluate(test.fields, test.fields)}
    if rule.correlation is None:
        holds = rule.index in signals
    else:
        count = float(test.times) if signals & set(rule.correlation.rules) else 0.0
        holds = count > 0 and all(_COMPARED[operator](count, float(number)) for operator, number in rule.correlation.conditions)
    if holds:
        return "signal"
    return "allowed" if test.expect == "allowed" else "none"


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
            "position": str(result.position),
        }
        for result in results
    ]
    failed = sum(1 for result in shown if not result["ok"])
    return {"passed": len(shown) - failed, "failed": failed, "tests": shown}
