"""The observations of one correlation in one group, and the sliding window that ends with each of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from ostiary.matching.correlate_measure import Measure, Observation, measure_of
from ostiary.vocabulary.rule import Correlation


class Series:
    """Observations in order of (time, id). A window is (t − timespan, t], and ends with an observation at t.

    Events that come in order cost what leaves and enters the window; one that comes late costs a window.
    """

    __slots__ = ("_all", "_correlation", "_measure", "_start", "_timespan")

    def __init__(self, correlation: Correlation) -> None:
        self._correlation = correlation
        self._timespan = correlation.timespan
        self._all: list[Observation] = []
        self._measure = measure_of(correlation)
        self._start = 0

    def add(self, observation: Observation) -> bool:
        """Whether the correlation holds in the window that ends with this observation; one that is there already is merged."""
        all_, time = self._all, observation.time
        since = time - self._timespan
        if not all_ or (last := all_[-1]).time < time or (last.time == time and last.id < observation.id):
            all_.append(observation)
            measure = self._measure
            measure.add(observation)
            while all_[self._start].time <= since:
                measure.drop(all_[self._start])
                self._start += 1
            return measure.holds(since)
        return self._add_late(observation, since)

    def _add_late(self, observation: Observation, since: float) -> bool:
        place = bisect_left(self._all, observation[:2], key=_order)
        if place < len(self._all) and self._all[place][:2] == observation[:2]:
            self._all[place] = self._all[place].merged(observation)
        else:
            self._all.insert(place, observation)
        self._start = self._after(self._all[-1].time - self._timespan)
        self._measure = measured(self._correlation, self._all[self._start :])
        return measured(self._correlation, self._all[self._after(since) : place + 1]).holds(since)

    def value(self) -> float:
        """The statistic of the newest observation's window."""
        return self._measure.value(self._all[-1].time - self._timespan)

    def forget(self, until: float) -> bool:
        """Drops what is not after ``until``, where no window reaches any more. Whether anything is left."""
        if not self._all or self._all[-1].time <= until:
            return False
        # What the newest window still counts leaves with it.
        place = min(self._after(until), self._start)
        del self._all[:place]
        self._start -= place
        return True

    def _after(self, time: float) -> int:
        return bisect_right(self._all, time, key=_time)


def _order(observation: Observation) -> tuple[float, str]:
    return observation[:2]


def _time(observation: Observation) -> float:
    return observation.time


def measured(correlation: Correlation, observations: Iterable[Observation]) -> Measure:
    """The Measure of some observations, in order."""
    measure = measure_of(correlation)
    for observation in observations:
        measure.add(observation)
    return measure


def reached(correlation: Correlation, observations: Iterable[Observation]) -> Iterator[tuple[Observation, float]]:
    """Of observations in order, those at which the correlation holds, each with its window's statistic."""
    series = Series(correlation)
    for observation in observations:
        if series.add(observation):
            yield observation, series.value()
