"""``cased``: upper and lower case differ."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.item import Context, Item, ItemError, Text, named


def apply(item: Item, _context: Context) -> Item:
    """Makes text compare by case. Regular expressions do so anyway."""
    for index, value in enumerate(item.values):
        if not isinstance(value, Text):
            raise ItemError("modifier-value", f"`cased` needs text, not {named(value)}", value=index)
    return replace(item, values=tuple(replace(value, cased=True) for value in item.values if isinstance(value, Text)))
