"""Events as a correlation sees them: in which groups an event counts, and with which values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product

from ostiary.matching.correlate_measure import NUMERIC, Observation, Value
from ostiary.matching.subject import Subject, canonical, number
from ostiary.vocabulary.request import Fields, Scalar
from ostiary.vocabulary.rule import Correlation, Rule, Ruleset

MAX_GROUPS = 1000
"""Groups that one event counts in for one correlation, and tuples of values that ``value_count`` reads of it; more are left out."""
MAX_VALUES = 1000
"""Numbers that one event brings to a sum."""

Group = tuple[str, ...]
"""The values of ``group_by``, as text, in its order."""
Key = Callable[[Scalar], str | None]
"""What tells two values of a field apart; None for a value that is none."""
Names = tuple[str, ...]
Views = Mapping[int, Sequence["View"]]
"""Rule index → the fields with which it matched: of a correlation that holds in several groups there are several."""


def resolved(correlation: Correlation, rule: int, name: str) -> str:
    """The field of ``rule`` that a name in ``group-by`` or ``field`` means: an alias may say another one for each rule."""
    for alias, fields in correlation.aliases:
        if alias == name:
            return dict(fields).get(rule, name)
    return name


def fields_of(correlation: Correlation, rule: int) -> tuple[str, ...]:
    """Every field of a referred rule that the correlation reads."""
    names = (*correlation.group_by, *correlation.fields)
    return tuple(dict.fromkeys(resolved(correlation, rule, name) for name in names))


def in_order(ruleset: Ruleset) -> tuple[Rule, ...]:
    """The correlations, each after those that it refers to. A cycle, which no Ruleset has, fails an assertion."""
    found: dict[int, Rule] = {}

    def visit(rule: Rule, below: tuple[int, ...]) -> None:
        assert rule.index not in below, f"correlation {rule.id} refers to itself"
        if rule.correlation is None or rule.index in found:
            return
        for index in rule.correlation.rules:
            visit(ruleset.rules[index], (*below, rule.index))
        found[rule.index] = rule

    for rule in ruleset.rules:
        visit(rule, ())
    return tuple(found.values())


class View:
    """One event's fields as correlations read them; each is worked out once, however many ask. ``key`` tells values apart."""

    __slots__ = ("_groups", "_key", "_numbers", "_subject", "_texts")

    def __init__(self, fields: Fields, key: Key = canonical) -> None:
        self._subject = Subject(fields, fields)
        self._key = key
        self._texts: dict[str, tuple[str, ...]] = {}
        self._groups: dict[Names, tuple[Group, ...]] = {}
        self._numbers: dict[Names, tuple[Value, ...]] = {}

    def values(self, name: str) -> tuple[Scalar, ...]:
        """All values of a field, null among them."""
        return self._subject.values(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """The distinct values of a field that are not null, as text."""
        found = self._texts.get(name)
        if found is None:
            keyed = map(self._key, self._subject.values(name))
            found = self._texts[name] = tuple(dict.fromkeys(text for text in keyed if text is not None))
        return found

    def groups(self, names: Names) -> tuple[Group, ...]:
        """Every combination of the fields' values: the groups that the event is in, none where a field is absent."""
        found = self._groups.get(names)
        if found is None:
            found = self._groups[names] = tuple(islice(product(*map(self.texts, names)), MAX_GROUPS))
        return found

    def numbers(self, names: Names) -> tuple[Value, ...]:
        """All numbers of the fields as one Value; none where there is no number."""
        found = self._numbers.get(names)
        if found is None:
            all_ = tuple(islice((one for name in names for one in finite(self._subject.values(name))), MAX_VALUES))
            found = self._numbers[names] = (all_,) if all_ else ()
        return found


class Gatherer:
    """Finds the Observations of one correlation.

    An event that lacks a field of ``group_by`` is not counted; of one with several values each is a group. An event without any
    value (any number) of what ``value_*`` reads is not counted either.
    """

    def __init__(self, correlation: Correlation) -> None:
        self._numeric = correlation.type in NUMERIC
        self._named = {
            rule: (
                (place,),
                tuple(resolved(correlation, rule, name) for name in correlation.group_by),
                tuple(resolved(correlation, rule, name) for name in correlation.fields),
            )
            for place, rule in enumerate(correlation.rules)
        }

    def observations(self, views: Views, time: float, id: str) -> dict[Group, Observation]:
        """One Observation for each group that the event counts in."""
        found: dict[Group, Observation] = {}
        for rule in views.keys() & self._named.keys():
            place, group_by, fields = self._named[rule]
            for view in views[rule]:
                values: tuple[Value, ...] = ()
                if fields:
                    values = view.numbers(fields) if self._numeric else view.groups(fields)
                    if not values:
                        continue
                for group in view.groups(group_by):
                    seen = Observation(time, id, place, values)
                    found[group] = found[group].merged(seen) if group in found else seen
        return found


def finite(values: Iterable[Scalar]) -> Iterator[float]:
    """The numbers among values, written as text or not, that a double can hold.

    >>> list(finite([1, "2.5", "many", None, True, 10**400]))
    [1.0, 2.5]
    """
    for value in values:
        found = number(value)
        if found is None:
            continue
        try:
            wide = float(found)
        except OverflowError:
            continue
        if math.isfinite(wide):
            yield wide
