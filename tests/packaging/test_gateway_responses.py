"""The template's gateway responses say what the authorizer's context holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from ostiary.gateways import rest_authorizer
from ostiary.settings import Settings
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.verdict import Count, Effect, RuleRef, Verdict

TIME = 1_800_000_000.0
SETTINGS = Settings(identifier_key="sixteen characters", mode="enforce", appeal="https://example.com/appeals")


@pytest.fixture
def responses(resources: Mapping[str, Any]) -> Mapping[str, Any]:
    return resources["Api"]["Properties"]["GatewayResponses"]


@pytest.fixture
def context() -> Mapping[str, Any]:
    """What the authorizer says of a throttled request from a browser."""
    effect = Effect("throttled", reason="limit_exceeded", rule="r", retry_after=7, until=TIME + 7, clause="T-2.1", message='Say "please"')
    verdict = Verdict(
        *("request-1", TIME, "account#a", "a", "192.0.2.1", "rest_authorizer", "GET", "/x", effect, effect),
        rules=(RuleRef("r", "1", "low", "enforce"),),
        counts=(Count("r", 4, 3, 60, 7.0, "limit"),),
        digest="0" * 64,
        mode="enforce",
    )
    request = Request("request-1", TIME, "rest_authorizer", "a", "192.0.2.1", {"http.request.header.origin": "https://app.example.com"})
    answer = rest_authorizer.to_answer(verdict, request, SETTINGS)
    assert isinstance(answer["context"], dict)
    return answer["context"]


def test_a_refusal_by_the_authorizer_speaks_through_the_template(responses: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    template = responses["ACCESS_DENIED"]["ResponseTemplates"]["application/json"]
    name = re.fullmatch(r"\$context\.authorizer\.(\w+)", template)
    assert name is not None
    problem = json.loads(context[name[1]])
    assert (problem["status"], problem["retry_after"], problem["appeal"]) == (429, 7, SETTINGS.appeal)
    assert problem["error"]["type"] == "rate_limit_error"


def test_every_header_of_a_refusal_is_in_the_context(responses: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    headers = responses["ACCESS_DENIED"]["ResponseParameters"]["Headers"]
    named = [value.removeprefix("context.authorizer.") for value in headers.values() if value.startswith("context.authorizer.")]
    assert [name for name in named if name not in context] == []
    assert len(named) >= 6


@pytest.mark.parametrize("kind", ["AUTHORIZER_FAILURE", "UNAUTHORIZED"])
def test_a_gateway_response_without_a_verdict_has_the_shape_that_sdks_read(responses: Mapping[str, Any], kind: str) -> None:
    text = responses[kind]["ResponseTemplates"]["application/json"].replace("$context.requestId", "request-1")
    body = json.loads(text)
    assert body["status"] == responses[kind]["StatusCode"]
    assert set(body["error"]) == {"type", "code", "message"}
    assert "request-1" in body["error"]["message"]
