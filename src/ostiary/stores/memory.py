"""Tables in this process: the same ports as DynamoDB's, for tests, ``ostiary dev`` and ``ostiary play``. One lock, whole items."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from ostiary.settings import Settings
from ostiary.stores.cases import CaseRepository
from ostiary.stores.clock import SystemClock
from ostiary.stores.items import encode_item, stored
from ostiary.stores.schema import case_table, state_table, verdict_table
from ostiary.stores.state import StateRepository
from ostiary.stores.streams import StreamRecord, stream_record
from ostiary.stores.tables import (
    Absent,
    AttributeValue,
    Condition,
    Equals,
    Item,
    Key,
    Lower,
    Present,
    Put,
    Table,
    Update,
)
from ostiary.stores.verdicts import VerdictRepository
from ostiary.vocabulary.errors import ConditionFailed
from ostiary.vocabulary.ports import Clock


class MemoryBackend:
    """``Backend`` in a dict. Updates of one item are serialised, each with its own stream record, as DynamoDB does it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tables: dict[str, dict[Key, Item]] = {}
        self._stream: list[StreamRecord] = []
        self._sequence = 0

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Memory answers at once."""
        return nullcontext()

    def update(self, update: Update) -> Item:
        update.check()
        with self._lock:
            before = self._items(update.table).get(update.key, {})
            _hold(update.table, update.key, update.conditions, before)
            after = before | dict(zip(update.table.keys, update.key, strict=True))
            for name, (other, value) in update.set_from.items():
                after[name] = before[other] if other in before else stored(value)
            for name, value in update.set.items():
                after[name] = stored(value)
            for name, amount in update.add.items():
                held = before.get(name, 0)
                assert isinstance(held, (int, float)), f"{name} of {update.table.name} is no number"
                after[name] = held + amount
            for name in update.remove:
                after.pop(name, None)
            self._keep(update.table, update.key, after)
            return dict(after)

    def put(self, put: Put) -> None:
        self.transact((put,))

    def transact(self, writes: Sequence[Put]) -> None:
        with self._lock:
            for put in writes:
                key = put.table.key_of(put.item)
                _hold(put.table, key, put.conditions, self._items(put.table).get(key, {}))
            for put in writes:
                self._keep(put.table, put.table.key_of(put.item), {name: stored(value) for name, value in put.item.items()})

    def get(self, table: Table, key: Key, *, consistent: bool = True) -> Item | None:
        with self._lock:
            item = self._items(table).get(key)
            return None if item is None else dict(item)

    def get_many(self, table: Table, keys: Sequence[Key], attributes: Sequence[str]) -> list[Item]:
        with self._lock:
            found = [self._items(table)[key] for key in keys if key in self._items(table)]
            return [{name: item[name] for name in attributes if name in item} for item in found]

    def query(self, table: Table, partition: str, *, prefix: str = "", index: str = "", limit: int | None = None) -> list[Item]:
        with self._lock:
            items = self._items(table)
            if index:
                by = table.index(index)
                chosen = [item for item in items.values() if item.get(by.partition) == partition and by.sort in item]
                chosen.sort(key=lambda item: _number(item[by.sort]), reverse=True)
            else:
                assert table.sort is not None, f"{table.name} has no sort key to query by"
                keys = sorted(key for key in items if key[0] == partition and key[1].startswith(prefix))
                chosen = [items[key] for key in keys]
            return [dict(item) for item in chosen[:limit]]

    def take_stream(self) -> list[StreamRecord]:
        """The stream's records since the last call, in order."""
        with self._lock:
            taken, self._stream = self._stream, []
            return taken

    def _items(self, table: Table) -> dict[Key, Item]:
        return self._tables.setdefault(table.name, {})

    def _keep(self, table: Table, key: Key, item: Item) -> None:
        items = self._items(table)
        before = items.get(key)
        items[key] = item
        if table.stream and item != before:
            self._sequence += 1
            name = "MODIFY" if before is not None else "INSERT"
            keys = dict(zip(table.keys, key, strict=True))
            self._stream.append(stream_record(table.name, name, keys, encode_item(item), self._sequence, self._clock.now()))


def _number(value: AttributeValue) -> float:
    assert isinstance(value, (int, float)), "an index sorts by a number"
    return value


def _hold(table: Table, key: Key, conditions: Sequence[Condition], item: Mapping[str, AttributeValue]) -> None:
    for condition in conditions:
        if not _holds(condition, item):
            raise ConditionFailed(f"{table.name} {key[0]!r}: {condition} does not hold; somebody was faster")


def _holds(condition: Condition, item: Mapping[str, AttributeValue]) -> bool:
    match condition:
        case Absent(name):
            return name not in item
        case Present(name):
            return name in item
        case Equals(name, value):
            return name in item and item[name] == value
        case Lower(than):
            return than[0][0] not in item or _lower(item, than)


def _lower(item: Mapping[str, AttributeValue], than: Sequence[tuple[str, int]]) -> bool:
    for name, value in than:
        held = item.get(name)
        if held != value:
            return held is not None and _number(held) < value
    return False


class MemoryStateStore(StateRepository):
    """``AdminStore`` in this process; ``take_stream`` gives what ``record`` would be sent."""

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None, ttl: bool = True) -> None:
        clock = clock or SystemClock()
        self._memory = MemoryBackend(clock)
        super().__init__(self._memory, state_table(settings or Settings()), clock, ttl=ttl)

    def take_stream(self) -> list[StreamRecord]:
        """Stream records since the last call, in the shape of Lambda's DynamoDB events, unfiltered (``streams.matches_filter``)."""
        return self._memory.take_stream()


class MemoryVerdictStore(VerdictRepository):
    """``VerdictStore`` in this process."""

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None, ttl: bool = True) -> None:
        settings = settings or Settings()
        super().__init__(MemoryBackend(clock or SystemClock()), verdict_table(settings), settings.verdict_days if ttl else None)


class MemoryCaseStore(CaseRepository):
    """``CaseStore`` in this process."""

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(MemoryBackend(clock or SystemClock()), case_table(settings or Settings()))
