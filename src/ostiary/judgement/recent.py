"""A small bounded memory of a process: values that may be used again for a while, the least recently used forgotten first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most ``most`` values, each fresh for ``seconds`` of a clock that the caller reads.

    >>> recent = Recent[str, int](most=2, seconds=5.0)
    >>> recent.keep("a", 1, now=0.0)
    >>> recent.fresh("a", now=4.9), recent.fresh("a", now=5.0), recent.last("a")
    (1, None, 1)
    """

    def __init__(self, *, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, key: K, value: V, *, now: float) -> None:
        with self._lock:
            self._kept[key] = (now, value)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def fresh(self, key: K, *, now: float) -> V | None:
        """The value while it is younger than ``seconds``; a clock that went back makes it old."""
        with self._lock:
            found = self._kept.get(key)
        return found[1] if found is not None and 0 <= now - found[0] < self._seconds else None

    def last(self, key: K) -> V | None:
        """The value however old it is."""
        with self._lock:
            found = self._kept.get(key)
        return found[1] if found is not None else None

    def take(self, key: K) -> V | None:
        """The value, forgotten."""
        with self._lock:
            found = self._kept.pop(key, None)
        return found[1] if found is not None else None
