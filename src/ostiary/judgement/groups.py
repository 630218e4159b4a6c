"""What is kept of one group of one correlation: its recent observations, as an item that many processes change.

An item is the newest of a set of observations, each known by its time and the request's id. So records that come again, late, or
from two shards in any order leave the same item, and nothing is counted twice: no rank of a shard has to be remembered.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ostiary.matching.correlate_gather import Group
from ostiary.matching.correlate_measure import Observation

MAX_OBSERVATIONS = 1000
"""Observations of one group; older ones leave, and what is counted is then at least the truth (a Finding says so)."""
MAX_CHARACTERS = 350_000
"""What they may say all together: ids, principals, values. An item holds 400 KB."""
_OVERHEAD = 40


@dataclass(frozen=True, slots=True)
class Kept:
    """An observation, whose request it was, and whether the gate enforced then."""

    observation: Observation
    principal: str
    """The principal's key."""
    enforced: bool

    @property
    def size(self) -> int:
        """Characters that it takes, about."""
        values = sum(len(str(one)) + 3 for value in self.observation.values for one in value)
        return _OVERHEAD + len(self.observation.id) + len(self.principal) + values


@dataclass(frozen=True, slots=True)
class GroupItem:
    """One group's observations in order of (time, id). ``version`` 0: nothing is stored yet."""

    version: int = 0
    kept: tuple[Kept, ...] = ()
    cut: float = -math.inf
    """Time of the newest observation that left for want of room."""

    def added(self, new: Kept, horizon: float) -> GroupItem:
        """With one more observation, and without those ``horizon`` seconds older than the newest; itself when nothing changes."""
        place = bisect_left(self.kept, new.observation[:2], key=_order)
        kept = list(self.kept)
        if place < len(kept) and _order(kept[place]) == new.observation[:2]:
            kept[place] = replace(kept[place], observation=kept[place].observation.merged(new.observation))
        else:
            kept.insert(place, new)
        oldest = kept[-1].observation.time - horizon
        kept = [one for one in kept if one.observation.time > oldest]
        room = _room(kept)
        gone, kept = kept[: len(kept) - room], kept[len(kept) - room :]
        cut = max([self.cut, *(one.observation.time for one in gone)])
        if tuple(kept) == self.kept and cut == self.cut:
            return self
        return GroupItem(self.version + 1, tuple(kept), cut)

    def between(self, after: float, until: float) -> list[Kept]:
        """Those with a time in (after, until]."""
        return [one for one in self.kept if after < one.observation.time <= until]


def _room(kept: Sequence[Kept]) -> int:
    """How many of the newest fit."""
    left = MAX_CHARACTERS
    for count, one in enumerate(reversed(kept[-MAX_OBSERVATIONS:])):
        left -= one.size
        if left < 0:
            return count
    return min(len(kept), MAX_OBSERVATIONS)


def _order(kept: Kept) -> tuple[float, str]:
    return kept.observation[:2]


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A window of a group that is decided when it closes."""

    key: str
    """The group item's key."""
    digest: str
    """Of the Ruleset whose correlation it is."""
    rule: int
    """Index of that correlation."""
    group: Group
    end: float


class GroupStore(Protocol):
    """Where groups are kept. Every method raises ``StoreError``."""

    def read(self, key: str) -> GroupItem: ...
    def write(self, key: str, item: GroupItem, expires: int) -> None:
        """Keep the item until ``expires`` (epoch seconds); ``ConditionFailed`` unless the stored version is the one before."""
        ...

    def open(self, window: OpenWindow, slot: int) -> None:
        """Remember a window in a slot of the agenda; once, however often it is said."""
        ...

    def due(self, slot: int) -> Sequence[OpenWindow]:
        """The windows of a slot that are not closed yet."""
        ...

    def close(self, window: OpenWindow, slot: int) -> None:
        """It is decided."""
        ...

    def swept(self) -> int | None:
        """The newest slot that was swept as a whole; None: none ever was."""
        ...

    def sweep(self, slot: int) -> None:
        """Everything up to this slot was swept; a lower one than what is stored changes nothing."""
        ...
