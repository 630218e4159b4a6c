"""A correlation's condition as numbers: ``{gt: 100, lte: 200}``, with ``field`` and ``percentile`` where its type needs them.

Source: SigmaHQ specification v2.1, "Sigma Correlation Rules", "Condition"; ``percentile`` is pySigma's key.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from ostiary.language.mistake import did_you_mean
from ostiary.language.nodes import Mapping, Node, Scalar, Sequence
from ostiary.language.scalars import value_of
from ostiary.language.source import Source
from ostiary.vocabulary.rule import CorrelationType

OPERATORS = ("gt", "gte", "lt", "lte", "eq", "neq")
IMMEDIATE = frozenset({"gt", "gte"})
"""What one more event can reach; everything else is decided when a window closes."""
TEMPORAL: frozenset[CorrelationType] = frozenset({"temporal", "temporal_ordered"})
OF_VALUES: frozenset[str] = frozenset(kind for kind in get_args(CorrelationType) if kind.startswith("value_"))
COUNTING: frozenset[CorrelationType] = frozenset({"event_count", "value_count", "temporal", "temporal_ordered"})
"""Types whose number is a whole one, from 0."""
MAX_FIELDS = 8
"""Fields of one ``value_count``."""
_KIND = "correlation-condition"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a condition of numbers says."""

    conditions: tuple[tuple[str, float], ...] = ()
    fields: tuple[str, ...] = ()
    percentile: float | None = None


def read_thresholds(node: Mapping, kind: CorrelationType | None, rules: int | None, source: Source) -> Thresholds | None:
    """The condition of a correlation of a type over so many ``rules``; None when it has mistakes, which go to the source.

    A type or a number of rules that is not known leaves out what depends on it.
    """
    before = len(source.mistakes)
    conditions = [(key.value, _number(key, value, kind, source)) for key, value in node if key.value in OPERATORS]
    strange = [key for key, _ in node if key.value not in (*OPERATORS, "field", "percentile")]
    for key in strange:
        source.refuse(key.mark, _KIND, f"`{key.value}` is no operator", did_you_mean(key.value, OPERATORS) or "use `gte`")
    if not conditions and not strange:
        source.refuse(node.mark, _KIND, "the condition compares with no number", "write `gte: 10`")
    fields = _fields(node, kind, source)
    percentile = _percentile(node, kind, source)
    numbers = tuple((operator, number) for operator, number in conditions if number is not None)
    # A misspelt operator, or a number that is none, may bound what the others leave open.
    meant = any(did_you_mean(key.value, OPERATORS) for key in strange)
    if kind is not None and numbers and len(numbers) == len(conditions) and not meant:
        _check_possible(node, numbers, kind, rules, source)
    return Thresholds(numbers, fields, percentile) if len(source.mistakes) == before else None


def _number(key: Scalar, node: Node, kind: CorrelationType | None, source: Source) -> float | None:
    value = value_of(node) if isinstance(node, Scalar) else None
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if good and (kind not in COUNTING or (isinstance(value, int) and value >= 0)):
        assert isinstance(value, int | float)
        return value
    what = "a whole number, from 0" if kind in COUNTING else "a number"
    source.refuse(node.mark, _KIND, f"`{key.value}` needs {what}", "write it without quotes" if isinstance(value, str) else "")
    return None


def _fields(node: Mapping, kind: CorrelationType | None, source: Source) -> tuple[str, ...]:
    given = node.get("field")
    if kind is None:
        return ()
    if kind not in OF_VALUES:
        if given is not None:
            source.refuse(given.mark, _KIND, f"`field` means nothing for {kind}", "use `value_count` to count its values")
        return ()
    if given is None:
        source.refuse(node.mark, _KIND, f"{kind} needs the `field` whose values it takes", "write `field: url.path` beside the number")
        return ()
    nodes = given.items if isinstance(given, Sequence) else (given,)
    names = [value for part in nodes if isinstance(part, Scalar) and isinstance(value := value_of(part), str) and value]
    if len(names) != len(nodes) or not names:
        source.refuse(given.mark, _KIND, "`field` must be a field's name, or a list of names")
    elif len(set(names)) < len(names):
        source.refuse(given.mark, _KIND, "`field` names a field twice")
    elif len(names) > 1 and kind != "value_count":
        source.refuse(given.mark, _KIND, f"{kind} takes one field", "only `value_count` counts distinct values of several fields together")
    elif len(names) > MAX_FIELDS:
        source.refuse(given.mark, _KIND, f"`field` names {len(names)} fields; at most {MAX_FIELDS}")
    return tuple(names)


def _percentile(node: Mapping, kind: CorrelationType | None, source: Source) -> float | None:
    given = node.get("percentile")
    if kind is None:
        return None
    if kind != "value_percentile":
        if given is not None:
            source.refuse(given.mark, _KIND, f"`percentile` means nothing for {kind}")
        return None
    value = value_of(given) if isinstance(given, Scalar) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
        return float(value)
    message = "value_percentile needs `percentile`: a number from 0 to 100"
    source.refuse(given.mark if given else node.mark, _KIND, message, "Sigma does not say which one is meant: write `percentile: 95`")
    return None


def _check_possible(
    node: Mapping, conditions: tuple[tuple[str, float], ...], kind: CorrelationType, rules: int | None, source: Source
) -> None:
    """Conditions that never hold, or always do, are mistakes of thought."""
    given = dict(conditions)
    whole = kind in COUNTING
    lowest = max(given.get("gte", -math.inf), given.get("gt", -math.inf) + (1 if whole else 0), 0 if whole else -math.inf)
    highest = min(given.get("lte", math.inf), given.get("lt", math.inf) - (1 if whole else 0))
    if kind in TEMPORAL and rules is not None:
        highest = min(highest, rules)
    if "eq" in given:
        inside = lowest <= given["eq"] <= highest
        lowest = highest = given["eq"] if inside else math.nan
    strict = not whole and ("gt" in given or "lt" in given) and lowest == highest
    if not lowest <= highest or strict or (lowest == highest == given.get("neq")):
        hint = f"there {'is 1 rule' if rules == 1 else f'are {rules} rules'}" if kind in TEMPORAL and rules is not None else ""
        source.refuse(node.mark, _KIND, "the condition can never hold", hint)
    elif whole and lowest <= 0 and highest == math.inf and "neq" not in given:
        source.refuse(node.mark, _KIND, "the condition always holds", "write `gte: 1`, or more")
