"""durable-rules against a plain reference: the same productions and facts, every combination tried by hand."""

from __future__ import annotations

import itertools
import resource
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.enforcement.durable import DurableEngine, EngineUnavailable
from ostiary.enforcement.facts import Facts
from ostiary.enforcement.policy import Condition, Policy, Production
from ostiary.ruleset.policy import FACTS, MAX_PRODUCTIONS, MAX_VALUES, MAX_WHOLE, operand
from ostiary.vocabulary.rule import LEVELS
from ostiary.vocabulary.state import STAGES

TEXTS = ["logits", "5", "5.0", "1", "true", "t:5", "", "ünï", 'quo"te', "back\\slash", "a b", "\u0000", "x" * 200]
NUMBERS = [-3, 0, 1, 5, 6, MAX_WHOLE, -MAX_WHOLE]
RANKS = {"level": LEVELS, "stage": STAGES}


def reference(policy: Policy, facts: Facts) -> frozenset[str]:
    """Slow and obvious: tries every pair of others for every production."""
    pairs: list[tuple[Any, Any]] = [(None, None), *((one, None) for one in facts.others), *itertools.permutations(facts.others, 2)]
    return frozenset(
        production.name
        for production in policy.productions
        if any(all(holds(condition, facts, *pair) for condition in production.conditions) for pair in pairs)
    )


def holds(condition: Condition, facts: Facts, other: Any, third: Any) -> bool:
    def value(part: Any) -> Any:
        if part.subject in ("other", "third"):
            chosen = other if part.subject == "other" else third
            return None if chosen is None else chosen.get(part.name)
        return facts.one.get(f"{part.subject}.{part.name}")

    left = value(condition.operand)
    rights = [value(condition.reference)] if condition.reference else list(condition.values)
    if condition.operand.kind in RANKS and not condition.reference:
        rights = [RANKS[condition.operand.kind].index(right) for right in rights]
    results = [compare(condition.operand.comparison, left, right) for right in rights]
    return all(results) if condition.operand.comparison == "neq" else any(results)


def compare(comparison: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    if isinstance(left, float):
        if not left.is_integer():
            return False
        left = int(left)
    if type(left) is not type(right):
        return False
    if isinstance(left, int) and abs(left) > MAX_WHOLE:
        return False
    if comparison in ("eq", "neq"):
        return (left == right) == (comparison == "eq")
    return {"lt": left < right, "lte": left <= right, "gt": left > right, "gte": left >= right}[comparison]


def literals(kind: str, comparison: str) -> st.SearchStrategy[Any]:
    number = st.sampled_from(NUMBERS)
    if kind in RANKS:
        return st.sampled_from(RANKS[kind])
    if comparison in ("eq", "neq"):
        return {"text": st.sampled_from(TEXTS), "number": number}.get(kind, st.one_of(st.sampled_from(TEXTS), number, st.booleans()))
    return number


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    subject = draw(st.sampled_from(["finding", "case", "account", "other", "third"]))
    name = draw(st.sampled_from(["plan", "a.b", "$m", "sid"] if subject == "account" else sorted(FACTS[subject])))
    kind = "any" if subject == "account" else FACTS[subject][name]
    comparison = draw(st.sampled_from(["eq", "neq"] if kind == "text" else ["eq", "neq", "gt", "gte", "lt", "lte"]))
    key = f"{subject}.{name}" if comparison == "eq" else f"{subject}.{name}|{comparison}"
    if subject in ("other", "third") and name != "age" and draw(st.booleans()):
        right = draw(st.sampled_from(["finding"] if subject == "other" else ["finding", "other"]))
        same = [fact for fact in FACTS[right] if FACTS[right][fact] == kind]
        return Condition(operand(f"{key}|fieldref"), reference=operand(f"{right}.{draw(st.sampled_from(same))}"))
    many = comparison in ("eq", "neq")
    return Condition(operand(key), tuple(draw(st.lists(literals(kind, comparison), min_size=1, max_size=3 if many else 1))))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    bodies = draw(st.lists(st.lists(conditions(), min_size=1, max_size=4), min_size=1, max_size=6))
    return Policy("random", {}, tuple(Production(f"p{n}", tuple(body), "warn") for n, body in enumerate(bodies)))


def values(kind: str) -> st.SearchStrategy[Any]:
    if kind in RANKS:
        return st.integers(0, len(RANKS[kind]) - 1)
    number = st.sampled_from(NUMBERS)
    known = {"text": st.sampled_from(TEXTS), "number": number}
    wild = st.one_of(st.none(), st.sampled_from(TEXTS), st.booleans(), st.sampled_from([*NUMBERS, 5.0, 5.5, MAX_WHOLE + 1]))
    return known.get(kind, wild)


@st.composite
def situations(draw: st.DrawFn) -> Facts:
    one = {f"{subject}.{name}": draw(values(kind)) for subject in ("finding", "case") for name, kind in FACTS[subject].items()}
    one |= {f"account.{name}": draw(values("any")) for name in draw(st.sets(st.sampled_from(["plan", "a.b", "$m", "sid"])))}
    other = st.fixed_dictionaries({name: values(kind) for name, kind in FACTS["other"].items()})
    return Facts(one, tuple(draw(st.lists(other, max_size=4))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies(), st.lists(situations(), min_size=1, max_size=3))
def test_the_engine_finds_what_trying_everything_finds(policy: Policy, facts: list[Facts]) -> None:
    engine = DurableEngine(policy)
    assert [engine.holding(one) for one in facts] == [reference(policy, one) for one in facts]


def test_three_hundred_runs_over_one_engine_agree_and_do_not_grow(engine: DurableEngine, policy: Policy) -> None:
    before = 0
    for run in range(300):
        facts = _facts(run)
        assert engine.holding(facts) == reference(policy, facts)
        if run == 100:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_no_thread_is_started(policy: Policy) -> None:
    before = set(threading.enumerate())
    DurableEngine(policy)
    assert set(threading.enumerate()) == before


def test_the_most_productions_with_the_most_values_are_taken() -> None:
    values = tuple(f"rule-{n}" for n in range(MAX_VALUES))
    condition = Condition(operand("finding.rule"), values)
    strikes = [Condition(operand("case.strikes|gte"), (n,)) for n in range(MAX_PRODUCTIONS)]
    productions = tuple(Production(f"p{n}", (condition, strikes[n]), "warn") for n in range(MAX_PRODUCTIONS))
    policy = Policy("largest", {}, productions)
    facts = Facts({"finding.rule": "rule-19", "case.strikes": 49})
    assert DurableEngine(policy).holding(facts) == {f"p{n}" for n in range(50)}


def test_one_production_more_is_refused() -> None:
    condition = Condition(operand("case.strikes|gte"), (1,))
    productions = tuple(Production(f"p{n}", (condition,), "warn") for n in range(MAX_PRODUCTIONS + 1))
    with pytest.raises(AssertionError):
        DurableEngine(Policy("too many", {}, productions))


def test_a_machine_without_the_extension_gets_a_clear_error(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "durable.engine", None)
    with pytest.raises(EngineUnavailable, match=r"durable-rules does not import .* Python 3.11 or 3.12"):
        DurableEngine(policy)


def test_a_policy_without_productions_needs_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "durable.engine", None)
    assert DurableEngine(Policy("none", {})).holding(Facts({"case.strikes": 9})) == frozenset()


def test_importing_the_room_does_not_import_durable_rules() -> None:
    code = "import sys, ostiary.enforcement.process; print(sorted({'durable', 'pydantic', 'yaml', 'boto3'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def _facts(run: int) -> Facts:
    others = tuple(
        {"level": n % 5, "rule": f"rule-{n % 3}", "topic": ("logits", "extraction")[n % 2], "kind": "correlation"}
        | {"count": 1, "threshold": 1, "strikes": 2, "age": n}
        for n in range(run % 8)
    )
    one = {
        "finding.level": run % 5,
        "finding.rule": f"rule-{run % 4}",
        "finding.topic": ("logits", "extraction", "limits")[run % 3],
        "finding.kind": ("correlation", "limit")[run % 2],
        "case.strikes": run % 15,
        "case.correlations": run % 5,
        "case.limits": run % 30,
        "case.stage": run % 5,
    }
    return Facts(one, others)
