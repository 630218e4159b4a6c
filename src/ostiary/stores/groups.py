"""The groups of correlations, and the agenda of windows to decide, in the case table, over any ``Backend``.

In the case table and no table of its own, because it alone has a sort key: a slot of the agenda is one consistent query. Not in the
state table, whose stream would carry every change; no Case has a key that starts like these.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from typing import Any

from ostiary.judgement.groups import GroupItem, Kept, OpenWindow
from ostiary.matching.correlate_measure import Observation
from ostiary.stores.items import KEY, TTL
from ostiary.stores.kept import dumps, loads
from ostiary.stores.tables import Absent, AttributeValue, Backend, Condition, Equals, Lower, Put, Table
from ostiary.vocabulary.errors import ConditionFailed, StoreError

SORT = "sk"
DATA = "data"
VERSION = "version"
CLOSED = "closed"
SLOT = "slot"
GROUP = "group#"
AGENDA = "closes#"
MAX_GROUP_BYTES = 380 * 1024
"""Largest group, compressed: an item holds 400 KB."""
MAX_GROUP_PLAIN_BYTES = 16 * 1024 * 1024
"""Largest group after decompression."""
AGENDA_DAYS = 7
"""A window that nobody decided is forgotten so long after its end."""
_DAY = 86_400


class GroupRepository:
    """``GroupStore`` over a ``Backend``. With ``ttl`` False nothing expires (virtual clocks)."""

    def __init__(self, backend: Backend, table: Table, *, ttl: bool = True) -> None:
        self._backend = backend
        self._table = table
        self._ttl = ttl

    def read(self, key: str) -> GroupItem:
        """The group's item, consistent; an empty one where nothing is stored."""
        item = self._backend.get(self._table, (GROUP + key, "group"))
        return GroupItem() if item is None else _decoded(item.get(DATA), key)

    def write(self, key: str, item: GroupItem, expires: int) -> None:
        """Keep it in place of the version before; ``ConditionFailed`` where that is not what is stored."""
        before: Condition = Absent(VERSION) if item.version == 1 else Equals(VERSION, item.version - 1)
        values: dict[str, AttributeValue] = {KEY: GROUP + key, SORT: "group", VERSION: item.version, DATA: _encoded(item, key)}
        self._put(values, expires, before)

    def open(self, window: OpenWindow, slot: int) -> None:
        """Put a window on the agenda, unless it is there, decided or not."""
        try:
            self._put(self._entry(window, slot, closed=False), math.ceil(window.end) + AGENDA_DAYS * _DAY, Absent(KEY))
        except ConditionFailed:
            return  # Another record of the same window was faster.

    def due(self, slot: int) -> Sequence[OpenWindow]:
        """The windows of a slot that are not decided; consistent."""
        items = self._backend.query(self._table, f"{AGENDA}{slot}")
        return [loads(OpenWindow, item.get(DATA), f"window {item.get(SORT)!r}") for item in items if not item.get(CLOSED)]

    def close(self, window: OpenWindow, slot: int) -> None:
        """It is decided, and is not due any more."""
        self._put(self._entry(window, slot, closed=True), math.ceil(window.end) + AGENDA_DAYS * _DAY)

    def swept(self) -> int | None:
        item = self._backend.get(self._table, (AGENDA, SLOT))
        slot = None if item is None else item.get(SLOT)
        return slot if isinstance(slot, int) else None

    def sweep(self, slot: int) -> None:
        try:
            self._put({KEY: AGENDA, SORT: SLOT, SLOT: slot}, None, Lower(((SLOT, slot),)))
        except ConditionFailed:
            return  # Another sweep went further.

    def _entry(self, window: OpenWindow, slot: int, *, closed: bool) -> dict[str, AttributeValue]:
        name = f"{window.key}#{window.rule}#{window.digest[:16]}#{window.end:.0f}"
        return {KEY: f"{AGENDA}{slot}", SORT: name, CLOSED: closed, DATA: dumps(window)}

    def _put(self, item: dict[str, AttributeValue], expires: int | None, *conditions: Condition) -> None:
        if self._ttl and expires is not None:
            item[TTL] = expires
        self._backend.put(Put(self._table, item, conditions))


def _encoded(item: GroupItem, key: str) -> bytes:
    kept = [[*one.observation, one.principal, one.enforced] for one in item.kept]
    cut = None if item.cut == -math.inf else item.cut
    data = zlib.compress(json.dumps([item.version, cut, kept], separators=(",", ":")).encode(), 6)
    if len(data) > MAX_GROUP_BYTES:
        raise StoreError(f"group {key} has {len(data)} bytes compressed: over {MAX_GROUP_BYTES} can't be kept", applied=False)
    return data


def _decoded(data: object, key: str) -> GroupItem:
    try:
        if not isinstance(data, bytes):
            raise zlib.error("no bytes")
        stream = zlib.decompressobj()
        version, cut, kept = json.loads(stream.decompress(data, MAX_GROUP_PLAIN_BYTES))
        return GroupItem(version, tuple(_kept(*one) for one in kept), -math.inf if cut is None else cut)
    except (zlib.error, ValueError, TypeError) as error:
        raise StoreError(f"group {key} can't be read: {error}") from error


def _kept(time: float, id: str, rules: list[int], values: list[list[Any]], principal: str, enforced: bool) -> Kept:
    return Kept(Observation(time, id, tuple(rules), tuple(tuple(value) for value in values)), principal, enforced)
