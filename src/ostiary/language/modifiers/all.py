"""``all``: every value of the list must hold, not just one."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.item import Context, Item


def apply(item: Item, context: Context) -> Item:
    """Joins the values by ``and``. Sigma forbids it on one value; as its tools take that, so do we, with a warning."""
    if len(item.values) == 1:
        context.notes.append(("all-of-one", "`all` has only one value to join"))
    return replace(item, every=True)
