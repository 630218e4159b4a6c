"""``year``: the year of a time, in UTC."""

from __future__ import annotations

from ostiary.language.dates import part_of_date
from ostiary.language.item import Context, Item


def apply(item: Item, _context: Context) -> Item:
    """Makes whole numbers from 1 to 9,999 of the values; ``gt``, ``gte``, ``lt`` and ``lte`` may follow."""
    return part_of_date(item, "year", 1, 9999)
