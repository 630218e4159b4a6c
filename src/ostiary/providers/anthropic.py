"""Anthropic's Messages API: ``POST /v1/messages`` (Anthropic API reference, "Messages")."""

from __future__ import annotations

from collections.abc import Mapping

from ostiary.providers.content import boolean, count, messages_of, number, prompt_fields, put, string, strings, texts_of, tool_fields
from ostiary.providers.logits import logit_fields
from ostiary.vocabulary.request import Value

PATHS = ("/v1/messages", "/v1/messages/count_tokens")
_OWN_KEYS = frozenset({"system", "thinking", "stop_sequences", "anthropic_version", "anthropic_beta"})
"""Top-level keys that only this format has."""


def fields(body: Mapping[str, object], path: str) -> dict[str, Value] | None:
    """The ``gen_ai.*`` fields of a body; None when neither the path nor the shape is this format's. Never raises."""
    if not path.rstrip("/").endswith(PATHS) and not ("messages" in body and _OWN_KEYS & body.keys()):
        return None
    found: dict[str, Value] = {"gen_ai.provider.name": "anthropic", "gen_ai.operation.name": "chat"}
    put(found, "gen_ai.request.model", string(body.get("model")))
    for key in ("max_tokens", "temperature", "top_p", "top_k"):
        put(found, f"gen_ai.request.{key}", number(body.get(key)))
    put(found, "gen_ai.request.stream", boolean(body.get("stream")))
    put(found, "gen_ai.request.stop_sequences", strings(body.get("stop_sequences")))
    found.update(logit_fields(body))
    thinking = body.get("thinking")
    if isinstance(thinking, Mapping):
        found["gen_ai.request.reasoning"] = thinking.get("type") != "disabled"
    metadata = body.get("metadata")
    if isinstance(metadata, Mapping):
        put(found, "gen_ai.request.user", string(metadata.get("user_id")))
    put(found, "gen_ai.tool.definitions.count", count(body.get("tools")))
    found.update(tool_fields(body.get("tools")))
    found.update(prompt_fields(texts_of(body.get("system")), messages_of(body.get("messages"))))
    return found
