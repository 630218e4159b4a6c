"""``endswith``: the value ends with the text."""

from __future__ import annotations

from ostiary.language.item import Context, Item
from ostiary.language.wrapping import wrapped


def apply(item: Item, _context: Context) -> Item:
    """Adds a wildcard before the text; anchors a regular expression at the end."""
    return wrapped(item, "endswith", before=True, after=False)
