"""``s`` after ``re``: the dot also matches a line break."""

from __future__ import annotations

from ostiary.language.expressions import flagged
from ostiary.language.item import Context, Item


def apply(item: Item, _context: Context) -> Item:
    """Sets the flag on every expression."""
    return flagged(item, "s")
