"""The modifiers of the rule language: one word, one file, each with ``apply(item, context) -> item``.

Applied from left to right (Sigma specification v2.1, "Modifiers"). To add one: write its file, add its word to ``WORDS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from ostiary.language.item import Context, Item

Modifier = Callable[[Item, Context], Item]

WORDS = (
    "all",
    "base64",
    "base64offset",
    "cased",
    "cidr",
    "contains",
    "day",
    "endswith",
    "exists",
    "expand",
    "fieldref",
    "gt",
    "gte",
    "hour",
    "i",
    "leet",
    "lt",
    "lte",
    "m",
    "minute",
    "month",
    "neq",
    "re",
    "s",
    "startswith",
    "utf16",
    "utf16be",
    "week",
    "wide",
    "windash",
    "year",
)
ALIASES = {"ignorecase": "i", "multiline": "m", "dotall": "s", "utf16le": "wide"}
"""Other spellings that Sigma has."""


class Registry:
    """Modifiers by word."""

    def __init__(self) -> None:
        self._modifiers: dict[str, Modifier] = {}

    def register(self, word: str, modifier: Modifier) -> None:
        """Adds a modifier. Raises ``ValueError`` when the word is taken: silence would hide one of them."""
        if word in self._modifiers:
            raise ValueError(f"modifier {word!r} is registered twice")
        self._modifiers[word] = modifier

    def get(self, word: str) -> Modifier | None:
        """The modifier of a word or one of its aliases."""
        return self._modifiers.get(ALIASES.get(word, word))

    def words(self) -> list[str]:
        """All registered words."""
        return sorted(self._modifiers)


def _loaded() -> Registry:
    registry = Registry()
    for word in WORDS:
        registry.register(word, importlib.import_module(f"{__name__}.{word}").apply)
    return registry


REGISTRY = _loaded()
