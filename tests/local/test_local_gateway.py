import base64

from ostiary.local.gateway import BROKEN, Call, authorizer_event, call_of, proxy_answer, proxy_event
from ostiary.local.recorded import read


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
