"""What ``lt``, ``lte``, ``gt`` and ``gte`` share."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from ostiary.language.item import Comparison, Draft, Item, ItemError, Number, named


def compared(item: Item, operator: Literal["lt", "lte", "gt", "gte"]) -> Item:
    """The Item with its numbers as comparisons. Raises ``ItemError`` for what is no finite number, and beside other modifiers."""
    if any(word not in ("all", "neq") for word in item.applied):
        raise ItemError("modifier-order", f"`{operator}` does not go with `{item.applied[0]}`")
    return replace(item, values=tuple(_compared(value, index, operator) for index, value in enumerate(item.values)))


def _compared(value: Draft, index: int, operator: Literal["lt", "lte", "gt", "gte"]) -> Comparison:
    if not isinstance(value, Number):
        raise ItemError("modifier-value", f"`{operator}` needs a number, not {named(value)}", "write it without quotes", value=index)
    if not math.isfinite(value.number):
        raise ItemError("modifier-value", f"`{operator}` needs a finite number", value=index)
    return Comparison(operator, value.number)
