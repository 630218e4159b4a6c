"""Bodies of no known provider: whatever looks like a prompt, as far as it goes."""

from __future__ import annotations

from collections.abc import Mapping

from ostiary.providers.content import boolean, count, messages_of, number, prompt_fields, put, string, texts_of, tool_fields
from ostiary.providers.logits import logit_fields
from ostiary.vocabulary.request import Value

_PROMPT_KEYS = ("messages", "contents", "prompt", "input", "inputs", "inputText", "query", "question")
_SYSTEM_KEYS = ("system", "systemInstruction", "system_instruction", "instructions")
_PARAMETER_KEYS = ("generationConfig", "parameters", "inferenceConfig")
_NUMBERS = {
    "max_tokens": ("max_tokens", "maxOutputTokens", "max_new_tokens", "maxTokens"),
    "temperature": ("temperature",),
    "top_p": ("top_p", "topP"),
    "top_k": ("top_k", "topK"),
    "seed": ("seed",),
    "choice.count": ("n", "candidateCount", "num_return_sequences"),
}


def fields(body: Mapping[str, object], path: str) -> dict[str, Value] | None:
    """Best effort; None when no key holds a prompt. Never raises. ``path`` says nothing here."""
    held = next((key for key in _PROMPT_KEYS if isinstance(body.get(key), (str, list, dict))), None)
    if held is None:
        return None
    found: dict[str, Value] = {}
    put(found, "gen_ai.request.model", string(body.get("model")))
    places = [place for place in (body, *(body.get(key) for key in _PARAMETER_KEYS)) if isinstance(place, Mapping)]
    for place in places:
        for name, keys in _NUMBERS.items():
            put(found, f"gen_ai.request.{name}", next((value for key in keys if (value := number(place.get(key))) is not None), None))
    found.update(logit_fields(body))
    put(found, "gen_ai.request.stream", boolean(body.get("stream")))
    put(found, "gen_ai.tool.definitions.count", count(body.get("tools")))
    found.update(tool_fields(body.get("tools")))
    system = tuple(text for key in _SYSTEM_KEYS for text in texts_of(_parts(body.get(key))))
    found.update(prompt_fields(system, messages_of(body[held])))
    return found


def _parts(content: object) -> object:
    """Gemini's content has its texts under ``parts``."""
    return content["parts"] if isinstance(content, Mapping) and "parts" in content else content
