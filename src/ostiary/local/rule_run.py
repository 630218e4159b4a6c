"""One test of a rule, run: through the real judgement, or over records, alone, on a virtual clock, with nothing kept from others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ostiary.judgement.judge import Judge
from ostiary.language.compile import RuleTest
from ostiary.language.rule_test import Step
from ostiary.local.clock import VirtualClock
from ostiary.local.recorded import START
from ostiary.local.rule_requests import principal_of, requests_of
from ostiary.matching.correlate import Correlator
from ostiary.matching.evaluate import Evaluator
from ostiary.ruleset.artefact import sealed
from ostiary.settings import Settings
from ostiary.stores.memory import MemoryStateStore
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.rule import Correlation, Counter, Expression, Rule, Ruleset
from ostiary.vocabulary.state import State, StateWrite
from ostiary.vocabulary.verdict import Verdict

Got = Literal["none", "signal", "allowed", "withheld", "throttled", "denied"]

JUDGED_LAST = 3
"""Requests of a step that are judged one by one at its end, and around a limit; of ten thousand alike the others are only counted."""

SETTINGS = Settings(mode="enforce", identifier_key="rules are tested in memory", appeal="https://appeals.example")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test: of the first step that got something else than it expects, else of the last one."""

    expect: Got
    got: Got
    step: int
    """From 1."""

    @property
    def ok(self) -> bool:
        """It got what it expects."""
        return self.got == self.expect


def run_test(test: RuleTest, ruleset: Ruleset) -> Outcome:
    """Runs a test on the Ruleset of its rule (``ruleset_of``).

    Rules about requests, and correlations that the request path counts, are judged; correlations that ``record`` decides are run
    through its windows, and rules over windows are evaluated: these give a Signal or none. What is decided when a window closes
    counts for the last step.
    """
    rule = ruleset.rules[-1]
    if rule.correlation is not None and not rule.correlation.counter:
        return _correlated(test, ruleset)
    return _judged(test, ruleset) if rule.category == "request" else _evaluated(test, ruleset)


def ruleset_of(ruleset: Ruleset, rule_id: str) -> Ruleset:
    """A Ruleset of one rule, which comes last, and all it refers to; without Exemptions. ``KeyError`` for an unknown id."""
    rule = ruleset.by_id[rule_id]
    chosen = [*(ruleset.rules[index] for index in referred(ruleset, rule)), rule]
    moved = {old.index: new for new, old in enumerate(chosen)}
    rules = [_moved(old, moved) for old in chosen]
    rules[-1] = replace(rules[-1], generate=True, mode="enforce" if rule.action else rule.mode)
    wanted = {counted.counter for old in chosen for counted in (old.limit, old.correlation) if counted is not None}
    counters = [_kept(counter, moved) for counter in ruleset.counters if counter.id in wanted]
    return sealed(Ruleset(tuple(rules), tuple(counters)))


def referred(ruleset: Ruleset, rule: Rule) -> tuple[int, ...]:
    """The indexes of the rules that a correlation names, directly or through other correlations; each before what names it."""
    found: dict[int, None] = {}
    for index in rule.correlation.rules if rule.correlation else ():
        found.update(dict.fromkeys(referred(ruleset, ruleset.rules[index])))
        found[index] = None
    return tuple(found)


def _moved(rule: Rule, moved: Mapping[int, int]) -> Rule:
    correlation = rule.correlation
    if correlation is not None:
        correlation = _moved_correlation(correlation, moved)
    return replace(rule, index=moved[rule.index], correlation=correlation)


def _moved_correlation(correlation: Correlation, moved: Mapping[int, int]) -> Correlation:
    return replace(
        correlation,
        rules=tuple(moved[index] for index in correlation.rules),
        expression=None if correlation.expression is None else _moved_expression(correlation.expression, moved),
        aliases=tuple((name, tuple((moved[index], field) for index, field in fields)) for name, fields in correlation.aliases),
    )


def _moved_expression(expression: Expression, moved: Mapping[int, int]) -> Expression:
    children = tuple(_moved_expression(child, moved) for child in expression.children)
    return replace(expression, rule=moved.get(expression.rule, -1), children=children)


def _kept(counter: Counter, moved: Mapping[int, int]) -> Counter:
    return replace(counter, rules=tuple(sorted(moved[index] for index in counter.rules if index in moved)))


def _first_wrong(test: RuleTest, got: Callable[[int, Step], Got]) -> Outcome:
    """Takes every step in turn; what one expects is compared with what it got."""
    wrong: Outcome | None = None
    outcome: Outcome | None = None
    for number, step in enumerate(test.steps, start=1):
        word = got(number, step)
        if step.expect is None:
            continue
        outcome = Outcome(step.expect, word, number)
        if wrong is None and not outcome.ok:
            wrong = outcome
    assert outcome is not None, "the last step of a test expects something"
    return wrong or outcome


def _judged(test: RuleTest, ruleset: Ruleset) -> Outcome:
    rule = ruleset.rules[-1]
    clock = VirtualClock(START)
    store = MemoryStateStore(SETTINGS, clock=clock)
    judge = Judge(ruleset, store, clock, SETTINGS, _say_nothing)
    requests = requests_of(test)

    def got(number: int, step: Step) -> Got:
        request = requests[number - 1]
        clock.set(request.time)
        before = store.read(principal_of(request))
        verdict = judge.judge(request)
        ahead = _alike(step, rule, verdict)
        if ahead:
            _count_ahead(store, request, before, ahead)
        for repeated in range(1 + ahead, step.times):
            verdict = judge.judge(replace(request, id=f"{request.id}-{repeated}"))
        return _in_words(step, rule, verdict)

    return _first_wrong(test, got)


def _alike(step: Step, rule: Rule, verdict: Verdict) -> int:
    """How many requests after the first may be counted without being judged: all are admitted alike until a limit is near."""
    if verdict.effect.outcome != "allowed":
        return 0
    alike = step.times - 1 - JUDGED_LAST
    if rule.limit is not None:
        used = max((count.used for count in verdict.counts if count.rule == rule.id), default=0)
        alike = min(alike, rule.limit.max - used - JUDGED_LAST)
    return max(0, alike)


def _count_ahead(store: MemoryStateStore, request: Request, before: State | None, ahead: int) -> None:
    """Adds what ``ahead`` more requests would have added: to the buckets that the last one added to."""
    state = store.read(principal_of(request))
    assert state is not None, "a judged request has left its state"
    known = before.buckets if before is not None else {}
    add = {name: ahead for name, count in state.buckets.items() if count > known.get(name, 0)}
    store.write(StateWrite(state.principal, add, (), "undo", None, int(request.time)))


def _say_nothing(line: str) -> None:
    """The log of a test."""


def _in_words(step: Step, rule: Rule, verdict: Verdict) -> Got:
    """In the words that the step expects: of the Signal, or of the outcome."""
    if step.expect in ("none", "signal"):
        return "signal" if any(named.id == rule.id for named in verdict.rules) else "none"
    if verdict.effect.outcome == "allowed" and verdict.effect.withhold:
        return "withheld"
    return verdict.effect.outcome


def _evaluated(test: RuleTest, ruleset: Ruleset) -> Outcome:
    """A record of windows, or of another product, gives a Signal or none."""
    evaluator = Evaluator(ruleset, foreign=True)

    def got(number: int, step: Step) -> Got:
        return _signal(step, bool(evaluator.evaluate(step.fields, step.fields)))

    return _first_wrong(test, got)


def _correlated(test: RuleTest, ruleset: Ruleset) -> Outcome:
    rule = ruleset.rules[-1]
    evaluator = Evaluator(ruleset, foreign=True)
    correlator = Correlator(ruleset)
    requests = requests_of(test)

    def got(number: int, step: Step) -> Got:
        request = requests[number - 1]
        closed = list(correlator.close(request.time))
        fields = {**request.fields, **request.facts}
        signals = [signal.rule for signal in evaluator.evaluate(fields, fields)]
        holding: tuple[int, ...] = ()
        for repeated in range(step.times):
            holding = correlator.observe(request.time, f"{request.id}-{number:03}-{repeated:06}", fields, signals)
        if number == len(test.steps):
            closed += correlator.close()
        return _signal(step, rule.index in holding or any(window.rule == rule.index for window in closed))

    return _first_wrong(test, got)


def _signal(step: Step, holds: bool) -> Got:
    if holds:
        return "signal"
    return "allowed" if step.expect == "allowed" else "none"
