"""OpenAI's wire formats, which many others speak: chat completions, completions, responses (OpenAI API reference)."""

from __future__ import annotations

from collections.abc import Mapping

from ostiary.providers.content import boolean, count, messages_of, number, prompt_fields, put, string, strings, texts_of, tool_fields
from ostiary.providers.logits import logit_fields
from ostiary.vocabulary.request import Value

OPERATIONS = {"/chat/completions": "chat", "/completions": "text_completion", "/responses": "chat"}
"""End of the path → ``gen_ai.operation.name``; the first that fits."""
_NUMBERS = {"temperature": "temperature", "top_p": "top_p", "seed": "seed", "n": "choice.count"}
_MAX_TOKENS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_REASONING = "reasoning.encrypted_content"


def fields(body: Mapping[str, object], path: str) -> dict[str, Value] | None:
    """The ``gen_ai.*`` fields of a body; None when neither the path nor the shape is this format's. Never raises."""
    operation = next((word for end, word in OPERATIONS.items() if path.rstrip("/").endswith(end)), None)
    if operation is None:
        if "messages" not in body or "model" not in body:
            return None
        operation = "chat"
    found: dict[str, Value] = {"gen_ai.provider.name": "openai", "gen_ai.operation.name": operation}
    put(found, "gen_ai.request.model", string(body.get("model")))
    for key, name in _NUMBERS.items():
        put(found, f"gen_ai.request.{name}", number(body.get(key)))
    put(found, "gen_ai.request.max_tokens", next((most for key in _MAX_TOKENS if (most := number(body.get(key))) is not None), None))
    put(found, "gen_ai.request.stream", boolean(body.get("stream")))
    put(found, "gen_ai.request.stop_sequences", strings(body.get("stop")))
    put(found, "gen_ai.request.user", string(body.get("safety_identifier")) or string(body.get("user")))
    put(found, "gen_ai.tool.definitions.count", count(body.get("tools")) or count(body.get("functions")))
    found.update(tool_fields(body.get("tools"), body.get("functions")))
    found.update(logit_fields(body))
    _add_reasoning(found, body)
    conversation = body.get("messages", body.get("input", body.get("prompt")))
    found.update(prompt_fields(texts_of(body.get("instructions")), messages_of(conversation)))
    return found


def _add_reasoning(found: dict[str, Value], body: Mapping[str, object]) -> None:
    effort = body.get("reasoning_effort")
    reasoning = body.get("reasoning")
    include = body.get("include")
    if isinstance(effort, str):
        found["gen_ai.request.reasoning"] = effort != "none"
    if isinstance(reasoning, Mapping):
        found["gen_ai.request.reasoning"] = reasoning.get("effort") != "none"
    if isinstance(include, list) and _REASONING in include:
        found["gen_ai.request.reasoning"] = True
