"""A small model API to stand behind the gate: Anthropic Messages and OpenAI chat completions, without a model.

Bodies follow "Messages" of the Anthropic API reference and "Create chat completion" of the OpenAI API reference. It answers the
same to the same request, streams nothing, and obeys ``x-ostiary-withhold``: reasoning or log probabilities are left out. Browsers of
any origin may call it: CORS is that of the Fetch standard ("CORS protocol").
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ostiary.gateways.forward import ForwardedAnswer, ForwardedRequest

WITHHOLD_HEADER = "x-ostiary-withhold"
ANY_ORIGIN = ("access-control-allow-origin", "*")
METHODS = "GET, POST, OPTIONS"
PREFLIGHT_SECONDS = 600
"""How long a browser may remember what a preflight allowed."""
MODELS = ("small-model-1", "small-model-1-mini")
MAX_TOP_LOGPROBS = 20
"""As the OpenAI API reference has it."""
ANSWER = "This is the built-in upstream of a local Ostiary. Your request came through the gate."
REASONING = "The caller asked; the gate let it pass; so an answer is due."


def forward(request: ForwardedRequest) -> ForwardedAnswer:
    """Answer one request as the upstream of ``proxy``. Unknown paths get 404, a body that is no JSON object with messages 400.

    A CORS preflight gets 204 at every path; what follows it may be read by its origin.

    >>> forward(ForwardedRequest("GET", "/v1/models")).status, forward(ForwardedRequest("GET", "/elsewhere")).status
    (200, 404)
    """
    headers = {name.lower(): value for name, value in request.headers}
    if "origin" not in headers:
        return _answer(request)
    if request.method.upper() == "OPTIONS" and "access-control-request-method" in headers:
        return _preflight(headers.get("access-control-request-headers", ""))
    found = _answer(request)
    return ForwardedAnswer(found.status, (*found.headers, ANY_ORIGIN), found.body)


def _preflight(asked: str) -> ForwardedAnswer:
    """Every header that is asked for is allowed: clients of providers send many of their own, and ``*`` leaves out Authorization."""
    allowed = [ANY_ORIGIN, ("access-control-allow-methods", METHODS), ("access-control-max-age", str(PREFLIGHT_SECONDS))]
    if asked:
        allowed.append(("access-control-allow-headers", asked))
    return ForwardedAnswer(204, (*allowed, ("vary", "access-control-request-headers")), b"")


def _answer(request: ForwardedRequest) -> ForwardedAnswer:
    withheld = {word.strip() for name, value in request.headers if name.lower() == WITHHOLD_HEADER for word in value.split(",")}
    route = (request.method.upper(), request.target.partition("?")[0].rstrip("/"))
    if route == ("GET", "/v1/models"):
        return _json(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})
    if route not in (("POST", "/v1/messages"), ("POST", "/v1/chat/completions")):
        return _problem(404, "not_found_error", f"there is nothing at {route[0]} {route[1]}")
    try:
        asked = json.loads(request.body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict) or not isinstance(asked.get("messages"), list):
        return _problem(400, "invalid_request_error", "the body must be a JSON object with messages")
    reply = _message(asked, withheld) if route[1] == "/v1/messages" else _completion(asked, withheld)
    return _json(200, {"id": _id(route[1], request.body), **reply})


def _message(asked: dict[str, Any], withheld: set[str]) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": ANSWER}]
    thinking = asked.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive") and "reasoning" not in withheld:
        content.insert(0, {"type": "thinking", "thinking": REASONING, "signature": ""})
    return {
        "type": "message",
        "role": "assistant",
        "model": asked.get("model") or MODELS[0],
        "content": content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": _tokens(asked["messages"]), "output_tokens": _tokens(content)},
    }


def _completion(asked: dict[str, Any], withheld: set[str]) -> dict[str, Any]:
    message = {"role": "assistant", "content": ANSWER, "refusal": None}
    if asked.get("reasoning_effort") not in (None, "none") and "reasoning" not in withheld:
        message["reasoning_content"] = REASONING
    logprobs = _logprobs(asked.get("top_logprobs")) if asked.get("logprobs") is True and "logprobs" not in withheld else None
    used, made = _tokens(asked["messages"]), _tokens(message)
    return {
        "object": "chat.completion",
        "created": 0,
        "model": asked.get("model") or MODELS[0],
        "choices": [{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": used, "completion_tokens": made, "total_tokens": used + made},
    }


def _logprobs(top: object) -> dict[str, Any]:
    count = min(top, MAX_TOP_LOGPROBS) if isinstance(top, int) and not isinstance(top, bool) and top > 0 else 0
    word = ANSWER.split()[0]
    others = [{"token": f"{word}{n}", "logprob": -1.0 - n, "bytes": None} for n in range(count)]
    return {"content": [{"token": word, "logprob": -0.1, "bytes": list(word.encode()), "top_logprobs": others}]}


def _tokens(value: object) -> int:
    """A rough count, four characters a token."""
    return max(1, len(json.dumps(value)) // 4)


def _id(path: str, body: bytes) -> str:
    return ("msg_" if path == "/v1/messages" else "chatcmpl-") + hashlib.sha256(body).hexdigest()[:24]


def _problem(status: int, kind: str, message: str) -> ForwardedAnswer:
    return _json(status, {"type": "error", "error": {"type": kind, "message": message}})


def _json(status: int, value: object) -> ForwardedAnswer:
    return ForwardedAnswer(status, (("content-type", "application/json"),), json.dumps(value).encode())
