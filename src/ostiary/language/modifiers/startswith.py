"""``startswith``: the value starts with the text."""

from __future__ import annotations

from ostiary.language.item import Context, Item
from ostiary.language.wrapping import wrapped


def apply(item: Item, _context: Context) -> Item:
    """Adds a wildcard after the text; anchors a regular expression at the start."""
    return wrapped(item, "startswith", before=False, after=True)
