"""``fieldref``: the value is compared with a value of another field."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.item import Context, Draft, Item, ItemError, Reference, Text, named
from ostiary.language.strings import literal


def apply(item: Item, _context: Context) -> Item:
    """Makes field names of texts. Stands before ``contains``, ``startswith`` and ``endswith``."""
    if any(word not in ("neq", "all") for word in item.applied):
        raise ItemError("modifier-order", "`fieldref` must be the first modifier", "write `|fieldref|startswith`")
    return replace(item, values=tuple(_reference(value, index) for index, value in enumerate(item.values)))


def _reference(value: Draft, index: int) -> Draft:
    name = literal(value.pattern) if isinstance(value, Text) else None
    if not name:
        raise ItemError("modifier-value", f"`fieldref` needs a field's name without wildcards, not {named(value)}", value=index)
    return Reference(name)
