"""Providers: the body of a model API's request → ``gen_ai.*`` fields. One file a wire format; the first that knows the shape reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ostiary.providers import anthropic, generic, openai
from ostiary.vocabulary.request import Value


class _Provider(Protocol):
    def fields(self, body: Mapping[str, object], path: str) -> dict[str, Value] | None: ...


PROVIDERS: tuple[_Provider, ...] = (anthropic, openai, generic)
"""In the order they are asked; ``generic`` takes whatever has a prompt."""


def recognise(body: object, path: str) -> dict[str, Value]:
    """The ``gen_ai.*`` fields of a parsed body sent to a path; none when nothing in it is a prompt. Never raises.

    >>> recognise({"prompt": "hello"}, "/generate")["gen_ai.prompt"]
    'hello'
    """
    if isinstance(body, Sequence) and not isinstance(body, str):
        body = {"messages": body}
    if not isinstance(body, Mapping):
        return {}
    return next((found for provider in PROVIDERS if (found := provider.fields(body, path)) is not None), {})
