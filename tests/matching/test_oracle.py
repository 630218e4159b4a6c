"""Rules mean what pySigma's parse tree means: a seeded slice of ``make campaign``, and the list of what is left out of it."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.language.compile import compile_paths
from ostiary.matching.evaluate import Evaluator


def _beside(name: str) -> ModuleType:
    known = sys.modules.get(f"matching_{name}")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"matching_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"matching_{name}"] = module
    spec.loader.exec_module(module)
    return module


agreement = _beside("agreement")
sigma_oracle = _beside("sigma_oracle")
SLICE = 400


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oracle") / "rule.yaml"


@settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(note_method_calls=False, use_true_random=False))
def test_a_rule_that_hypothesis_finds_means_what_pysigma_reads(file: Path, random: Random) -> None:
    case = agreement.compare(random, file, events=4)
    assert case.outcome != "different", f"{case.why}\n{case.document}{case.event}"


def test_a_slice_of_the_campaign_has_no_difference_and_is_not_empty(file: Path) -> None:
    cases = [agreement.compare(Random(seed), file) for seed in range(SLICE)]
    assert [f"{case.why}\n{case.document}{case.event}" for case in cases if case.outcome == "different"] == []
    counts = Counter(case.outcome for case in cases)
    assert counts["compared"] > SLICE / 2
    decisive = sum(0 < case.matches < 12 for case in cases if case.outcome == "compared")
    assert decisive > counts["compared"] / 3


def rule(item: str, condition: str = "sel") -> str:
    selections = item if item.startswith(("sel", "x-y")) else f"sel: {{{item}}}"
    return f"title: T\nlogsource: {{category: webserver}}\ndetection:\n  {selections}\n  condition: {condition}\n"


def taken(document: str, file: Path) -> tuple[set[str], str]:
    """The kinds of our mistakes, and pySigma's refusal."""
    file.write_text(document, encoding="utf-8")
    compiled = compile_paths([file], foreign_fields=True, now=agreement.NOW)
    try:
        sigma_oracle.Oracle(document)
    except sigma_oracle.RefusedByPySigma as refused:
        return {mistake.kind for mistake in compiled.mistakes}, str(refused)
    return {mistake.kind for mistake in compiled.mistakes}, ""


OURS_ALONE = {
    "null-in-list": rule("a: [x, null]"),
    "all-of-one": rule("a|all: x"),
    "base64-short": rule("a|base64offset|contains: x"),
    "encoding-alone": rule("a|wide: x"),
    "encoding-wildcard": rule("a|wide: 'x*'"),
    "modifier-value": rule("a|exists: [true, false]"),
    "modifier-twice": rule("a|re|i|ignorecase: x"),
    "modifier-order": rule("a|exists|neq: true"),
    "date-part": rule("a|hour: 99"),
}
PYSIGMA_ALONE = [
    rule("a|all|re: [x, z]"),
    rule("a|neq|cidr: 192.0.2.0/24"),
    rule("a|contains: 5"),
    rule("a|wide|base64: é"),
    rule("x-y: {a: b}", "1 of x-y"),
    rule("a|windash: -a -b -c -d"),
]
READ_APART = [(rule("a|cased|base64: xyz"), {"a": "EHL6"}), (rule("a|re|startswith: x"), {"a": "yx"})]


def test_every_kind_of_refusal_that_is_ours_alone_has_an_example_and_is_ours_alone(file: Path) -> None:
    assert OURS_ALONE.keys() == agreement.OURS_ALONE.keys()
    for kind, document in OURS_ALONE.items():
        assert taken(document, file) == ({kind}, ""), kind


def test_every_refusal_that_is_pysigmas_alone_has_an_example_and_is_pysigmas_alone(file: Path) -> None:
    refusals = [taken(document, file) for document in PYSIGMA_ALONE]
    assert [ours for ours, _ in refusals] == [set()] * len(PYSIGMA_ALONE)
    assert all(any(re.search(pattern, theirs) for _, theirs in refusals) for pattern in agreement.PYSIGMA_ALONE)
    assert all(any(re.search(pattern, theirs) for pattern in agreement.PYSIGMA_ALONE) for _, theirs in refusals)


def test_what_is_read_apart_has_an_example_in_which_the_readings_differ(file: Path) -> None:
    for document, event in READ_APART:
        assert taken(document, file) == (set(), "")
        ruleset = compile_paths([file], foreign_fields=True, now=agreement.NOW).ruleset
        assert ruleset is not None
        assert sigma_oracle.Oracle(document).matches(event) and not Evaluator(ruleset, foreign=True).evaluate(event, event)
        assert any(re.search(pattern, document) for pattern in agreement.READ_APART)
    assert all(any(re.search(pattern, document) for document, _ in READ_APART) for pattern in agreement.READ_APART)
