"""What ``contains``, ``startswith`` and ``endswith`` share: wildcards around texts, anchors around expressions."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from ostiary.language.draft import Draft, Encoded, Expression, Number, Reference, Text, canonical, named
from ostiary.language.item import Item, ItemError
from ostiary.language.strings import joined
from ostiary.vocabulary.plan import Wild


def wrapped(item: Item, word: Literal["contains", "startswith", "endswith"], *, before: bool, after: bool) -> Item:
    """The Item with every value widened. A wildcard is never doubled. Raises ``ItemError`` for what is no text."""
    front = (Wild.ANY,) if before else ()
    back = (Wild.ANY,) if after else ()

    def widened(value: Draft, index: int) -> Draft:
        if isinstance(value, Number):
            value = Text.of(canonical(value.number))
        match value:
            case Text():
                return replace(value, pattern=joined(front, value.pattern, back))
            case Reference(other):
                return Reference(other, word)
            case Expression(pattern, flags):
                # Own anchors, since ^ and $ change their meaning with the flag m.
                start = "" if before else r"\A"
                end = "" if after else "(?-m:$)"
                return Expression(f"{start}(?:{pattern}){end}" if start or end else pattern, flags)
            case Encoded():
                raise ItemError("encoding-alone", f"`{value.word}` means something only before `base64` or `base64offset`", value=index)
            case _:
                raise ItemError("modifier-value", f"`{word}` needs text, not {named(value)}", value=index)

    return item.each(widened)
