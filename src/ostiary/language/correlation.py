"""``correlation:`` → a Correlation: its rules found, its condition read, and where it is decided.

Source: SigmaHQ specification v2.1, "Sigma Correlation Rules".
"""

from __future__ import annotations

from collections.abc import Mapping as NameMap
from collections.abc import Sequence as Items
from dataclasses import dataclass, field

from ostiary.language.document import RuleDocument
from ostiary.language.mistake import did_you_mean
from ostiary.language.nodes import Mapping, Node, Scalar
from ostiary.language.reading import place
from ostiary.language.scalars import value_of
from ostiary.language.temporal import ExpressionError, Named, Part, names_in, parse_expression
from ostiary.language.thresholds import IMMEDIATE, TEMPORAL, Thresholds, read_thresholds
from ostiary.vocabulary.rule import Correlation, Expression

_AT = "correlation"


@dataclass(slots=True)
class Referring:
    """A correlation whose references are found. None: it has mistakes."""

    rules: tuple[int, ...] | None = None
    """All its rules, when its condition is good too."""
    wanted: tuple[str, ...] | None = None
    """Its rules as it names them, found or not."""
    part: Part | None = None
    """Its condition, where that is text."""
    thresholds: Thresholds | None = None
    names: dict[str, int] = field(default_factory=dict)
    """Names and ids as it writes them, of the rules that were found."""


def find_rules(rule: RuleDocument, documents: Items[RuleDocument], names: NameMap[str, int]) -> Referring:
    """Finds the rules of a correlation, and reads its condition. Mistakes go to its source."""
    document = rule.correlation
    assert document is not None
    referring = Referring()
    node = rule.node.get(_AT)
    condition = node.get("condition") if isinstance(node, Mapping) else None
    good, wanted = True, document.rules
    if isinstance(condition, Scalar) and isinstance(value_of(condition), str):
        referring.part = _expression(rule, condition)
        good = referring.part is not None
        if wanted is None and referring.part is not None:
            wanted = [named.name for named in names_in(referring.part)]
    else:
        good = _condition(rule, condition, None if wanted is None else len(wanted), referring)
        if wanted is None and f"{_AT}.rules" not in rule.wrong:
            rule.refuse((_AT,), "missing-key", "`correlation.rules` is missing", "name the rules whose matches are correlated")
    if wanted is not None:
        referring.wanted = tuple(wanted)
        found = _found(rule, wanted, documents, names, referring)
        referring.rules = found if good else None
    return referring


def _expression(rule: RuleDocument, condition: Scalar) -> Part | None:
    assert rule.correlation is not None
    if rule.correlation.type not in TEMPORAL and f"{_AT}.type" not in rule.wrong:
        message = f"a condition over rules does not go with {rule.correlation.type}"
        rule.refuse((_AT, "condition"), "correlation-condition", message, "write `condition: {gte: 10}`, or use type temporal")
        return None
    try:
        part = parse_expression(condition.value)
    except ExpressionError as error:
        rule.source.refuse(rule.source.inside(condition, error.offset), "correlation-expression", error.message, error.hint)
        return None
    listed, used = rule.correlation.rules, {named.name: named for named in names_in(part)}
    if listed is None:
        return part
    good = True
    for position, name in enumerate(listed):
        if name not in used:
            rule.refuse(
                (_AT, "rules", position), "correlation-expression", f"the condition does not ask for `{name}`", "remove one of both"
            )
            good = False
    for name, named in used.items():
        if name not in listed:
            at = rule.source.inside(condition, named.offset)
            rule.source.refuse(at, "correlation-expression", f"`{name}` is none of the `rules`", did_you_mean(name, listed))
            good = False
    return part if good else None


def _found(
    rule: RuleDocument, wanted: Items[str], documents: Items[RuleDocument], names: NameMap[str, int], referring: Referring
) -> tuple[int, ...] | None:
    assert rule.correlation is not None
    listed = rule.correlation.rules is not None
    for position, name in enumerate(wanted):
        path: tuple[str | int, ...] = (_AT, "rules", position) if listed else (_AT, "condition")
        other = names.get(name)
        if other is None:
            rule.refuse(path, "unknown-rule", f"there is no rule with the id or name `{name}`", did_you_mean(name, names))
        elif documents[other] is rule:
            rule.refuse(path, "correlation-cycle", "the correlation refers to itself")
        elif other in referring.names.values():
            rule.refuse(path, "rule-twice", f"`{name}` names a rule that is there already")
        else:
            referring.names[name] = other
    return tuple(referring.names.values()) if len(referring.names) == len(wanted) else None


def _condition(rule: RuleDocument, condition: Node | None, rules: int | None, referring: Referring) -> bool:
    assert rule.correlation is not None
    kind = rule.correlation.type if f"{_AT}.type" not in rule.wrong else None
    if condition is None and (kind in TEMPORAL or kind is None):
        referring.thresholds = Thresholds()
        if rules == 1:
            rule.refuse((_AT, "rules"), "correlation-condition", f"{kind} needs more than one rule", "use `event_count`")
        return rules != 1
    if isinstance(condition, Mapping):
        referring.thresholds = read_thresholds(condition, kind, rules, rule.source)
        return referring.thresholds is not None
    if condition is None:
        rule.refuse((_AT,), "missing-key", "`correlation.condition` is missing", "write `condition: {gte: 10}`")
    else:
        rule.refuse((_AT, "condition"), "correlation-condition", "`condition` must be a map such as `{gte: 10}`")
    return False


def correlation_of(rule: RuleDocument, referring: Referring, names: NameMap[str, int]) -> Correlation | None:
    """The Correlation, without a counter. Mistakes go to the rule's source; None: it has some."""
    document = rule.correlation
    if document is None or referring.wanted is None:
        return None
    aliases = _aliases(rule, referring, names)
    thresholds = referring.thresholds or Thresholds()
    if aliases is None or referring.rules is None:
        return None
    return Correlation(
        type=document.type,
        rules=referring.rules,
        group_by=tuple(document.group_by),
        timespan=document.timespan,
        conditions=thresholds.conditions,
        fields=thresholds.fields,
        percentile=thresholds.percentile,
        expression=None if referring.part is None else _resolved(referring.part, referring.names),
        aliases=aliases,
    )


def _resolved(part: Part, names: NameMap[str, int]) -> Expression:
    if isinstance(part, Named):
        return Expression("rule", names[part.name])
    word = next(word for word in ("and", "or", "not") if word == part.word)
    return Expression(word, children=tuple(_resolved(inner, names) for inner in part.parts))


def _aliases(
    rule: RuleDocument, referring: Referring, names: NameMap[str, int]
) -> tuple[tuple[str, tuple[tuple[int, str], ...]], ...] | None:
    assert rule.correlation is not None
    document = rule.correlation
    fields = referring.thresholds.fields if referring.thresholds else ()
    found: list[tuple[str, tuple[tuple[int, str], ...]]] = []
    good = True
    for alias, mapping in document.aliases.items():
        pairs = _pairs(rule, alias, mapping, referring, names)
        if alias not in (*document.group_by, *fields) and referring.rules is not None and not rule.wrong:
            at = place(rule.node, (_AT, "aliases", alias), of_key=True)
            rule.source.warn(at, "alias-unused", f"alias `{alias}` is not used by `group-by`")
        if pairs is None:
            good = False
        else:
            found.append((alias, pairs))
    return tuple(found) if good else None


def _pairs(
    rule: RuleDocument, alias: str, mapping: NameMap[str, str], referring: Referring, names: NameMap[str, int]
) -> tuple[tuple[int, str], ...] | None:
    path = (_AT, "aliases", alias)
    pairs: dict[int, str] = {}
    good = True
    for name, target in mapping.items():
        index = names.get(name)
        if index is None or index not in referring.names.values():
            good = False
            if name not in (referring.wanted or ()):
                at = place(rule.node, (*path, name), of_key=True)
                rule.source.refuse(at, "alias-rule", f"`{name}` is none of the `rules`", did_you_mean(name, referring.names))
        else:
            pairs[index] = target
    lacking = next((name for name, index in referring.names.items() if index not in pairs), None)
    if good and lacking is not None:
        rule.refuse(path, "alias-rule", f"alias `{alias}` says no field for `{lacking}`", f"write `{lacking}: …`")
        good = False
    return tuple(sorted(pairs.items())) if good else None


def why_in_record(rule: RuleDocument, referring: Referring, documents: Items[RuleDocument]) -> str:
    """Why the request path can't decide a correlation, apart from its grouping; empty when it can, or mistakes leave it open."""
    kind = rule.correlation.type if rule.correlation else "event_count"
    if kind != "event_count":
        return f"{kind} needs more than a count"
    chained = next((documents[index].id for index in referring.names.values() if documents[index].is_correlation), None)
    if chained is not None:
        return f"it counts a correlation, `{chained}`"
    conditions = referring.thresholds.conditions if referring.thresholds else ()
    late = next((operator for operator, _ in conditions if operator not in IMMEDIATE), None)
    if late is not None:
        return f"`{late}` is known when the window closes"
    return ""
