"""``exists``: the field is there (true) or not (false), whatever it holds."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.draft import Boolean, Presence, named
from ostiary.language.item import Context, Item, ItemError


def apply(item: Item, _context: Context) -> Item:
    """Makes a question of presence of one true or false. It stands alone."""
    if item.applied:
        raise ItemError("modifier-order", f"`exists` stands alone, not beside `{item.applied[0]}`")
    value = item.values[0] if item.values else None
    if len(item.values) != 1 or not isinstance(value, Boolean):
        given = named(value) if len(item.values) == 1 and value is not None else f"{len(item.values)} values"
        raise ItemError("modifier-value", f"`exists` needs true or false, not {given}", value=0)
    return replace(item, values=(Presence(value.value),))
