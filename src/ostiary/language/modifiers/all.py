"""``all``: every value of the list must hold, not just one."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.draft import Text
from ostiary.language.item import Context, Item, ItemError
from ostiary.language.placeholders import has_placeholder


def apply(item: Item, _context: Context) -> Item:
    """Joins the values by ``and``. Sigma forbids it on one value, where it says nothing; a placeholder stands for several."""
    value = item.values[0] if len(item.values) == 1 else None
    if value is not None and not (isinstance(value, Text) and has_placeholder(value.written)):
        raise ItemError("all-of-one", "`all` has only one value to join", "remove `all`, or write a list")
    return replace(item, every=True)
