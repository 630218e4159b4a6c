"""What of a request travels to ``record`` for its correlations: little, bounded, and no text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ostiary.judgement.features import MAX_FEATURE_VALUES, MAX_FEATURES, Features, Hashing, left_to_record
from ostiary.judgement.record import RECORD_VERSION, WITHOUT_FEATURES, decode, encode
from ostiary.vocabulary.plan import Exists
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.rule import Correlation, Counter, Rule, Ruleset
from ostiary.vocabulary.state import RequestRecord

SECRET = "k" * 16


def _rules(*correlations: Correlation, category: Any = "request") -> Ruleset:
    rules = [Rule(index, f"r{index}", "t", "v", "low", category, plan=Exists("a", True)) for index in range(2)]
    rules += [Rule(2 + n, f"c{n}", "t", "v", "low", category, correlation=one) for n, one in enumerate(correlations)]
    return Ruleset(tuple(rules), (Counter("counted", "matches", 60, 20, ("account.id",), (0,)),))


def _over(kind: Any = "event_count", rules: tuple[int, ...] = (0,), group_by: tuple[str, ...] = ("a",), **more: Any) -> Correlation:
    return Correlation(kind, rules, group_by, 60, (("gte", 2),), **more)


def test_only_the_fields_of_matching_rules_correlations_travel() -> None:
    features = Features(_rules(_over(), _over(rules=(1,), group_by=("b",))), SECRET)
    assert list(features.of([0], {"a": "x", "b": "y"})) == ["a"]
    assert list(features.of([0, 1], {"a": "x", "b": "y"})) == ["a", "b"]
    assert features.of([], {"a": "x"}) == {}
    assert features.of([0], {"b": "y"}) == {}


def test_a_correlation_that_the_request_path_counts_needs_none_unless_another_counts_it() -> None:
    counted = _over(group_by=("account.id",), counter="counted")
    assert Features(_rules(counted), SECRET).of([0], {"account.id": "a"}) == {}
    both = _rules(counted, _over(rules=(2,), group_by=("account.id",)))
    assert left_to_record(both) == {2, 3}
    assert list(Features(both, SECRET).of([0], {"account.id": "a"})) == ["account.id"]


def test_correlations_of_records_over_windows_are_not_records_to_decide() -> None:
    assert left_to_record(_rules(_over(), category="account_window")) == frozenset()


def test_texts_are_keyed_hashes_and_numbers_are_numbers() -> None:
    fields = {"a": ("secret words", 5, 0.5, True, None, "7")}
    found = Features(_rules(_over()), SECRET).of([0], fields)["a"]
    assert found[1:4] == (5, 0.5, True) and len(found) == 5
    assert found[0] == Hashing(SECRET).text("secret words") and found[4] == Hashing(SECRET).text("7")
    assert found[0] != Hashing("another secret").text("secret words")
    assert "secret" not in json.dumps(found)


def test_a_number_that_is_written_as_text_is_one_where_numbers_are_added_up() -> None:
    found = Features(_rules(_over("value_sum", fields=("n",))), SECRET).of([0], {"a": "7", "n": ("7", "many", float("nan"))})
    assert found["n"][0] == 7.0 and all(isinstance(value, str) for value in found["n"][1:])
    assert isinstance(found["a"][0], str)


def test_a_number_and_the_text_that_writes_it_are_one_group() -> None:
    hashing = Hashing(SECRET)
    assert hashing.key(5) == hashing.key(5.0) == hashing.key(hashing.text("5"))
    assert hashing.key(None) is None


def test_values_are_bounded() -> None:
    features = Features(_rules(_over()), SECRET)
    assert len(features.of([0], {"a": tuple(range(MAX_FEATURE_VALUES))})["a"]) == MAX_FEATURE_VALUES
    assert len(features.of([0], {"a": tuple(range(MAX_FEATURE_VALUES + 1))})["a"]) == MAX_FEATURE_VALUES


@pytest.mark.parametrize("count", [MAX_FEATURES, MAX_FEATURES + 1])
def test_fields_are_bounded(count: int) -> None:
    names = tuple(f"f{number:02d}" for number in range(count))
    assert list(Features(_rules(_over(group_by=names)), SECRET).of([0], dict.fromkeys(names, 1))) == list(names[:MAX_FEATURES])


def test_facts_are_left_to_the_image() -> None:
    assert Features(_rules(_over(group_by=("account.plan",))), SECRET).of([0], {"account.plan": "free"}) == {}


def test_features_survive_encoding_and_a_record_without_them_is_as_it_was() -> None:
    plain = RequestRecord(
        "r", 1.5, Principal("account", "a"), "g", "GET", "/", ((0, None),), {}, {}, "enforce", "d" * 64, "open"
    )  # fmt: skip
    told = replace(plain, features={"a": ("habc", 5, 0.5, True), "b": ()})
    assert decode(encode(told)) == told and decode(encode(plain)) == plain
    assert json.loads(encode(plain))[0] == WITHOUT_FEATURES and json.loads(encode(told))[0] == RECORD_VERSION
