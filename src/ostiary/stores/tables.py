"""What the stores say to a table, without its wire format: items, keys, conditions, updates; and the ``Backend`` that takes them.

The repositories (``state``, ``verdicts``, ``cases``) are written once over ``Backend``; ``dynamodb`` and ``memory`` are its two
implementations. Words and semantics are DynamoDB's (Amazon DynamoDB API Reference), cut down to what Ostiary uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

AttributeValue = str | int | float | bool | None | bytes | tuple[str, ...]
"""One attribute's value. Numbers must survive 38 decimal digits; a float that is whole comes back as an int."""
Item = dict[str, AttributeValue]
"""All attributes of an item, or those that were asked for."""
Key = tuple[str, ...]
"""Partition key, then the sort key where the table has one."""

MAX_EXPRESSION_BYTES = 4096
"""Longest expression string (Amazon DynamoDB Developer Guide, "Quotas"). Local stacks don't check it, so ``Update.check`` does."""
MAX_EXPRESSION_OPERATORS = 300
"""Most operators and functions in an update expression (same source); every path counts as one here, two for a fallback."""
MAX_ITEM_BYTES = 400 * 1024
"""Largest item (same source)."""
MAX_TRANSACTION_WRITES = 100
"""Most writes in one transaction (same source)."""


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index that projects every attribute: ``partition`` is text, ``sort`` a number."""

    name: str
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, its text keys, its indexes, and whether it streams its new images."""

    name: str
    partition: str
    sort: str | None = None
    indexes: tuple[Index, ...] = ()
    stream: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    def key_of(self, item: Mapping[str, AttributeValue]) -> Key:
        """The key of an item; every key attribute must be there, as text that is not empty."""
        found = tuple(item.get(name) for name in self.keys)
        assert all(isinstance(part, str) and part for part in found), f"an item of {self.name} without its key {self.keys}"
        return tuple(str(part) for part in found)

    def index(self, name: str) -> Index:
        return next(index for index in self.indexes if index.name == name)


@dataclass(frozen=True, slots=True)
class Absent:
    """The item has no attribute of that name (or does not exist)."""

    name: str


@dataclass(frozen=True, slots=True)
class Present:
    """The item exists and has the attribute."""

    name: str


@dataclass(frozen=True, slots=True)
class Equals:
    """The attribute is there with this value."""

    name: str
    value: str | int


@dataclass(frozen=True, slots=True)
class Lower:
    """The first attribute is absent, or the attributes, compared in order, are lower than the values."""

    than: tuple[tuple[str, int], ...]


Condition = Absent | Present | Equals | Lower
"""The closed set of conditions; several of one write must all hold."""


@dataclass(frozen=True, slots=True)
class Put:
    """Replace the whole item, or create it."""

    table: Table
    item: Item
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Change some attributes of one item, creating it where it is missing.

    ``set_from`` names another attribute whose value wins where it is there: ``ttl`` ← (``keep_until``, 1700000000) is
    ``SET ttl = if_not_exists(keep_until, 1700000000)``. Nothing is named twice.
    """

    table: Table
    key: Key
    add: Mapping[str, int] = field(default_factory=dict)
    set: Mapping[str, AttributeValue] = field(default_factory=dict)
    set_from: Mapping[str, tuple[str, AttributeValue]] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    def check(self) -> None:
        """A failed assertion for what the service would refuse and local stacks accept: overlaps, empty names, too many operators."""
        names = [*self.add, *self.set, *self.set_from, *self.remove]
        assert names, f"an update of {self.table.name} that changes nothing"
        assert len(set(names)) == len(names), f"an update of {self.table.name} with overlapping paths"
        assert all(names) and not set(names) & set(self.table.keys), f"an update of {self.table.name} of a key or of an empty name"
        operators = len(names) + len(self.set_from)
        assert operators <= MAX_EXPRESSION_OPERATORS, f"an update of {self.table.name} with {operators} operators"


class Backend(Protocol):
    """Tables that keep items. Every method raises ``StoreError`` when the world does not answer as it must."""

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """All of this thread's calls in the block share one deadline."""
        ...

    def update(self, update: Update) -> Item:
        """Apply it and give all attributes as they are after it. ``ConditionFailed`` when a condition does not hold."""
        ...

    def put(self, put: Put) -> None: ...
    def transact(self, writes: Sequence[Put]) -> None:
        """All of them or none."""
        ...

    def get(self, table: Table, key: Key, *, consistent: bool = True) -> Item | None: ...
    def get_many(self, table: Table, keys: Sequence[Key], attributes: Sequence[str]) -> list[Item]:
        """Those of the keys that exist, in no order, with those attributes; eventually consistent."""
        ...

    def query(self, table: Table, partition: str, *, prefix: str = "", index: str = "", limit: int | None = None) -> list[Item]:
        """By key: sort keys with a prefix, ascending, consistent. By an index: highest sort value first, eventually consistent."""
        ...
