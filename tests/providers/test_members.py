"""``gen_ai.messages.*`` and ``gen_ai.tools.*``: one value a member, whatever the wire format calls things."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.providers import recognise
from ostiary.vocabulary.fields import COLLECTIONS


def members(body: object, path: str = "/v1/chat/completions", collection: str = "gen_ai.messages") -> dict[str, Any]:
    prefix = f"{collection}."
    return {name.removeprefix(prefix): value for name, value in recognise(body, path).items() if name.startswith(prefix)}


def test_messages_of_openai_and_anthropic_have_the_same_members() -> None:
    openai = {
        "model": "m",
        "messages": [
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "Find "}, {"type": "text", "text": "it"}]},
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "tool", "content": "a page"},
        ],
    }
    anthropic = {
        "model": "m",
        "system": "Be short.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Find "}, {"type": "text", "text": "it"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "find", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "a page"}]},
        ],
    }
    expected = {"role": ("system", "user", "assistant", "tool"), "text": ("Be short.", "Find it", None, "a page"), "size": (9, 7, 0, 6)}
    assert members(openai) == members(anthropic, "/v1/messages") == expected


def test_what_a_user_typed_and_what_a_document_says_are_two_members() -> None:
    content = [{"type": "text", "text": "Sum up"}, {"type": "document", "source": {"type": "text", "data": "verbatim"}}]
    found = members({"messages": [{"role": "user", "content": content}]}, "/v1/messages")
    assert found == {"role": ("user", "tool"), "text": ("Sum up", "verbatim"), "size": (6, 8)}


def test_roles_of_every_format_are_the_same_four_and_others_stay() -> None:
    gemini = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}, {"role": "model", "parts": [{"text": "hi"}]}]}
    assert members(gemini, "/v1beta/models/x:generateContent")["role"] == ("user", "assistant")
    assert members({"model": "m", "messages": [{"role": "human", "content": "x"}]})["role"] == "user"
    assert members({"model": "m", "messages": [{"role": "critic", "content": "x"}]})["role"] == "critic"


def test_a_body_without_messages_has_no_members() -> None:
    assert members({"model": "m", "messages": []}) == {}
    assert members({"model": "m", "messages": []}, collection="gen_ai.tools") == {}


FIND = {"name": "find", "description": "Finds pages", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    ("path", "body", "types"),
    [
        ("/v1/messages", {"tools": [FIND, {"type": "web_search_20250305", "name": "web_search"}]}, (None, "web_search_20250305")),
        (
            "/v1/chat/completions",
            {"tools": [{"type": "function", "function": FIND}, {"type": "x", "name": "web_search"}]},
            ("function", "x"),
        ),
        ("/v1/responses", {"tools": [{"type": "function", **FIND}, {"type": "x", "name": "web_search"}]}, ("function", "x")),
        ("/v1/chat/completions", {"functions": [FIND, {"name": "web_search"}]}, None),
        ("/x", {"prompt": "p", "tools": [{"functionDeclarations": [FIND, {"name": "web_search"}]}]}, ("function", "function")),
    ],
    ids=["anthropic", "openai chat", "openai responses", "openai functions", "gemini"],
)
def test_tools_are_read_however_a_format_nests_them(path: str, body: dict[str, object], types: object) -> None:
    found = members(body, path, "gen_ai.tools")
    assert found["name"] == ("find", "web_search")
    assert found["description"] == ("Finds pages", None)
    assert found.get("type") == types


@pytest.mark.parametrize("tools", [None, "text", {}, [None, 3, "x", []], [{"function": 3}], [{"name": 5, "description": ["x"]}]])
def test_broken_tools_give_no_fields(tools: object) -> None:
    assert members({"model": "m", "messages": [], "tools": tools}, collection="gen_ai.tools") == {}


def test_every_member_field_is_in_the_vocabulary_and_all_are_aligned() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "user", "content": []}], "tools": [FIND, {"type": "t"}]}
    for collection, fields in COLLECTIONS.items():
        found = members(body, collection=collection)
        assert found.keys() == fields.keys()
        assert {len(values) for values in found.values()} == {2}
