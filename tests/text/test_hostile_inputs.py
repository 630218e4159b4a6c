"""The catalogue of hostile inputs: for each the tests that show what happens. A test holds the catalogue to the tests there are."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from ostiary.gateways import limits, rest_authorizer, rest_proxy
from ostiary.matching.evaluate import Evaluator
from ostiary.settings import Settings
from ostiary.vocabulary.plan import Equals, Glob, Wild
from ostiary.vocabulary.rule import Rule, Ruleset

TESTS = Path(__file__).parents[1]
LIMITS, BODY, TEXT, PROVIDERS = (
    "gateways/test_http_limits.py",
    "gateways/test_body.py",
    "text/test_hidden_words.py",
    "providers/test_providers.py",
)
HERE = "text/test_hostile_inputs.py"
DECODED = f"{LIMITS}::test_a_path_is_decoded_once_and_kept_as_it_was_sent"
AT_A_LIMIT = f"{LIMITS}::test_a_limit_is_met_and_one_past_it_is_refused_by_its_name"
CATALOGUE = {
    "B01": ("path: dot segments, doubled slashes, double encoding", [DECODED]),
    "B02": ("path: control characters, encoded", [DECODED]),
    "B03": (
        "path: at its limit and past it",
        [AT_A_LIMIT, f"{LIMITS}::test_a_path_past_the_limit_in_octets_is_refused_though_it_has_few_characters"],
    ),
    "B04": ("path: octets that are no UTF-8", [DECODED]),
    "B05": (
        "path: full-width slashes and dots",
        [DECODED, f"{HERE}::test_lookalikes_of_slash_and_dot_separate_nothing_but_rules_find_them"],
    ),
    "B10": (
        "header: thrice, in different case",
        [f"{LIMITS}::test_values_of_a_header_sent_three_times_in_different_case_keep_their_order"],
    ),
    "B11": (
        "header: too many, too long",
        [AT_A_LIMIT, f"{HERE}::test_two_hundred_headers_and_one_of_64_kilobytes_are_within_limits_or_refused"],
    ),
    "B12": ("header: a name that is no token", [f"{LIMITS}::test_a_header_name_that_is_no_token_is_refused_without_repeating_it"]),
    "B13": ("header: two credentials", [f"{LIMITS}::test_credentials_have_one_precedence_and_a_conflict_is_a_field"]),
    "B14": (
        "header: our own, sent by a client",
        [f"{LIMITS}::test_headers_that_only_we_set_are_dropped_from_the_fields_and_on_the_way_on"],
    ),
    "B15": (
        "query: too many, the same key often, keys like paths",
        [AT_A_LIMIT, f"{LIMITS}::test_the_same_key_a_thousand_times_keeps_its_values"],
    ),
    "B16": ("query: one query, two adapters", [f"{HERE}::test_both_adapters_read_one_query_the_same_way"]),
    "B22": ("json: NaN, Infinity, numbers too large", [f"{BODY}::test_odd_json_has_a_defined_outcome"]),
    "B23": (
        "json: depth, keys, duplicates",
        [
            f"{BODY}::test_odd_json_has_a_defined_outcome",
            f"{BODY}::test_depth_is_bounded_and_the_prompt_is_still_there",
            f"{BODY}::test_the_number_of_keys_is_bounded",
            f"{BODY}::test_a_key_named_twice_is_a_field_and_the_last_value_counts",
        ],
    ),
    "B24": (
        "json: lone surrogates, byte order mark, UTF-16",
        [f"{BODY}::test_odd_json_has_a_defined_outcome", f"{BODY}::test_json_in_other_unicode_encodings_is_read"],
    ),
    "B25": (
        "json: any top level, messages of any shape",
        [
            f"{BODY}::test_a_top_level_scalar_has_no_leaves",
            f"{PROVIDERS}::test_malformed_shapes_give_the_text_that_is_there",
            f"{PROVIDERS}::test_where_there_is_no_text_no_prompt_is_made_up",
        ],
    ),
    "B26": ("text: hidden words", [f"{TEXT}::test_the_plain_word_of_a_rule_finds_a_hidden_one_and_the_raw_field_keeps_it"]),
    "B27": ("text: a megabyte of one character", [f"{TEXT}::test_a_megabyte_is_read_to_its_end"]),
    "B28": ("text: a rule's words in a harmless essay", ["rules/test_pack.py::test_a_phrase_alone_never_acts"]),
}
SETTINGS = Settings(identifier_key="a key for tests only")


@pytest.mark.parametrize("id", CATALOGUE)
def test_each_hostile_input_has_the_tests_that_the_catalogue_names(id: str) -> None:
    what, tests = CATALOGUE[id]
    assert what and tests
    for test in tests:
        file, _, name = test.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{id}: {test} is gone"


def event(**changes: Any) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:abcdef/prod/GET/v1/models",
        "resource": "/{proxy+}",
        "path": "/v1/models",
        "httpMethod": "GET",
        "headers": {},
        "multiValueHeaders": {"Host": ["api.example"]},
        "multiValueQueryStringParameters": None,
        "requestContext": {"extendedRequestId": "id-1", "identity": {"sourceIp": "203.0.113.7"}, "domainName": "api.example"},
        "body": None,
        "isBase64Encoded": False,
        **changes,
    }


def matches(plan: Equals | Glob, **changes: Any) -> bool:
    request = rest_proxy.to_request(event(**changes), SETTINGS, 1.0)
    return bool(Evaluator(Ruleset((Rule(0, "r", "", "0", "low", "request", plan=plan),))).evaluate(request.fields, {}))


def test_lookalikes_of_slash_and_dot_separate_nothing_but_rules_find_them() -> None:
    path = "/v1\uff0f\u2024\u2024\uff0fadmin"
    assert matches(Equals("url.path", ("/v1/../admin",)), path=path)
    assert matches(Glob("url.path", (Wild.ANY, "/../", Wild.ANY)), path=path)
    assert not matches(Glob("url.path.raw", (Wild.ANY, "/../", Wild.ANY)), path=path)
    assert matches(Equals("url.path.raw", (path,)), path=path)


def test_two_hundred_headers_and_one_of_64_kilobytes_are_within_limits_or_refused() -> None:
    for headers, within in (
        ({f"x-{n}": ["1"] for n in range(200)}, limits.MAX_HEADERS >= 200),
        ({"x-a": ["1" * 65_536]}, limits.MAX_HEADER_BYTES >= 65_536),
    ):
        changed = event(multiValueHeaders=headers)
        if within:
            assert rest_proxy.to_request(changed, SETTINGS, 1.0).fields["http.request.headers.count"] == len(headers)
        else:
            with pytest.raises(limits.RequestRefused, match="MAX_HEADER"):
                rest_proxy.to_request(changed, SETTINGS, 1.0)


@pytest.mark.parametrize("query", [{"q": ["a b&c=d"], "flag": [""]}, {"a[b][c]": ["1", "2"]}, {"é": ["\u0430%41"], "+": ["+"]}])
def test_both_adapters_read_one_query_the_same_way(query: dict[str, list[str]]) -> None:
    sent = event(multiValueQueryStringParameters=query)
    through_proxy = rest_proxy.to_request(sent, SETTINGS, 1.0).fields
    at_authorizer = rest_authorizer.to_request(json.loads(json.dumps(sent)), SETTINGS, 1.0).fields
    of_the_url = {name: value for name, value in through_proxy.items() if name.startswith("url.")}
    assert of_the_url == {name: value for name, value in at_authorizer.items() if name.startswith("url.")}
    for key, values in query.items():
        assert of_the_url[f"url.query.{key}"] == (values[0] if len(values) == 1 else tuple(values))
