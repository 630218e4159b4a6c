"""The authorizer's policy covers what was judged, and its context can be pasted into a template."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.gateways import rest_authorizer
from ostiary.gateways.rest_authorizer import NOWHERE, literal, to_answer, to_preflight_answer, to_request
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError
from ostiary.vocabulary.verdict import Effect, Verdict

EVENTS = Path(__file__).parents[2] / "events" / "rest_authorizer"
SETTINGS = Settings(identifier_key="a key for tests only", appeal="https://example.org/appeal")


def event_of(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def verdict(effect: Effect) -> Verdict:
    return Verdict("id-1", 1.0, "address#203.0.113.7", None, None, "rest_authorizer", "GET", "/", effect, effect, (), (), "", "enforce")


def answered(name: str, effect: Effect) -> dict[str, Any]:
    return to_answer(verdict(effect), to_request(event_of(name), SETTINGS, 1.0), SETTINGS)


@pytest.mark.parametrize(("effect", "policy"), [(Effect(), "Allow"), (Effect("denied", reason="suspended"), "Deny")])
def test_the_policy_names_the_one_resource_that_was_judged(effect: Effect, policy: str) -> None:
    answer = answered("plain_get", effect)
    assert answer["policyDocument"]["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": policy, "Resource": [event_of("plain_get")["methodArn"]]}
    ]
    assert answer["principalId"] == "address#203.0.113.7"


def test_a_wildcard_in_a_clients_path_is_no_wildcard_in_the_policy() -> None:
    answer = answered("wildcard_in_path", Effect())
    (resource,) = answer["policyDocument"]["Statement"][0]["Resource"]
    assert resource.endswith("/GET/v1/files/${*}")
    assert literal("a/${*}?") == "a/${$}{${*}}${?}"


@pytest.mark.parametrize(
    "changes",
    [
        {"methodArn": None},
        {"methodArn": "*"},
        {"methodArn": "arn:aws:execute-api:eu-west-1:123456789012:*"},
        {"methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/*/v1"},
        {"methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/POST/v1/models"},
        {"methodArn": "arn:aws:s3:::bucket/prod/GET/x"},
        {"type": "TOKEN"},
        {"type": None},
        {"requestContext": None},
    ],
)
def test_an_event_without_a_usable_resource_or_of_another_type_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        to_request({**event_of("plain_get"), **changes}, SETTINGS, 1.0)


def test_the_context_holds_scalars_that_a_template_can_paste() -> None:
    answer = answered("plain_get", Effect("denied", reason="suspended", message='You said "no"\\\nagain', until=2_000_000_000.0))
    context = answer["context"]
    assert all(isinstance(value, (str, int, float, bool)) for value in context.values())
    assert (context["verdict"], context["outcome"], context["reason"], context["status"]) == ("id-1", "denied", "suspended", 403)
    assert context["should_retry"] == "false"
    assert context["appeal"] == "https://example.org/appeal"
    assert context["message"].startswith("You said 'no'")
    assert not any(
        character in value for key, value in context.items() if key != "problem" and isinstance(value, str) for character in '"\\\n'
    )
    assert json.loads(context["problem"])["until"] == "2033-05-18T03:33:20Z"


def test_the_context_of_an_allowed_request_tells_what_to_withhold() -> None:
    context = answered("plain_get", Effect(withhold=("reasoning", "logprobs")))["context"]
    assert context == {"verdict": "id-1", "outcome": "allowed", "reason": "none", "status": 200, "withhold": "reasoning, logprobs"}


def test_a_throttled_request_is_denied_with_the_wait_in_the_context() -> None:
    answer = answered("plain_get", Effect("throttled", reason="limit_exceeded", retry_after=9))
    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Deny"
    assert (answer["context"]["status"], answer["context"]["retry_after"]) == (429, 9)


def test_a_preflight_is_allowed_for_its_own_resource() -> None:
    event = event_of("preflight")
    assert rest_authorizer.is_preflight(event)
    statement = to_preflight_answer(event)["policyDocument"]["Statement"][0]  # type: ignore[index]
    assert (statement["Effect"], statement["Resource"]) == ("Allow", [event["methodArn"]])


@pytest.mark.parametrize(
    "changes",
    [{"httpMethod": "POST"}, {"multiValueHeaders": {"Origin": ["https://app.example"]}}, {"multiValueHeaders": None, "headers": None}],
)
def test_not_every_options_request_is_a_preflight(changes: dict[str, Any]) -> None:
    assert not rest_authorizer.is_preflight({**event_of("preflight"), **changes})


def test_a_request_that_came_from_elsewhere_gets_a_policy_for_nothing() -> None:
    request = replace(to_request(event_of("plain_get"), SETTINGS, 1.0), method_arn=NOWHERE)
    assert to_answer(verdict(Effect()), request, SETTINGS)["policyDocument"]["Statement"][0]["Resource"] == [NOWHERE]  # type: ignore[index]
