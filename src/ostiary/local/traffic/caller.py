"""One caller of a model API: who it says it is, and how it writes a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Line = dict[str, Any]
"""One request of recorded traffic, as a line of JSON has it."""
ANTHROPIC_KIT: Mapping[str, str] = {
    "user-agent": "Anthropic/Python 0.71.0",
    "x-stainless-lang": "python",
    "anthropic-version": "2023-06-01",
}
OPENAI_KIT: Mapping[str, str] = {"user-agent": "OpenAI/Python 2.8.0", "x-stainless-lang": "python"}
NODE_KIT: Mapping[str, str] = {"user-agent": "OpenAI/JS 6.9.0", "x-stainless-lang": "js"}
SCRIPT: Mapping[str, str] = {"user-agent": "python-requests/2.32.5"}


@dataclass(frozen=True, slots=True)
class Caller:
    """An account with one key. ``plan`` None: nobody wrote a fact about it, so it is new."""

    account: str
    kind: str
    address: str
    plan: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: OPENAI_KIT)
    key: str = ""

    def post(self, time: float, path: str, body: Mapping[str, Any], *, address: str = "") -> Line:
        """A request at ``time`` (seconds from midnight). ``address``: another one than the caller's own."""
        line: Line = {
            "time": round(time, 3),
            "account": self.account,
            "key": self.key or f"key-of-{self.account}",
            "address": address or self.address,
            "method": "POST",
            "path": path,
            "headers": dict(self.headers),
            "body": dict(body),
        }
        if self.plan is not None:
            line["facts"] = {"plan": self.plan}
        return line

    def message(self, time: float, turns: Sequence[str], *, system: str = "", max_tokens: int = 1024, **more: Any) -> Line:
        """An Anthropic Messages request. ``turns``: user and assistant in turn, the user first and last."""
        body: dict[str, Any] = {"model": "claude-sonnet-demo", "max_tokens": max_tokens}
        if system:
            body["system"] = system
        body["messages"] = [{"role": role(index), "content": text} for index, text in enumerate(turns)]
        return self.post(time, "/v1/messages", {**body, **more})

    def chat(self, time: float, turns: Sequence[str], *, system: str = "", address: str = "", **more: Any) -> Line:
        """An OpenAI chat completion. ``turns``: user and assistant in turn, the user first and last."""
        messages = [{"role": "system", "content": system}] if system else []
        messages += [{"role": role(index), "content": text} for index, text in enumerate(turns)]
        return self.post(time, "/v1/chat/completions", {"model": "gpt-demo", "messages": messages, **more}, address=address)


def role(index: int) -> str:
    """Whose turn it is, the user's first."""
    return "assistant" if index % 2 else "user"
