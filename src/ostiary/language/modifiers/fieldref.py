"""``fieldref``: the value is compared with a value of another field."""

from __future__ import annotations

from ostiary.language.draft import Draft, Reference, Text, named
from ostiary.language.item import Context, Item, ItemError
from ostiary.language.strings import literal


def apply(item: Item, _context: Context) -> Item:
    """Makes field names of texts. Stands before ``contains``, ``startswith`` and ``endswith``."""
    item.before("fieldref", frozenset(), "write `|fieldref|startswith`")
    return item.each(_reference)


def _reference(value: Draft, index: int) -> Draft:
    name = literal(value.pattern) if isinstance(value, Text) else None
    if not name:
        raise ItemError("modifier-value", f"`fieldref` needs a field's name without wildcards, not {named(value)}", value=index)
    return Reference(name)
