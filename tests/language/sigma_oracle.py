"""A slow and obvious evaluator of pySigma's own parse tree, which the language is held against."""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Mapping
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
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
    SpecialChars,
)

Event = Mapping[str, Any]
_COMPARE = {"LT": operator.lt, "LTE": operator.le, "GT": operator.gt, "GTE": operator.ge}
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}


def matches(rule: str, event: Event) -> bool:
    """Whether pySigma's reading of a rule holds for an event."""
    conditions = SigmaRule.from_yaml(rule).detection.parsed_condition
    return any(_holds(condition.parsed, event) for condition in conditions)


def _holds(node: Any, event: Event) -> bool:
    if isinstance(node, ConditionAND):
        return all(_holds(child, event) for child in node.args)
    if isinstance(node, ConditionOR):
        return any(_holds(child, event) for child in node.args)
    if isinstance(node, ConditionNOT):
        return not _holds(node.args[0], event)
    if isinstance(node, ConditionValueExpression):
        pattern = node.value if isinstance(node.value, SigmaString) else SigmaString(str(node.value))
        cased = isinstance(node.value, SigmaCasedString)
        return any(_glob(pattern, str(value), cased=cased, anywhere=True) for value in event.values() if value is not None)
    assert isinstance(node, ConditionFieldEqualsValueExpression)
    return _item(node.field, node.value, event)


def _item(field: str, value: Any, event: Event) -> bool:
    if isinstance(value, SigmaExpansion):
        return any(_item(field, form, event) for form in value.values)
    if isinstance(value, SigmaExists):
        return (field in event) == value.exists
    if isinstance(value, SigmaNull):
        return event.get(field) is None
    given = event.get(field)
    if given is None:
        return False
    text = ("true" if given else "false") if isinstance(given, bool) else str(given)
    if isinstance(value, SigmaString):
        return _glob(value, text, cased=isinstance(value, SigmaCasedString))
    if isinstance(value, SigmaNumber):
        return text == str(value.number)
    if isinstance(value, SigmaBool):
        return text == ("true" if value.boolean else "false")
    if isinstance(value, SigmaRegularExpression):
        flags = sum(_FLAGS[flag] for flag in value.flags)
        return re.search(value.regexp.to_plain(), text, flags) is not None
    if isinstance(value, SigmaCompareExpression):
        try:
            return bool(_COMPARE[value.op.name](float(text), value.number.number))
        except ValueError:
            return False
    if isinstance(value, SigmaCIDRExpression):
        try:
            return ipaddress.ip_address(text) in ipaddress.ip_network(value.cidr)
        except ValueError:
            return False
    assert isinstance(value, SigmaFieldReference)
    other = event.get(value.field)
    if other is None:
        return False
    one, two = text.lower(), str(other).lower()
    if value.starts_with and value.ends_with:
        return two in one
    return one.startswith(two) if value.starts_with else one.endswith(two) if value.ends_with else one == two


def _glob(pattern: SigmaString, text: str, *, cased: bool = False, anywhere: bool = False) -> bool:
    parts = []
    for part in pattern.s:
        if part is SpecialChars.WILDCARD_MULTI:
            parts.append(".*")
        elif part is SpecialChars.WILDCARD_SINGLE:
            parts.append(".")
        else:
            parts.append(re.escape(str(part)))
    expression = re.compile("".join(parts), re.DOTALL | (0 if cased else re.IGNORECASE))
    return (expression.search(text) if anywhere else expression.fullmatch(text)) is not None
