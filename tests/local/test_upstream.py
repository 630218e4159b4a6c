import json

import pytest

from ostiary.gateways.forward import ForwardedRequest
from ostiary.local.upstream import MODELS, forward


def post(path, body, *headers):
    found = forward(ForwardedRequest("POST", path, headers, json.dumps(body).encode()))
    return found.status, json.loads(found.body)


MESSAGES = [{"role": "user", "content": "hello"}]


def test_messages_are_answered_with_text_usage_and_the_model_that_was_asked_for():
    status, body = post("/v1/messages?beta=true", {"model": "m", "messages": MESSAGES, "max_tokens": 5})
    assert status == 200
    assert (body["type"], body["role"], body["model"], body["stop_reason"]) == ("message", "assistant", "m", "end_turn")
    assert [block["type"] for block in body["content"]] == ["text"]
    assert body["usage"]["input_tokens"] > 0 and body["usage"]["output_tokens"] > 0


def test_thinking_is_answered_unless_reasoning_is_withheld():
    asked = {"messages": MESSAGES, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    assert [block["type"] for block in post("/v1/messages", asked)[1]["content"]] == ["thinking", "text"]
    withheld = post("/v1/messages", asked, ("X-Ostiary-Withhold", "logprobs, reasoning"))[1]
    assert [block["type"] for block in withheld["content"]] == ["text"]


def test_log_probabilities_are_answered_unless_they_are_withheld():
    asked = {"messages": MESSAGES, "logprobs": True, "top_logprobs": 3}
    choice = post("/v1/chat/completions", asked)[1]["choices"][0]
    assert len(choice["logprobs"]["content"][0]["top_logprobs"]) == 3
    assert post("/v1/chat/completions", asked, ("x-ostiary-withhold", "logprobs"))[1]["choices"][0]["logprobs"] is None


def test_reasoning_of_a_chat_completion_is_answered_unless_it_is_withheld():
    asked = {"messages": MESSAGES, "reasoning_effort": "high"}
    assert "reasoning_content" in post("/v1/chat/completions", asked)[1]["choices"][0]["message"]
    assert "reasoning_content" not in post("/v1/chat/completions", asked, ("x-ostiary-withhold", "reasoning"))[1]["choices"][0]["message"]


def test_the_same_request_has_the_same_answer():
    assert post("/v1/messages", {"messages": MESSAGES}) == post("/v1/messages", {"messages": MESSAGES})


def test_models_are_listed():
    assert [model["id"] for model in json.loads(forward(ForwardedRequest("GET", "/v1/models")).body)["data"]] == list(MODELS)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": "hi"}', b"[" * 100_000])
def test_a_body_that_is_no_request_is_refused_as_a_provider_does(body):
    found = forward(ForwardedRequest("POST", "/v1/messages", (), body))
    assert found.status == 400 and json.loads(found.body)["error"]["type"] == "invalid_request_error"


def test_other_paths_are_not_found():
    assert forward(ForwardedRequest("GET", "/wp-login.php")).status == 404


def test_a_preflight_is_allowed_at_every_path_with_the_headers_that_it_asks_for():
    asked = (("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "x-api-key"))
    found = forward(ForwardedRequest("OPTIONS", "/v1/messages", asked))
    headers = dict(found.headers)
    assert (found.status, found.body) == (204, b"")
    assert headers["access-control-allow-origin"] == "*" and "POST" in headers["access-control-allow-methods"]
    assert headers["access-control-allow-headers"] == "x-api-key"


def test_what_a_browser_asks_for_its_code_may_read():
    found = forward(ForwardedRequest("GET", "/v1/models", (("origin", "https://app.example"),)))
    assert (found.status, dict(found.headers)["access-control-allow-origin"]) == (200, "*")


def test_options_without_an_origin_is_no_preflight():
    assert forward(ForwardedRequest("OPTIONS", "/v1/models")).status == 404
