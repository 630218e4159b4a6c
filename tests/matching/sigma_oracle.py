"""pySigma's reading of a rule, evaluated by the book: a slow and obvious evaluator of its parse tree, written from the specification.

Meaning (Sigma specification v2.1; where that is silent, what ``docs/language.md`` decides): strings match whole values without case,
``*`` any run, ``?`` one character. Numbers and texts compare both ways. A missing field makes an item false. Null is absent or null.
Any value of a field with several satisfies an item. Keywords are found in any text of the event. Dates are read in UTC.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from ostiary.vocabulary.plan import Wild


def _beside(name: str) -> ModuleType:
    known = sys.modules.get(f"matching_{name}")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"matching_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"matching_{name}"] = module
    spec.loader.exec_module(module)
    return module


reference = _beside("reference")
Event = Mapping[str, Any]
FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}


class RefusedByPySigma(Exception):
    """pySigma does not take the rule; the text says why."""


class Oracle:
    """One rule as pySigma reads it."""

    def __init__(self, rule: str) -> None:
        try:
            self._trees = [condition.parsed for condition in SigmaRule.from_yaml(rule).detection.parsed_condition]
        except (SigmaError, AttributeError, TypeError, ValueError, RecursionError) as error:
            raise RefusedByPySigma(f"{type(error).__name__}: {error}") from None

    def matches(self, event: Event) -> bool:
        return any(_holds(tree, event) for tree in self._trees)


def _holds(node: Any, event: Event) -> bool:
    if isinstance(node, ConditionAND):
        return False not in [_holds(child, event) for child in node.args]
    if isinstance(node, ConditionOR):
        return True in [_holds(child, event) for child in node.args]
    if isinstance(node, ConditionNOT):
        return not _holds(node.args[0], event)
    if isinstance(node, ConditionValueExpression):
        return _keyword(node.value, event)
    assert isinstance(node, ConditionFieldEqualsValueExpression), node
    return _item(node.field, node.value, event)


def _keyword(value: Any, event: Event) -> bool:
    if isinstance(value, SigmaExpansion):
        return any(_keyword(each, event) for each in value.values)
    pattern = tokens(value) if isinstance(value, SigmaString) else (str(value),)
    texts = [member for held in event.values() for member in _members(held) if isinstance(member, str)]
    cased = isinstance(value, SigmaCasedString)
    return any(reference.glob((Wild.ANY, *pattern, Wild.ANY), text, cased=cased) for text in texts)


def tokens(string: SigmaString) -> tuple[Any, ...]:
    kinds = {SpecialChars.WILDCARD_MULTI: Wild.ANY, SpecialChars.WILDCARD_SINGLE: Wild.ONE}
    return tuple(kinds[part] if isinstance(part, SpecialChars) else str(part) for part in string.s)


def _members(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value]


def _item(field: str, value: Any, event: Event) -> bool:
    if isinstance(value, SigmaExpansion):
        return any(_item(field, each, event) for each in value.values)
    if isinstance(value, SigmaExists):
        return (field in event) == bool(value.exists)
    members = _members(event[field]) if field in event else []
    if isinstance(value, SigmaNull):
        return not members or None in members
    given = [member for member in members if member is not None]
    if isinstance(value, SigmaFieldReference):
        others = [member for member in _members(event.get(value.field)) if member is not None]
        return any(_related(value, reference.text_of(one), reference.text_of(other)) for one in given for other in others)
    return any(_one(value, member) for member in given)


def _one(value: Any, member: Any) -> bool:
    text = reference.text_of(member)
    if isinstance(value, SigmaString):
        return bool(reference.glob(tokens(value), text, cased=isinstance(value, SigmaCasedString)))
    if isinstance(value, SigmaTimestampPart):
        part = _part(value.timestamp_part.name, member)
        return part == value.number
    if isinstance(value, SigmaNumber):
        return bool(text == reference.text_of(value.number))
    if isinstance(value, SigmaBool):
        return bool(text.lower() == ("true" if value.boolean else "false"))
    if isinstance(value, SigmaRegularExpression):
        return _found(value, text)
    if isinstance(value, SigmaCIDRExpression):
        try:
            return ipaddress.ip_address(text) in ipaddress.ip_network(value.cidr)
        except ValueError:
            return False
    assert isinstance(value, SigmaCompareExpression), value
    return _compared(value, member)


def _related(value: SigmaFieldReference, one: str, other: str) -> bool:
    before = (Wild.ANY,) if value.ends_with else ()
    after = (Wild.ANY,) if value.starts_with else ()
    return bool(reference.glob((*before, other, *after), one, cased=False))


def _found(value: SigmaRegularExpression, text: str) -> bool:
    """Python's engine, where it differs brought to RE2's meaning.

    Its ``$`` also stands before a last line end, and its classes know Unicode, which those of RE2 do not. But without case ``\\w``
    of RE2 holds what folds to an ASCII letter: the Kelvin sign and the long s.
    """
    expression = re.sub(r"(?<!\\)\\([bdsw])", r"(?a:\\\1)", str(value.regexp))
    if SigmaRegularExpressionFlag.IGNORECASE in value.flags:
        expression = expression.replace(r"(?a:\w)", r"(?a:[\w\u212a\u017f])")
    flags = sum(FLAGS[flag] for flag in value.flags)
    if not flags & re.MULTILINE:
        expression = re.sub(r"(?<!\\)\$", r"\\Z", expression)
    return re.search(expression, text, flags) is not None


def _number(member: Any) -> float | int | None:
    if isinstance(member, bool):
        return None
    if isinstance(member, str):
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", member):
            return None
        return float(member) if set(member) & set(".eE") else int(member)
    return member


def _compared(value: SigmaCompareExpression, member: Any) -> bool:
    number: Any = value.number.number
    found = _part(value.number.timestamp_part.name, member) if isinstance(value.number, SigmaTimestampPart) else _number(member)
    if found is None:
        return False
    return bool({"LT": found < number, "LTE": found <= number, "GT": found > number, "GTE": found >= number}[value.op.name])


def _part(part: str, member: Any) -> int | None:
    try:
        seconds = _number(member)
        if seconds is None:
            if not isinstance(member, str) or "T" not in member:
                return None
            time = datetime.fromisoformat(member).astimezone(UTC)
        else:
            time = datetime.fromtimestamp(float(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return time.isocalendar()[1] if part == "WEEK" else int(getattr(time, part.lower()))
