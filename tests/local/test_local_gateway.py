import base64
import json
from pathlib import Path

import pytest
import yaml

from ostiary.local.gateway import (
    ACCESS_DENIED,
    AUTHORIZER_FAILURE,
    BROKEN,
    Call,
    authorizer_event,
    call_of,
    proxy_answer,
    proxy_event,
    unauthorised,
)
from ostiary.local.recorded import read


class _Template(yaml.SafeLoader):
    """CloudFormation's YAML; its functions (``!Ref`` …) are left as None."""


_Template.add_multi_constructor("!", lambda loader, suffix, node: None)


@pytest.fixture(scope="module")
def responses():
    """The gateway responses of ``template.yaml``."""
    template = yaml.load((Path(__file__).parents[2] / "template.yaml").read_text(encoding="utf-8"), _Template)
    return template["Resources"]["Api"]["Properties"]["GatewayResponses"]


def call(**changes):
    values = {
        "id": "r-1",
        "time": 1_767_571_200.25,
        "method": "POST",
        "target": "/v1/messages?a=1&b=%20x&a=2",
        "headers": (("content-type", "application/json"), ("x-twice", "1"), ("x-twice", "2")),
        "body": b'{"messages": []}',
        "address": "203.0.113.7",
        "account": "acct-1",
    }
    return Call(**{**values, **changes})


def test_a_proxy_event_has_the_request_the_account_and_the_address_where_api_gateway_puts_them():
    event = proxy_event(call())
    assert event["httpMethod"] == "POST" and event["path"] == "/v1/messages"
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [" x"]}
    assert event["queryStringParameters"] == {"a": "2", "b": " x"}
    assert event["multiValueHeaders"]["x-twice"] == ["1", "2"] and event["headers"]["x-twice"] == "2"
    context = event["requestContext"]
    assert context["authorizer"] == {"principalId": "acct-1"}
    assert context["identity"]["sourceIp"] == "203.0.113.7"
    assert (context["requestId"], context["requestTimeEpoch"]) == ("r-1", 1_767_571_200_250)
    assert (event["body"], event["isBase64Encoded"]) == ('{"messages": []}', False)


def test_a_call_without_a_verified_account_has_no_authorizer_context():
    assert "authorizer" not in proxy_event(call(account=None))["requestContext"]


def test_a_body_that_is_no_text_comes_in_base64():
    event = proxy_event(call(body=b"\xff\x00"))
    assert event["isBase64Encoded"] is True and base64.b64decode(event["body"]) == b"\xff\x00"


def test_an_absent_body_is_null_as_api_gateway_has_it():
    assert proxy_event(call(body=b"", target="/", headers=()))["body"] is None


def test_an_authorizer_event_names_the_method_and_has_no_body():
    event = authorizer_event(call())
    assert event["type"] == "REQUEST" and event["methodArn"].endswith("/local/POST/v1/messages")
    assert "body" not in event


def test_the_recorded_key_stands_in_x_api_key_and_replaces_one_in_the_headers():
    recording = read([{"time": 0, "path": "/", "key": "sk-2", "headers": {"X-Api-Key": "sk-1"}}])
    assert call_of(recording.requests[0], "play-1").headers == (("x-api-key", "sk-2"),)


def test_an_answer_has_status_headers_of_both_kinds_and_the_decoded_body():
    answer = proxy_answer(
        {
            "statusCode": 429,
            "headers": {"Retry-After": "7", "X-Twice": "0"},
            "multiValueHeaders": {"X-Twice": ["1", "2"]},
            "body": base64.b64encode(b"\xff").decode(),
            "isBase64Encoded": True,
        }
    )
    assert (answer.status, answer.body) == (429, b"\xff")
    assert answer.headers == (("retry-after", "7"), ("x-twice", "1"), ("x-twice", "2"))


def test_what_is_no_proxy_result_is_answered_as_api_gateway_does():
    assert proxy_answer(None) == BROKEN and proxy_answer({"statusCode": "200"}) == BROKEN


@pytest.mark.parametrize(("name", "ours"), [("ACCESS_DENIED", ACCESS_DENIED), ("AUTHORIZER_FAILURE", AUTHORIZER_FAILURE)])
def test_a_gateway_response_is_that_of_the_template(responses, name, ours):
    theirs = responses[name]
    assert ours.status == theirs["StatusCode"]
    assert {"application/json": ours.template} == theirs["ResponseTemplates"]
    assert ours.headers == theirs["ResponseParameters"]["Headers"]


def policy(effect, **context):
    return {"principalId": "a", "policyDocument": {"Statement": [{"Effect": effect}]}, "context": context}


def test_a_denial_tells_all_that_the_authorizer_said_as_headers():
    said = {
        "retry_after": 7,
        "ratelimit": "'r';r=0",
        "ratelimit_policy": "'r';q=3",
        "should_retry": "true",
        "status": 429,
        "verdict": "r-1",
        "allow_origin": "*",
    }
    answer = unauthorised(policy("Deny", problem='{"status":429}', **said), call())
    assert (answer.status, answer.body) == (403, b'{"status":429}')
    headers = dict(answer.headers)
    assert headers.pop("content-type") == "application/json" and headers.pop("x-amzn-errortype") == "AccessDeniedException"
    assert set(headers) == {name.lower() for name in ACCESS_DENIED.headers}
    assert (headers["retry-after"], headers["x-ostiary-status"], headers["cache-control"]) == ("7", "429", "no-store")


def test_a_header_whose_value_the_context_does_not_have_is_absent():
    headers = dict(unauthorised(policy("Deny", problem="{}", should_retry="false"), call()).headers)
    assert headers["x-should-retry"] == "false"
    assert not {"retry-after", "ratelimit", "ratelimit-policy", "access-control-allow-origin"} & set(headers)


def test_an_allowing_policy_is_no_answer():
    assert unauthorised(policy("Allow"), call()) is None


def test_an_authorizer_that_failed_is_answered_with_a_problem_that_names_the_request():
    answer = unauthorised(None, call())
    assert answer.status == 500 and json.loads(answer.body)["instance"] == "urn:ostiary:request:r-1"
    assert dict(answer.headers)["x-should-retry"] == "true"
