"""``leet``: digits and signs that stand for letters are read as letters. Ours, not Sigma's."""

from __future__ import annotations

from dataclasses import replace

from ostiary.language.draft import Draft, Text, named
from ostiary.language.item import Context, Item, ItemError


def apply(item: Item, context: Context) -> Item:
    """Makes text compare with ``4`` read as ``a``, ``1`` as ``i`` and so on, on both sides."""
    if not context.ours:
        raise ItemError(
            "ours-only", "`leet` is a word of Ostiary's, not Sigma's", "write `logsource: {product: ostiary, category: request}`"
        )
    if context.info is not None and context.info.kind != "text":
        raise ItemError("modifier-field", f"`leet` needs a field that holds text; `{item.field}` holds a {context.info.kind}")
    return item.each(_read_as_letters)


def _read_as_letters(value: Draft, index: int) -> Draft:
    if not isinstance(value, Text):
        raise ItemError("modifier-value", f"`leet` needs text, not {named(value)}", value=index)
    return replace(value, leet=True)
