"""What ``minute``, ``hour``, ``day``, ``week``, ``month`` and ``year`` share: whole numbers within the part's range."""

from __future__ import annotations

from ostiary.language.draft import DatePartName, Draft, Number, PartOfDate, named
from ostiary.language.item import Item, ItemError


def part_of_date(item: Item, part: DatePartName, lowest: int, highest: int) -> Item:
    """The Item with its numbers as a part of a time. Raises ``ItemError`` for what no time has, and after other modifiers."""
    item.before(part, frozenset(), f"write `|{part}|gte`")

    def checked(value: Draft, index: int) -> Draft:
        if not isinstance(value, Number):
            raise ItemError("modifier-value", f"`{part}` needs a number, not {named(value)}", "write it without quotes", value=index)
        if not (isinstance(value.number, int) and lowest <= value.number <= highest):
            raise ItemError("date-part", f"no time has the {part} {value.number}", f"write {lowest} to {highest}", value=index)
        return PartOfDate(part, value.number)

    return item.each(checked)
