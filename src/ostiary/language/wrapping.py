"""What ``contains``, ``startswith`` and ``endswith`` share: wildcards around texts, anchors around expressions."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from ostiary.language.item import Draft, Expression, Item, ItemError, Number, Reference, Text, canonical, named
from ostiary.language.strings import joined
from ostiary.vocabulary.plan import Wild


def wrapped(item: Item, word: Literal["contains", "startswith", "endswith"], *, before: bool, after: bool) -> Item:
    """The Item with every value widened. A wildcard is never doubled. Raises ``ItemError`` for what is no text."""
    return replace(item, values=tuple(_wrapped(value, index, word, before, after) for index, value in enumerate(item.values)))


def _wrapped(value: Draft, index: int, word: Literal["contains", "startswith", "endswith"], before: bool, after: bool) -> Draft:
    if isinstance(value, Number):
        value = Text.of(canonical(value.number))
    match value:
        case Text():
            front = (Wild.ANY,) if before else ()
            back = (Wild.ANY,) if after else ()
            return replace(value, pattern=joined(front, value.pattern, back))
        case Reference(other):
            return Reference(other, word)
        case Expression(pattern, flags):
            # Own anchors, since ^ and $ change their meaning with the flag m.
            start = "" if before else r"\A"
            end = "" if after else "(?-m:$)"
            return Expression(f"{start}(?:{pattern}){end}" if start or end else pattern, flags)
        case _:
            raise ItemError("modifier-value", f"`{word}` needs text, not {named(value)}", value=index)
