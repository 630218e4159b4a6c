"""The starter pack as documents: what each rule must say, and that it compiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from ostiary.language.compile import Compiled, compile_paths
from ostiary.local.readiness import readiness
from ostiary.local.rule_tests import run_tests
from ostiary.vocabulary.rule import MAX_COUNTERS, Rule

ROOT = Path(__file__).parents[2]
RULES = ROOT / "rules"
TOPICS = {"limits", "extraction", "logits", "probing", "memorisation", "networks", "clients", "web"}
MIN_RULES = 40
PHRASE_FIELD = "gen_ai.prompt"
QUICK = 1_000
"""Requests of one test that are worth waiting for here; ``ostiary test rules/`` runs them all."""


def documents() -> list[tuple[str, Mapping[str, Any]]]:
    found = []
    for topic in sorted(TOPICS):
        for path in sorted((RULES / topic).glob("*.yaml")):
            found += [(topic, document) for document in yaml.load_all(path.read_text("utf-8"), Loader=yaml.CSafeLoader) if document]
    return found


DOCUMENTS = documents()
NAMES = [document["name"] for _, document in DOCUMENTS]


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_paths([RULES])


def test_the_pack_compiles_without_mistakes_and_warnings(compiled: Compiled) -> None:
    assert [mistake.render() for mistake in (*compiled.mistakes, *compiled.warnings)] == []


def test_every_document_became_a_rule_that_applies(compiled: Compiled) -> None:
    assert compiled.ruleset is not None
    assert sorted(rule.name or "" for rule in compiled.ruleset.rules) == sorted(NAMES)
    assert len(NAMES) >= MIN_RULES
    assert {rule.topic for rule in compiled.ruleset.rules} == TOPICS


def test_all_but_the_counts_of_distinct_tokens_is_decided_on_the_request_path(compiled: Compiled) -> None:
    assert compiled.ruleset is not None
    late = {compiled.ruleset.by_id[rule].name for rule, place in compiled.decided.items() if place != "request path"}
    assert late == {"sweeps_tokens", "logit_theft"}


def test_a_principal_has_no_more_counters_than_its_item_may_hold(compiled: Compiled) -> None:
    assert compiled.ruleset is not None
    assert 0 < len(compiled.ruleset.counters) <= MAX_COUNTERS


def test_ids_are_random_uuids_and_unique() -> None:
    ids = [document["id"] for _, document in DOCUMENTS]
    assert {UUID(identifier).version for identifier in ids} == {4}
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("document", [document for _, document in DOCUMENTS], ids=NAMES)
def test_a_rule_says_what_attack_what_it_looks_like_and_whom_it_may_hurt(document: Mapping[str, Any]) -> None:
    assert len(document["description"]) > 60
    assert all("://" in reference for reference in document["references"])
    assert document["falsepositives"]
    assert document["author"] == "Ostiary"
    assert all(tag.count(".") >= 1 and tag == tag.lower() for tag in document["tags"])
    assert document["status"] == "experimental"


@pytest.mark.parametrize("document", [document for _, document in DOCUMENTS], ids=NAMES)
def test_a_rule_has_tests_of_both_outcomes(document: Mapping[str, Any]) -> None:
    expected = {part["expect"] for test in document["tests"] for part in (test, *test.get("sequence", [])) if "expect" in part}
    assert expected & {"signal", "withheld", "throttled", "denied"}
    assert expected & {"none", "allowed"}


@pytest.mark.parametrize(
    "document", [document for _, document in DOCUMENTS if document.get("correlation", {}).get("type") == "event_count"]
)
def test_a_correlation_is_tested_at_its_threshold_and_one_below(document: Mapping[str, Any]) -> None:
    threshold = document["correlation"]["condition"]["gte"]
    times = {(test.get("times", 1), test["expect"] == "allowed") for test in document["tests"] if "expect" in test}
    assert {(threshold, False), (threshold - 1, True)} <= times


@pytest.mark.parametrize("document", [document for _, document in DOCUMENTS if "limit" in document.get("ostiary", {})])
def test_a_limit_is_tested_at_its_maximum_and_one_past_it(document: Mapping[str, Any]) -> None:
    most = document["ostiary"]["limit"]["max"]
    times = {(test.get("times", 1), test["expect"]) for test in document["tests"] if "expect" in test}
    assert {(most, "allowed"), (most + 1, "throttled")} <= times


def test_a_phrase_alone_never_acts() -> None:
    phrases = [document for _, document in DOCUMENTS if "detection" in document and PHRASE_FIELD in str(document["detection"])]
    assert len(phrases) >= 8
    for document in phrases:
        assert document.get("ostiary", {}).get("mode", "monitor") == "monitor", document["name"]
        assert document["level"] in ("informational", "low"), document["name"]


def test_phrases_are_read_in_what_the_newest_turn_asks() -> None:
    fields = {
        key.split("|")[0]
        for _, document in DOCUMENTS
        for selection in document.get("detection", {}).values()
        if isinstance(selection, Mapping)
        for key in selection
    }
    assert {field for field in fields if field.startswith(PHRASE_FIELD)} == {"gen_ai.prompt.ask", "gen_ai.prompt.size"}


def test_a_listed_network_is_weak_evidence() -> None:
    for topic, document in DOCUMENTS:
        if topic == "networks":
            assert document["level"] == "informational"
            assert "ostiary" not in document


def test_every_refusal_names_the_clause_of_the_terms(compiled: Compiled) -> None:
    assert compiled.ruleset is not None
    acting = [rule for rule in compiled.ruleset.rules if rule.action is not None]
    assert acting
    assert [rule.name for rule in acting if not rule.clause] == []


def test_the_catalogue_in_the_documentation_is_the_pack(compiled: Compiled) -> None:
    assert compiled.ruleset is not None
    page = (ROOT / "docs" / "rules.md").read_text("utf-8")
    listed = [line for line in page.splitlines() if line.startswith("| `")]
    expected = [catalogue_row(rule) for rule in compiled.ruleset.rules]
    assert sorted(listed) == sorted(expected)
    topics = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert {topic.split(":")[0] for topic in topics} >= TOPICS


def catalogue_row(rule: Rule) -> str:
    """A rule's line in docs/rules.md."""
    return f"| `{rule.name}` | {rule.title} | {rule.level} | {effect(rule)} |"


def effect(rule: Rule) -> str:
    """What a rule does, in the words of docs/rules.md."""
    if rule.limit is not None:
        return f"throttles above {rule.limit.max:,} in {span(rule.limit.timespan)} by {', '.join(rule.limit.group_by)}"
    what = {None: "signal", "throttle": "throttles", "deny": "denies", "withhold": f"withholds {' and '.join(rule.withhold)}"}[rule.action]
    if rule.correlation is None:
        return what
    threshold = int(rule.correlation.conditions[0][1])
    if rule.correlation.type == "value_count":
        what = f"from the {threshold}th different value of {rule.correlation.fields[0]}"
        return f"finding {what} in {span(rule.correlation.timespan)} on, by {', '.join(rule.correlation.group_by)}"
    return f"{what} from the {threshold}th match in {span(rule.correlation.timespan)} on, by {', '.join(rule.correlation.group_by)}"


def span(seconds: int) -> str:
    """A timespan in words."""
    return {60: "a minute", 600: "ten minutes", 86_400: "a day"}[seconds]


def test_the_rules_own_tests_pass(compiled: Compiled) -> None:
    quick = replace(compiled, tests=tuple(test for test in compiled.tests if test.times <= QUICK))
    assert len(compiled.tests) - len(quick.tests) <= 4
    results = list(run_tests(quick))
    assert len(results) == len(quick.tests)
    assert [(result.name, result.got) for result in results if not result.ok] == []


def test_every_enforced_rule_has_a_lookalike_among_the_allowed(compiled: Compiled) -> None:
    assert [mistake.render() for mistake in readiness(compiled)] == []
