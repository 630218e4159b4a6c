"""``neq``: the field differs from the values; also true when it is absent."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.item import Context, Item


def apply(item: Item, _context: Context) -> Item:
    """Negates the whole item: of a list, none of the values; with ``all``, not all of them."""
    return replace(item, negated=True)
