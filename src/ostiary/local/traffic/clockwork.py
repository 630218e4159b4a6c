"""When callers call: seconds from midnight of the day."""

from __future__ import annotations

from random import Random

DAY = 86_400
HOUR = 3_600
WAKING = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 18, 15, 17, 19, 18, 16, 14, 12, 13, 14, 11, 6, 3)
"""How many of a day's requests of people fall into each hour."""


def people(rng: Random, count: int) -> list[float]:
    """Moments spread over the day as people are awake, sorted."""
    hours = rng.choices(range(24), WAKING, k=count)
    return sorted(hour * HOUR + rng.uniform(0, HOUR) for hour in hours)


def session(rng: Random, start: float, count: int, pause: float) -> list[float]:
    """``count`` moments from ``start`` on, each after a pause of ``pause`` seconds on average, and of a fifth at least."""
    moments = []
    for _ in range(count):
        moments.append(min(start, DAY - 1.0))
        start += pause / 5 + rng.expovariate(5 / (4 * pause))
    return moments


def steady(rng: Random, start: float, count: int, every: float) -> list[float]:
    """``count`` moments from ``start`` on, one ``every`` so many seconds with a little jitter."""
    return [start + (index + rng.uniform(0.1, 0.9)) * every for index in range(count)]
