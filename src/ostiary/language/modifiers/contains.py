"""``contains``: the text stands anywhere in the value."""

from __future__ import annotations

from ostiary.language.item import Context, Item
from ostiary.language.wrapping import wrapped


def apply(item: Item, _context: Context) -> Item:
    """Adds a wildcard on both sides; a regular expression is searched for anyway."""
    return wrapped(item, "contains", before=True, after=True)
