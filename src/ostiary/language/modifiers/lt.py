"""``lt``: the value is a number below the given one."""

from __future__ import annotations

from ostiary.language.comparing import compared
from ostiary.language.item import Context, Item


def apply(item: Item, _context: Context) -> Item:
    """Makes comparisons of numbers."""
    return compared(item, "lt")
