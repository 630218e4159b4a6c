"""``hour``: the hour of the day of a time, in UTC."""

from __future__ import annotations

from ostiary.language.dates import part_of_date
from ostiary.language.item import Context, Item


def apply(item: Item, _context: Context) -> Item:
    """Makes whole numbers from 0 to 23 of the values; ``gt``, ``gte``, ``lt`` and ``lte`` may follow."""
    return part_of_date(item, "hour", 0, 23)
