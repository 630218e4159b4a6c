"""``cased``: upper and lower case differ."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.draft import Draft, Encoded, Text, named
from ostiary.language.item import Context, Item, ItemError


def apply(item: Item, _context: Context) -> Item:
    """Makes text compare by case, on either side of other modifiers. Regular expressions do so anyway."""
    return item.each(_cased)


def _cased(value: Draft, index: int) -> Draft:
    if not isinstance(value, Text | Encoded):
        raise ItemError("modifier-value", f"`cased` needs text, not {named(value)}", value=index)
    return replace(value, cased=True)
