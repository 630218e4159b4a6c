"""What a window of observations says: how many, how many distinct, in which order, which sum; and whether that meets the condition.

Source: SigmaHQ specification v2.1, "Sigma Correlation Rules". Where it is silent: percentiles are nearest-rank, the median of an even
number is the mean of the two in the middle, sums and averages are rounded once from the exact value, whatever the order of events.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from ostiary.vocabulary.rule import Correlation, Expression

Value = tuple[str | float, ...]
"""Of ``value_count`` one tuple of texts to be told apart; of the other ``value_*`` the numbers that one event brought."""

COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}
IMMEDIATE = frozenset({"gt", "gte"})
"""What an event can reach. Any other comparison may hold now and not a moment later: it is decided when a window closes."""
NUMERIC = frozenset({"value_sum", "value_avg", "value_percentile", "value_median"})
_UNITS = 1074
"""Every finite double is a whole number of 2**-1074 (IEEE 754 binary64): sums of such numbers are exact."""


class Observation(NamedTuple):
    """One event as a correlation counts it, in one group. Two of one group differ in (time, id), and are ordered by it."""

    time: float
    """Epoch seconds."""
    id: str
    rules: tuple[int, ...]
    """Places in ``Correlation.rules`` of those that the event matched; ascending."""
    values: tuple[Value, ...] = ()
    """What ``value_*`` reads of it; distinct."""

    def merged(self, other: Observation) -> Observation:
        """The same event, seen through other rules too."""
        rules = tuple(sorted({*self.rules, *other.rules}))
        return self._replace(rules=rules, values=tuple(dict.fromkeys([*self.values, *other.values])))


def closes(correlation: Correlation) -> bool:
    """Whether it can only be decided when a window closes."""
    if correlation.expression is not None:
        return _negates(correlation.expression)
    return any(word not in IMMEDIATE for word, _ in correlation.conditions)


def _negates(expression: Expression) -> bool:
    return expression.word == "not" or any(map(_negates, expression.children))


class Measure:
    """A window's statistic, kept up to date while events come and go. This one counts events.

    ``since``: the moment that the window starts after.
    """

    def __init__(self, correlation: Correlation) -> None:
        conditions = correlation.conditions
        if not conditions and correlation.type in ("temporal", "temporal_ordered"):
            conditions = (("gte", float(len(correlation.rules))),)
        self._conditions = [(COMPARED[word], number) for word, number in conditions]
        self._count = 0

    def add(self, observation: Observation) -> None:
        """Takes the next event in order of (time, id)."""
        self._count += 1

    def drop(self, observation: Observation) -> None:
        """The oldest event has left the window."""
        self._count -= 1

    def value(self, since: float) -> float:
        return self._count

    def holds(self, since: float) -> bool:
        """Whether the statistic meets every condition."""
        value = self.value(since)
        for compare, number in self._conditions:  # noqa: SIM110 - ``all`` costs twice as much, for each event
            if not compare(value, number):
                return False
        return True


class Rules(Measure):
    """Distinct rules (``temporal``), or a condition over which of them matched."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._matched: Counter[int] = Counter()
        self._terms = terms_of(correlation)

    def add(self, observation: Observation) -> None:
        self._matched.update(observation.rules)

    def drop(self, observation: Observation) -> None:
        for place in observation.rules:
            self._matched[place] -= 1
            if not self._matched[place]:
                del self._matched[place]

    def value(self, since: float) -> float:
        return len(self._matched)

    def holds(self, since: float) -> bool:
        if self._terms is None:
            return super().holds(since)
        return any(self._matched.keys() >= wanted and self._matched.keys().isdisjoint(unwanted) for wanted, unwanted in self._terms)


class Ordered(Rules):
    """The most rules that matched one after the other in their listed order (``temporal_ordered``), each by an event of its own.

    For every number of rules and every last one, it is enough to know how late a chain of them could have started.
    """

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        places = range(len(correlation.rules))
        self._starts = [[-math.inf for _ in places] for _ in places]
        self._chains = [_Chain(sorted(wanted), unwanted) for wanted, unwanted in self._terms or ()]

    def add(self, observation: Observation) -> None:
        super().add(observation)
        later = [(0, place, observation.time) for place in observation.rules]
        for place in observation.rules:
            later += [(length, place, max(self._starts[length - 1][:place])) for length in range(1, place + 1)]
        for length, place, start in later:
            self._starts[length][place] = max(self._starts[length][place], start)
        for chain in self._chains:
            chain.add(observation)

    def value(self, since: float) -> float:
        return max((length for length, starts in enumerate(self._starts, 1) if max(starts) > since), default=0)

    def holds(self, since: float) -> bool:
        if self._terms is None:
            return super().holds(since)
        return any(chain.holds(since) and self._matched.keys().isdisjoint(chain.unwanted) for chain in self._chains)


class _Chain:
    """Some rules that must match one after the other, and how late each beginning of that chain could have started."""

    def __init__(self, wanted: list[int], unwanted: frozenset[int]) -> None:
        self.unwanted = unwanted
        self._wanted = wanted
        self._starts = [-math.inf] * len(wanted)

    def add(self, observation: Observation) -> None:
        for length in reversed(range(len(self._wanted))):
            if self._wanted[length] in observation.rules:
                start = self._starts[length - 1] if length else observation.time
                self._starts[length] = max(self._starts[length], start)

    def holds(self, since: float) -> bool:
        return not self._starts or self._starts[-1] > since


class Distinct(Measure):
    """Distinct values (``value_count``)."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._seen: Counter[Value] = Counter()

    def add(self, observation: Observation) -> None:
        self._seen.update(observation.values)

    def drop(self, observation: Observation) -> None:
        for value in observation.values:
            self._seen[value] -= 1
            if not self._seen[value]:
                del self._seen[value]

    def value(self, since: float) -> float:
        return len(self._seen)


class Total(Measure):
    """Sum or average of numbers, exact until it is rounded once."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._average = correlation.type == "value_avg"
        self._units = 0

    def add(self, observation: Observation) -> None:
        for number in _numbers(observation):
            self._units += _in_units(number)
            self._count += 1

    def drop(self, observation: Observation) -> None:
        for number in _numbers(observation):
            self._units -= _in_units(number)
            self._count -= 1

    def value(self, since: float) -> float:
        try:
            return self._units / ((self._count if self._average else 1) << _UNITS)
        except OverflowError:
            return math.copysign(math.inf, self._units)


class Ranked(Measure):
    """Percentile (nearest-rank: the smallest number that p percent of all do not exceed) or median of numbers."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._sorted: list[float] = []
        # As the rule writes it: 99.9 percent of 1,000 are 999, which the nearest double would make 1,000.
        self._share = None if correlation.type == "value_median" else Fraction(repr(correlation.percentile)) / 100

    def add(self, observation: Observation) -> None:
        for number in _numbers(observation):
            insort(self._sorted, number)

    def drop(self, observation: Observation) -> None:
        for number in _numbers(observation):
            del self._sorted[bisect_left(self._sorted, number)]

    def value(self, since: float) -> float:
        count = len(self._sorted)
        if self._share is not None:
            return self._sorted[max(1, math.ceil(self._share * count)) - 1]
        return (self._sorted[(count - 1) // 2] + self._sorted[count // 2]) / 2


def measure_of(correlation: Correlation) -> Measure:
    """An empty window's Measure."""
    kinds: Mapping[str, type[Measure]] = {
        "event_count": Measure,
        "temporal": Rules,
        "temporal_ordered": Ordered,
        "value_count": Distinct,
        "value_sum": Total,
        "value_avg": Total,
        "value_percentile": Ranked,
        "value_median": Ranked,
    }
    return kinds[correlation.type](correlation)


def _numbers(observation: Observation) -> Iterable[float]:
    return (float(number) for numbers in observation.values for number in numbers)


def _in_units(number: float) -> int:
    top, bottom = number.as_integer_ratio()
    return top << (_UNITS + 1 - bottom.bit_length())


Term = tuple[frozenset[int], frozenset[int]]
"""Places of rules that must have matched, and of rules that must not."""


def terms_of(correlation: Correlation) -> list[Term] | None:
    """An expression as alternatives; None for a correlation without one."""
    if correlation.expression is None:
        return None
    places = {rule: place for place, rule in enumerate(correlation.rules)}
    return _alternatives(correlation.expression, places, True)


def _alternatives(expression: Expression, places: Mapping[int, int], truth: bool) -> list[Term]:
    if expression.word == "rule":
        place = frozenset({places[expression.rule]})
        return [(place, frozenset())] if truth else [(frozenset(), place)]
    if expression.word == "not":
        return _alternatives(expression.children[0], places, not truth)
    parts = [_alternatives(child, places, truth) for child in expression.children]
    if (expression.word == "or") == truth:
        return list(dict.fromkeys(term for part in parts for term in part))
    found: list[Term] = [(frozenset(), frozenset())]
    for part in parts:
        joined = ((wanted | more, unwanted | less) for wanted, unwanted in found for more, less in part)
        found = list(dict.fromkeys(term for term in joined if term[0].isdisjoint(term[1])))
    return found
