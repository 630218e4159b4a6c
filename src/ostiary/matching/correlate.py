"""Correlator: a Ruleset's correlations over events, exact, in memory.

Where Sigma is silent: windows truly slide, (t − timespan, t]; equal and late times are ordered by (time, id); every event past the
threshold is named, not one of each window; a correlation that holds on an event counts as an event for those over it, whose fields
are its group's. ``lt``, ``lte``, ``eq``, ``neq`` and ``not`` may hold now and not a moment later, so correlations with one of these
are decided as a whole when a window closes: those windows don't slide, they are [k · timespan, (k + 1) · timespan) for whole k, of
every group that had an event in it (no event at all decides nothing), and there the correlation counts as an event at the window's end.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from ostiary.matching.correlate_gather import Gatherer, Group, Key, View, fields_of, in_order
from ostiary.matching.correlate_measure import Observation, closes
from ostiary.matching.correlate_window import Series, measured
from ostiary.matching.subject import canonical
from ostiary.vocabulary.request import Fields, Value
from ostiary.vocabulary.rule import Correlation, Rule, Ruleset

_CLEAN_AFTER = 1024
"""Observations, at least, after which a correlation looks for groups whose events are all too old."""
_MARK = "\0"


@dataclass(frozen=True, slots=True)
class Closed:
    """A correlation that was found to hold when a window closed."""

    rule: int
    """Index in the Ruleset."""
    group: Group
    """Values of its ``group-by``, as text, in that order."""
    time: float
    """When that window ended."""
    event: str
    """Id of the group's last event in that window."""


class Correlator:
    """Takes events one by one; remembers of each correlation no more than twice its timespan.

    An event more than one timespan older than the newest that a correlation has counted comes too late for it, and one of a window
    that was closed already for what is decided there. ``wanted``: indexes of the correlations to decide, those that they refer to
    among them; None: all. ``key`` tells values of ``group-by`` and ``value_count`` fields apart.
    """

    def __init__(self, ruleset: Ruleset, wanted: Collection[int] | None = None, *, key: Key = canonical) -> None:
        self._parts = [_Part(rule) for rule in in_order(ruleset) if wanted is None or rule.index in wanted]
        self._key = key
        self._over: dict[int, list[int]] = {}
        for position, part in enumerate(self._parts):
            for index in part.correlation.rules:
                self._over.setdefault(index, []).append(position)
        correlations = [part.correlation for part in self._parts]
        self.fields = frozenset(name for one in correlations for rule in one.rules for name in fields_of(one, rule))
        """Every field of an event that some correlation reads: all that ``observe`` needs of it."""
        self._open: list[tuple[float, int]] = []
        self._closed = -math.inf

    def observe(self, time: float, id: str, fields: Fields, signals: Iterable[int]) -> tuple[int, ...]:
        """Takes an event: its time (epoch seconds), an id of its own, its fields, and the indexes of the rules that matched it.

        Indexes of the correlations that now hold for this event's groups, chained ones among them. Call ``close(time)`` before, so
        that what closed until then is counted first.
        """
        matched = [index for index in signals if index in self._over]
        if not matched:
            return ()
        view = View(fields, self._key)
        return tuple(sorted({rule for rule, _ in self._spread({index: [view] for index in matched}, time, id)}))

    def close(self, now: float | None = None) -> tuple[Closed, ...]:
        """What is decided by the windows that ended until ``now`` (None: by all), and by correlations over those, oldest first."""
        found: list[Closed] = []
        while self._open and (now is None or self._open[0][0] <= now):
            end, position = heappop(self._open)
            self._closed = max(self._closed, end)
            part = self._parts[position]
            for group, last in part.take(end):
                event = event_of(last.id)
                found.append(Closed(part.rule.index, group, end, event))
                if part.rule.index in self._over:
                    views = {part.rule.index: [self._group_view(part, group)]}
                    chained = self._spread(views, end, closing_id(event, part.rule.index, group))
                    found += (Closed(rule, one, end, event) for rule, one in chained)
        if now is not None:
            self._closed = max(self._closed, now)
        return tuple(found)

    def _spread(self, views: dict[int, list[View]], time: float, id: str) -> Iterator[tuple[int, Group]]:
        """Counts one event everywhere; gives (rule, group) for each correlation that it makes hold."""
        waiting = [*self._over[next(iter(views))]] if len(views) == 1 else sorted({one for index in views for one in self._over[index]})
        for position in waiting:
            part = self._parts[position]
            rule = part.rule.index
            found = part.gatherer.observations(views, time, id)
            if part.closes:
                self._keep(position, time, found)
                continue
            for group, observation in found.items():
                if not part.slides(group, observation):
                    continue
                yield rule, group
                if rule in self._over:
                    views.setdefault(rule, []).append(self._group_view(part, group))
            if rule in views:
                for over in self._over[rule]:
                    if over not in waiting:
                        # Those over it come later in order, so the loop still reaches them.
                        insort(waiting, over)

    def _keep(self, position: int, time: float, found: Mapping[Group, Observation]) -> None:
        """Counts an event in the window that does not slide, unless that was closed already."""
        part = self._parts[position]
        end = window_end(part.correlation, time)
        if found and end > self._closed and part.keep(end, found):
            heappush(self._open, (end, position))

    def _group_view(self, part: _Part, group: Group) -> View:
        return View(group_fields(part.correlation, group), self._key)


class _Part:
    """One correlation with what it remembers, by group."""

    def __init__(self, rule: Rule) -> None:
        assert rule.correlation is not None
        self.rule = rule
        self.correlation: Correlation = rule.correlation
        self.closes = closes(rule.correlation)
        self.gatherer = Gatherer(rule.correlation)
        self._series: dict[Group, Series] = {}
        self._windows: dict[float, dict[Group, list[Observation]]] = {}
        self._newest = -math.inf
        self._added = 0
        self._clean_at = _CLEAN_AFTER

    def slides(self, group: Group, observation: Observation) -> bool:
        """Counts it; whether the correlation holds in the window that it ends."""
        if observation.time > self._newest:
            self._newest = observation.time
        elif observation.time < self._newest - self.correlation.timespan:
            return False
        self._added += 1
        if self._added >= self._clean_at:
            self._clean()
        series = self._series.get(group)
        if series is None:
            series = self._series[group] = Series(self.correlation)
        return series.add(observation)

    def _clean(self) -> None:
        self._added = 0
        until = self._newest - 2 * self.correlation.timespan
        for group in [group for group, series in self._series.items() if not series.forget(until)]:
            del self._series[group]
        # As many more as are left, so that looking at all of them costs each one little.
        self._clean_at = max(_CLEAN_AFTER, len(self._series))

    def keep(self, end: float, found: Mapping[Group, Observation]) -> bool:
        """Counts an event in the window that closes at ``end``; whether it is that window's first."""
        first = end not in self._windows
        groups = self._windows.setdefault(end, {})
        for group, observation in found.items():
            groups.setdefault(group, []).append(observation)
        return first

    def take(self, end: float) -> list[tuple[Group, Observation]]:
        """Forgets the window that closes at ``end``; the groups in which the correlation holds, each with its last event."""
        found = []
        for group, observations in sorted(self._windows.pop(end).items()):
            observations.sort()
            if measured(self.correlation, observations).holds(-math.inf):
                found.append((group, observations[-1]))
        return found


def window_end(correlation: Correlation, time: float) -> float:
    """When the window [k · timespan, (k + 1) · timespan) that ``time`` falls in closes."""
    return float((math.floor(time / correlation.timespan) + 1) * correlation.timespan)


def group_fields(correlation: Correlation, group: Group) -> dict[str, Value]:
    """The fields of the event that a correlation is, for those over it, when it holds in a group."""
    return dict(zip(correlation.group_by, group, strict=True))


def closing_id(event: str, rule: int, group: Group) -> str:
    """Id of the event that a closed window is for correlations over it: before all others of its moment, and of its own.

    >>> event_of(closing_id("r-7", 3, ("a",)))
    'r-7'
    """
    return _MARK.join(("", event, str(rule), *group))


def event_of(id: str) -> str:
    """The event behind an id: of a closed window, its last one."""
    return id.split(_MARK)[1] if id.startswith(_MARK) else id
