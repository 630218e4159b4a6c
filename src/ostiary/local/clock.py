"""A virtual clock, for traffic that is played."""

from __future__ import annotations


class VirtualClock:
    """A Clock that stands still until it is set. What a process remembers for seconds ages by it too: ``monotonic`` is the same.

    >>> clock = VirtualClock(10.0)
    >>> clock.set(12.5)
    >>> clock.now()
    12.5
    """

    __slots__ = ("_now",)

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def set(self, now: float) -> None:
        """Move to ``now`` (epoch seconds). Time never goes back: an earlier ``now`` changes nothing."""
        self._now = max(self._now, now)

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def offset(self) -> float:
        return 0.0
