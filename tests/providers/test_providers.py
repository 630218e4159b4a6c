"""Bodies of model APIs become ``gen_ai.*`` fields; broken ones give what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ostiary.providers
from ostiary.providers import PROVIDERS, anthropic, generic, openai, recognise
from ostiary.vocabulary.fields import known

NOT_PROVIDERS = {"__init__", "ask", "content", "logits"}


def of(body: object, path: str = "/v1/chat/completions") -> dict[str, Any]:
    """Field names without their prefix."""
    return {name.removeprefix("gen_ai.").removeprefix("request."): value for name, value in recognise(body, path).items()}


def chat(*messages: object, **more: object) -> dict[str, object]:
    return {"model": "m", "messages": list(messages), **more}


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


def text(value: object) -> dict[str, object]:
    return {"type": "text", "text": value}


TOOL_CALL = {"role": "assistant", "content": [text("Looking."), {"type": "tool_use", "id": "t", "name": "find", "input": {}}]}
TOOL_RESULT = {"type": "tool_result", "tool_use_id": "t", "content": [text("from a document")]}


def test_every_file_of_the_room_is_asked() -> None:
    files = {path.stem for path in Path(ostiary.providers.__file__).parent.glob("*.py")} - NOT_PROVIDERS
    assert {provider.__name__.rpartition(".")[2] for provider in PROVIDERS} == files  # type: ignore[attr-defined]


def test_the_path_or_the_shape_says_whose_format_it_is() -> None:
    assert of(chat(), "/v1/messages")["provider.name"] == "anthropic"
    assert of(chat(), "/anthropic/v1/messages/")["provider.name"] == "anthropic"
    assert of(chat(system="s"), "/proxy")["provider.name"] == "anthropic"
    assert of(chat(system="s"), "/v1/chat/completions")["provider.name"] == "anthropic"
    assert of(chat(), "/proxy")["provider.name"] == "openai"
    assert "provider.name" not in of({"prompt": "x"}, "/generate")
    assert recognise({"name": "no prompt here"}, "/v1/files") == {}


def test_numbers_of_openai_chat_that_a_logit_probe_uses() -> None:
    found = of(chat(user("x"), n=8, logprobs=True, top_logprobs=20, logit_bias={"1": 100, "2": 100}, max_tokens=1, temperature=0, seed=3))
    assert (found["choice.count"], found["logprobs"], found["top_logprobs"], found["logit_bias.count"]) == (8, True, 20, 2)
    assert (found["max_tokens"], found["temperature"], found["seed"]) == (1, 0, 3)


def test_completions_and_responses_ask_for_log_probabilities_in_their_own_ways() -> None:
    found = of({"model": "m", "prompt": ["a", "b"], "logprobs": 5}, "/v1/completions")
    assert (found["operation.name"], found["logprobs"], found["top_logprobs"], found["prompt"]) == ("text_completion", True, 5, ("a", "b"))
    include = ["message.output_text.logprobs", "reasoning.encrypted_content"]
    found = of({"model": "m", "instructions": "be brief", "input": "hello", "include": include, "max_output_tokens": 5}, "/v1/responses")
    assert (found["logprobs"], found["reasoning"], found["system_instructions"]) == (True, True, "be brief")
    assert (found["prompt.last"], found["max_tokens"]) == ("hello", 5)


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({"reasoning_effort": "high"}, True),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning": {"effort": "low"}}, True),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({}, None),
    ],
)
def test_reasoning_is_asked_for_or_not(more: dict[str, object], asked: bool | None) -> None:
    assert of(chat(user("x"), **more)).get("reasoning") is asked


def test_the_last_prompt_is_the_newest_turn_of_the_user_without_tools_results() -> None:
    assert of(chat(user("old"), TOOL_CALL, user([TOOL_RESULT, text("new")])))["prompt.last"] == "new"
    assert of(chat(user("old"), {"role": "tool", "content": "result"}, {"role": "assistant", "content": "prefill"}))["prompt.last"] == "old"
    assert "prompt.last" not in of(chat({"role": "assistant", "content": "hi"}))


def test_a_turn_of_tools_results_asks_nothing_since_the_typed_turn_was_judged_before() -> None:
    anthropic = chat(user("old"), TOOL_CALL, user([TOOL_RESULT]))
    openai = chat(user("old"), {"role": "assistant", "content": None, "tool_calls": [{}]}, {"role": "tool", "content": "result"})
    call = {"type": "function_call", "name": "find", "arguments": "{}"}
    responses = {"model": "m", "input": [user("old"), call, {"type": "function_call_output", "output": "result"}]}
    for body, path in ((anthropic, "/v1/messages"), (openai, "/v1/chat/completions"), (responses, "/v1/responses")):
        assert not {"prompt.last", "prompt.ask"} & of(body, path).keys()
    assert (
        of(chat(user("old"), TOOL_CALL, user([TOOL_RESULT]), {"role": "assistant", "content": "so"}, user("go on")))["prompt.ask"]
        == "go on"
    )


def test_biases_and_log_probabilities_are_read_whosever_path_it_is() -> None:
    probe = chat(user("x"), max_tokens=1, logprobs=True, top_logprobs=5, logit_bias={"70": 1, "9": 1})
    for path in ("/v1/messages", "/v1/chat/completions", "/v1/responses", "/generate"):
        found = of(probe, path)
        assert (found["logprobs"], found["top_logprobs"], found["logit_bias.count"]) == (True, 5, 2)
        assert found["logit_bias.tokens"] == ("9", "70")
    assert of({"prompt": "x", "logit_bias": [[15, 1.0], [7, False]]}, "/completion")["logit_bias.tokens"] == ("7", "15")


def test_consecutive_messages_of_the_user_are_one_turn() -> None:
    last = of(chat(user("before"), {"role": "assistant", "content": "ok"}, user("verbatim chain of"), user("thought")))["prompt.last"]
    assert "verbatim chain of thought" in last and "before" not in last


@pytest.mark.parametrize("parts", [("chain of thou", "ght"), ("chain of", "thought"), ("chain ", "of thought"), ("cha", "in of thought")])
def test_a_phrase_split_over_blocks_is_still_there(parts: tuple[str, ...]) -> None:
    found = of(chat(user([text(part) for part in parts])))
    assert "chain of thought" in found["prompt.last"]
    assert "chain of thought" in found["prompt"]
    assert found["prompt.size"] == len("".join(parts))


def test_all_text_has_the_system_prompt_tools_results_and_each_message() -> None:
    found = of(chat(user("a"), TOOL_CALL, user([TOOL_RESULT, text("b")]), system=[text("s")]), "/v1/messages")
    assert found["prompt"] == ("s", "a", "Looking.", "b", "from a document")
    assert found["system_instructions"] == "s"
    assert found["prompt.messages.count"] == 3


def test_system_and_developer_messages_are_instructions() -> None:
    found = of(chat({"role": "system", "content": "s"}, {"role": "developer", "content": [text("d")]}, user("u")))
    assert found["system_instructions"] == ("s", "d")
    assert found["prompt.last"] == "u"


def test_gemini_and_plain_prompts_are_read_as_far_as_they_go() -> None:
    gemini = {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [{"role": "user", "parts": [{"text": "hello"}]}, {"role": "model", "parts": [{"text": "hi"}]}],
        "generationConfig": {"candidateCount": 4, "responseLogprobs": True, "logprobs": 5, "maxOutputTokens": 9},
    }
    found = of(gemini, "/v1beta/models/x:generateContent")
    assert (found["prompt.last"], found["system_instructions"]) == ("hello", "s")
    assert (found["choice.count"], found["logprobs"], found["top_logprobs"], found["max_tokens"]) == (4, True, 5, 9)
    assert of({"inputs": "hello", "parameters": {"max_new_tokens": 3}}, "/x")["max_tokens"] == 3


@pytest.mark.parametrize(
    ("body", "last"),
    [
        (chat(user(["a", text("b")])), "a"),
        ({"model": "m", "messages": "just text"}, "just text"),
        ({"model": "m", "messages": ["one", "two"]}, "one"),
        (["text"], "text"),
        ({"model": "m", "messages": {"role": "user", "content": "x"}}, "x"),
        (chat({"content": "no role"}), "no role"),
        (chat({"role": 7, "content": "odd role"}), "odd role"),
    ],
)
def test_malformed_shapes_give_the_text_that_is_there(body: object, last: str) -> None:
    assert of(body)["prompt.last"].startswith(last)


@pytest.mark.parametrize("body", [None, "text", 3, [], {}, {"messages": None, "model": None}, chat(None, 3, [], {"role": "user"})])
def test_where_there_is_no_text_no_prompt_is_made_up(body: object) -> None:
    assert "prompt" not in of(body)


def test_numbers_of_a_wrong_type_are_absent() -> None:
    found = of(chat(user("x"), n="8", temperature=True, max_tokens=None, logit_bias=[], seed=float("inf"), stop=[1, "a"]))
    assert not {"choice.count", "temperature", "max_tokens", "logit_bias.count", "seed"} & found.keys()
    assert found["stop_sequences"] == "a"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["messages", "role", "content", "text", "type", "system", "model", "prompt", "thinking", "tools", "logprobs", "include"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(_json, st.sampled_from(["/v1/messages", "/v1/chat/completions", "/v1/responses", "/x"]))
def test_no_body_raises_and_every_field_is_in_the_vocabulary(body: object, path: str) -> None:
    assert [name for name in recognise(body, path) if known(name) is None] == []


@given(_json)
def test_each_provider_takes_any_mapping_or_declines(body: object) -> None:
    if isinstance(body, dict):
        for provider in (anthropic, openai, generic):
            assert provider.fields(body, "/v1/messages") is None or isinstance(provider.fields(body, "/v1/messages"), dict)


def test_blocks_nested_past_the_depth_are_left_out() -> None:
    content: object = "deep"
    for _ in range(500):
        content = {"content": [content]}
    assert "prompt" not in of(chat(user(content)))
