"""What ``lt``, ``lte``, ``gt`` and ``gte`` share."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from ostiary.language.draft import Comparison, DatePartName, Draft, Number, PartOfDate, named
from ostiary.language.item import Item, ItemError

DATE_PARTS: frozenset[DatePartName] = frozenset({"minute", "hour", "day", "week", "month", "year"})


def compared(item: Item, operator: Literal["lt", "lte", "gt", "gte"]) -> Item:
    """The Item with its numbers as comparisons. Raises ``ItemError`` for what is no finite number, and beside other modifiers."""
    item.before(operator, DATE_PARTS)

    def comparison(value: Draft, index: int) -> Draft:
        if isinstance(value, PartOfDate):
            return replace(value, operator=operator)
        if not isinstance(value, Number):
            raise ItemError("modifier-value", f"`{operator}` needs a number, not {named(value)}", "write it without quotes", value=index)
        if not math.isfinite(value.number):
            raise ItemError("modifier-value", f"`{operator}` needs a finite number", value=index)
        return Comparison(operator, value.number)

    return item.each(comparison)
