"""The shipped policy, and what is said about a wrong one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ostiary.enforcement.policy import WATCH_ONLY, Policy, parse
from ostiary.language.escalation import canonical, validate
from ostiary.ruleset.policy import MAX_CONDITIONS, MAX_PRODUCTIONS, MAX_VALUES
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.errors import RuleError

Change = Callable[[Any], object]
ONE = {"name": "one", "when": {"case.strikes|gte": 1}, "then": {"stage": "warn"}}


def test_the_shipped_policy_has_no_mistakes_and_reads(document: Mapping[str, Any], policy: Policy) -> None:
    assert validate(document) == []
    assert parse(canonical(document)) == policy
    assert len(policy.productions) == len(document["productions"]) > 5


def test_an_empty_text_is_the_policy_that_only_watches() -> None:
    assert parse("") is WATCH_ONLY


def when(conditions: Mapping[str, Any]) -> Change:
    return lambda policy: policy["productions"][0].update(when=conditions)


@pytest.mark.parametrize(
    ("change", "path", "message", "hint"),
    [
        (lambda p: p.update(strikse={}), ("strikse",), "'strikse' is no key here", "did you mean 'strikes'?"),
        (lambda p: p["stages"]["warn"].update(fro="1d"), ("stages", "warn", "fro"), "is no key here", "did you mean 'for'?"),
        (lambda p: p.pop("stages"), (), "'stages' is missing", ""),
        (lambda p: p.update(window="a week"), ("window",), "is no duration", ""),
        (lambda p: p["decay"].update({"half-life": "0d"}), ("decay", "half-life"), "is no duration", ""),
        (lambda p: p["stages"]["suspend"].pop("for"), ("stages", "suspend"), "has an effect but no end", "for: 7d"),
        (lambda p: p["stages"]["warn"].update(deny=True), ("stages", "warn", "deny"), "takes nothing", "restrict or suspend"),
        (lambda p: p["stages"]["warn"].pop("notice"), ("stages", "warn"), "tells the account holder nothing", "notice"),
        (lambda p: p["stages"]["warn"].update(notice="{unitl}"), ("stages", "warn", "notice"), "no word of a notice", "'until'"),
        (lambda p: p["productions"][0]["then"].update(stage="terminate"), ("productions", 0, "then", "stage"), "should be", ""),
        (lambda p: p["productions"][1].update(name=p["productions"][0]["name"]), ("productions", 1, "name"), "two productions", ""),
        (when({"finding.levle": "high"}), ("productions", 0, "when", "finding.levle"), "no fact 'levle'", "'finding.level'"),
        (when({"finding.level": "hihg"}), ("productions", 0, "when", "finding.level"), "is no level", "'high'"),
        (when({"case.stage|gte": "warned"}), ("productions", 0, "when", "case.stage|gte"), "is no stage", "'warn'"),
        (when({"case.strikes|gt": "6"}), ("productions", 0, "when", "case.strikes|gt"), "is a whole number", ""),
        (when({"case.strikes|gt": 1.5}), ("productions", 0, "when", "case.strikes|gt"), "text, a whole number, true or false", ""),
        (when({"finding.topic": 5}), ("productions", 0, "when", "finding.topic"), "is text", ""),
        (when({"finding.topic|gt": "a"}), ("productions", 0, "when", "finding.topic|gt"), "compares numbers", ""),
        (when({"case.strikes|over": 5}), ("productions", 0, "when", "case.strikes|over"), "no comparison", ""),
        (when({"case.strikes|gt": [1, 2]}), ("productions", 0, "when", "case.strikes|gt"), "one value", ""),
        (when({"client.asn": 5}), ("productions", 0, "when", "client.asn"), "a fact starts with", ""),
        (when({"finding.rule|fieldref": "other.rule"}), ("productions", 0, "when", "finding.rule|fieldref"), "of other. or third.", "turn"),
        (when({"other.rule|fieldref": "third.rule"}), ("productions", 0, "when", "other.rule|fieldref"), "can't be referred to", ""),
        (when({"other.rule|fieldref": "finding.count"}), ("productions", 0, "when", "other.rule|fieldref"), "is a number", ""),
        (when({"finding.rule": ["r"] * (MAX_VALUES + 1)}), ("productions", 0, "when", "finding.rule"), "list of 1 to 20", ""),
    ],
)
def test_a_mistake_is_named_with_its_key(document: Mapping[str, Any], change: Change, path: Any, message: str, hint: str) -> None:
    wrong = copy.deepcopy(dict(document))
    change(wrong)
    [(found, said, advice)] = validate(wrong)
    assert found == path
    assert message in said
    assert hint in advice


def test_all_mistakes_are_told_at_once(document: Mapping[str, Any]) -> None:
    wrong = copy.deepcopy(dict(document))
    wrong["window"] = "soon"
    wrong["productions"][0]["when"] = {"case.strikse": 1}
    wrong["productions"][1]["when"] = {"finding.level": "hi"}
    assert [path[0] for path, _, _ in validate(wrong)] == ["window", "productions", "productions"]


def test_a_hundred_productions_are_taken_and_one_more_is_not(document: Mapping[str, Any]) -> None:
    many = dict(document) | {"productions": [ONE | {"name": f"p{n}"} for n in range(MAX_PRODUCTIONS)]}
    assert validate(many) == []
    many["productions"] = [*many["productions"], ONE]
    assert [path for path, _, _ in validate(many)] == [("productions",)]


def test_twelve_conditions_are_taken_and_one_more_is_not(document: Mapping[str, Any]) -> None:
    def policy(conditions: int) -> dict[str, Any]:
        return dict(document) | {"productions": [ONE | {"when": {f"account.f{n}": True for n in range(conditions)}}]}

    assert validate(policy(MAX_CONDITIONS)) == []
    assert [path for path, _, _ in validate(policy(MAX_CONDITIONS + 1))] == [("productions", 0, "when")]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"escalation": "x", "stages": {}, "newer": 1}', '{"escalation": "x"}'])
def test_a_policy_that_does_not_read_never_becomes_active(text: str) -> None:
    with pytest.raises(RuleError, match="escalation policy does not read"):
        parse(text)


def test_the_same_policy_has_the_same_text_whatever_the_order_of_its_keys(document: Mapping[str, Any]) -> None:
    assert canonical(document) == canonical(json.loads(json.dumps(dict(reversed(document.items())))))


def test_the_most_particular_weight_wins(finding: Callable[..., Finding]) -> None:
    weights = parse(
        json.dumps(
            {
                "escalation": "w",
                "stages": {},
                "strikes": {"level": {"high": 1}, "kind": {"limit": 2}, "topic": {"logits": 3}, "rule": {"r": 4}},
            }
        )
    ).weights
    assert weights.of(finding(topic="web")) == 1
    assert weights.of(finding(topic="web", kind="limit")) == 2
    assert weights.of(finding(kind="limit")) == 3
    assert weights.of(finding(rule="r", kind="limit")) == 4
    assert weights.of(finding(rule="r", waived="red-team")) == 0
    assert weights.of(finding(level="low", topic="web")) == 0
