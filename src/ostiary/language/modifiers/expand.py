"""``expand``: ``%name%`` stands for the values of the list ``name``; on address fields, for its networks."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.item import Context, Draft, Item, Text
from ostiary.language.nodes import Mark
from ostiary.language.placeholders import expanded


def apply(item: Item, context: Context) -> Item:
    """Replaces every text that has placeholders by one for each value of their lists. Unknown lists are mistakes."""
    values: list[Draft] = []
    marks: list[Mark] = []
    for index, (value, mark) in enumerate(zip(item.values, item.marks, strict=True)):
        found = expanded(value, index, item, context) if isinstance(value, Text) else [value]
        values += found
        marks += [mark] * len(found)
    return replace(item, values=tuple(values), marks=tuple(marks))
