"""``expand``: ``%name%`` stands for the values of the list ``name``; on address fields, for its networks."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.draft import Draft, Expression, Forms, Text, named
from ostiary.language.encoding import ENCODINGS
from ostiary.language.item import Context, Item, ItemError
from ostiary.language.nodes import Mark
from ostiary.language.placeholders import expanded


def apply(item: Item, context: Context) -> Item:
    """Replaces every value that has placeholders by one for each value of their lists. Unknown lists are mistakes in our rules."""
    if ENCODINGS & set(item.applied):
        raise ItemError("modifier-order", "`expand` stands before an encoding", "write `|expand|base64offset|contains`")
    values: list[Draft] = []
    marks: list[Mark] = []
    for index, (value, mark) in enumerate(zip(item.values, item.marks, strict=True)):
        found = _expanded(value, index, item, context)
        values += found
        marks += [mark] * len(found)
    return replace(item, values=tuple(values), marks=tuple(marks))


def _expanded(value: Draft, index: int, item: Item, context: Context) -> list[Draft]:
    if isinstance(value, Forms):
        return [Forms(tuple(inner for form in value.values for inner in _expanded(form, index, item, context)))]
    if not isinstance(value, Text | Expression):
        raise ItemError("modifier-value", f"`expand` needs text, not {named(value)}", value=index)
    return expanded(value, index, item, context)
