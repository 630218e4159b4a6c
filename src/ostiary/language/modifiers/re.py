"""``re``: the value contains a match of a regular expression (RE2 syntax, linear time), case-sensitive unless ``i``."""

from __future__ import annotations

from ostiary.language.draft import Draft, Expression, Number, Text, canonical, named
from ostiary.language.expressions import check_expression
from ostiary.language.item import Context, Item, ItemError


def apply(item: Item, _context: Context) -> Item:
    """Makes expressions of texts as they are written: Sigma's own escapes mean nothing here."""
    item.before("re", frozenset(), "write `|re|contains`, `|re|i` or `|re|all`")
    return item.each(_expression)


def _expression(value: Draft, index: int) -> Expression:
    if isinstance(value, Number):
        value = Text.of(canonical(value.number))
    if not isinstance(value, Text):
        raise ItemError("modifier-value", f"`re` needs text, not {named(value)}", value=index)
    check_expression(value.written, index)
    return Expression(value.written)
