"""This machine's clock, corrected by the store's: the answers of DynamoDB carry a ``Date`` (RFC 9110, section 6.6.1)."""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_SKEW_SECONDS = 2.0
"""A skew up to this is within the design's tolerance (and the resolution of ``Date`` is 1 s): it is not corrected."""
MAX_OFFSET_SECONDS = 366 * 86_400.0
"""A ``Date`` further away than this is nonsense and ignored."""


class SystemClock:
    """``Clock`` of a real process. ``now`` is the machine's time plus ``offset()``, which ``observe`` learns.

    The first answer of a process is believed (``DynamoStateStore.warm`` asks for one before the first request); later ones
    only when two in a row agree, so that one odd ``Date`` moves nothing.
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._candidate: float | None = None
        self._observed = False
        self._offset = 0.0

    def now(self) -> float:
        return self._wall() + self._offset

    def monotonic(self) -> float:
        return self._monotonic()

    def offset(self) -> float:
        """Seconds added to the machine's time; 0 while that is right within ``MAX_SKEW_SECONDS``. Else nobody may drop buckets as old."""
        return self._offset

    def wall(self) -> float:
        """The machine's own time, uncorrected: what signatures start from."""
        return self._wall()

    def observe(self, date: float, sent: float, received: float) -> None:
        """Learn from an answer's ``Date`` (epoch seconds) and the machine's own time before sending and after receiving.

        The store's time when it answered lies in [date, date + 1), ours in [sent, received].
        """
        needed = _offset(date, sent, received)
        if abs(needed) > MAX_OFFSET_SECONDS:
            return
        first, self._observed = not self._observed, True
        if abs(needed - self._offset) <= MAX_SKEW_SECONDS and (self._offset == 0.0 or abs(needed) > MAX_SKEW_SECONDS):
            self._candidate = None
        elif first or (self._candidate is not None and abs(needed - self._candidate) <= MAX_SKEW_SECONDS):
            self._offset = needed if abs(needed) > MAX_SKEW_SECONDS else 0.0
            self._candidate = None
        else:
            self._candidate = needed


def _offset(date: float, sent: float, received: float) -> float:
    """The smallest offset that explains the answer: 0 when [sent, received] and [date, date + 1) meet."""
    if date > received:
        return date - received
    if date + 1 < sent:
        return date + 1 - sent
    return 0.0
