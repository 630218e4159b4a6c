"""Documents → a Ruleset: names become indexes, counts become Counters, and each Rule gets its version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from ostiary.language.counters import Counters, check_grouping
from ostiary.language.demands import check_demands
from ostiary.language.document import Options, RuleDocument
from ostiary.language.mistake import did_you_mean
from ostiary.language.reading import place
from ostiary.ruleset.rule_codec import encode_rule
from ostiary.vocabulary.plan import Plan
from ostiary.vocabulary.rule import MAX_COUNTERS, Correlation, Limit, Rule

_OPERATORS = ("gt", "gte", "lt", "lte", "eq", "neq")
_VERSION_DIGITS = 12


@dataclass(slots=True)
class Linked:
    """What came of all documents together."""

    rules: list[Rule] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)


def names_of(documents: Sequence[RuleDocument]) -> dict[str, int]:
    """Ids and names → index of the document. What two documents claim is a mistake at the second."""
    names: dict[str, int] = {}
    ids: dict[str, int] = {}
    for index, rule in enumerate(documents):
        declared = [(key, node.value) for key in ("id", "name") if (node := rule.node.get(key)) is not None and hasattr(node, "value")]
        for key, value in declared:
            first = names.setdefault(value, index)
            if first != index:
                _duplicate(rule, key, value, documents[first])
        first = ids.setdefault(rule.id, index)
        if first != index and rule.id:
            if rule.node.get("id") is None:
                _duplicate(rule, "title", rule.id, documents[first])
            elif documents[first].node.get("id") is None:
                _duplicate(rule, "id", rule.id, documents[first])
    return names


def _duplicate(rule: RuleDocument, key: str, value: str, first: RuleDocument) -> None:
    where = first.source.position(first.node.mark)
    hint = "give the rules ids" if key == "title" else f"give this one another {key}"
    rule.refuse((key,), f"duplicate-{key}", f"{key} `{value}` is taken by the rule at {where}", hint)


def link(documents: Sequence[RuleDocument], names: dict[str, int], options: Options) -> Linked:
    """Links all documents. Mistakes go to their sources; a Rule that has some is still in its place, for the others' sake."""
    linked = Linked()
    for rule in documents:
        if rule.is_correlation:
            rule.category = "request"
    for rule in documents:
        _settle_category(rule, documents, names)
    for index, rule in enumerate(documents):
        before = len(rule.source.mistakes)
        check_demands(rule)
        linked.rules.append(_rule(index, rule, documents, names, linked.counters, options))
        rule.refused = rule.refused or len(rule.source.mistakes) > before
    return Linked(
        [replace(rule, version=_version(rule, linked.rules)) for rule in _silenced(linked.rules, documents, names)], linked.counters
    )


def _settle_category(rule: RuleDocument, documents: Sequence[RuleDocument], names: dict[str, int]) -> None:
    """A correlation is about what its rules are about: of one foreign rule it never applies."""
    if rule.correlation is None:
        return
    categories = {documents[names[name]].category for name in rule.correlation.rules if name in names}
    rule.category = next((category for category in ("foreign", "group_window", "account_window") if category in categories), "request")


def _rule(
    index: int, rule: RuleDocument, documents: Sequence[RuleDocument], names: dict[str, int], counters: Counters, options: Options
) -> Rule:
    ours, metadata = rule.ours, rule.metadata
    return Rule(
        index=index,
        id=rule.id,
        title=rule.title,
        version="",
        level=metadata.level if metadata else "informational",
        category=rule.category,
        name=metadata.name if metadata else None,
        topic=rule.source.topic,
        plan=rule.plan,
        correlation=_correlation(rule, index, documents, names, counters, options),
        mode=ours.mode,
        action=ours.action,
        limit=_limit(rule, index, counters, options),
        withhold=tuple(ours.withhold),
        clause=ours.clause,
        message=ours.message,
        on_error=ours.on_error,
    )


def _limit(rule: RuleDocument, index: int, counters: Counters, options: Options) -> Limit | None:
    limit = rule.ours.limit
    if limit is None or rule.plan is None or rule.category != "request":
        return None
    group_by = tuple(limit.group_by)
    name = ""
    if not options.foreign_fields and check_grouping(rule, ("ostiary", "limit", "group-by"), group_by, [rule.plan]):
        name = counters.add("limit", limit.timespan, limit.buckets, group_by, [(index, rule.plan)], penalise=limit.penalise)
        _check_room(rule, ("ostiary", "limit"), counters)
    return Limit(limit.max, limit.timespan, group_by, limit.buckets, limit.penalise, name)


def _check_room(rule: RuleDocument, path: tuple[str, ...], counters: Counters) -> None:
    if counters.full:
        rule.refuse(
            path,
            "too-many-counters",
            f"this is counter {len(counters.by_id)} of a principal; at most {MAX_COUNTERS}",
            "share windows and selections",
        )


def _correlation(
    rule: RuleDocument,
    index: int,
    documents: Sequence[RuleDocument],
    names: dict[str, int],
    counters: Counters,
    options: Options,
) -> Correlation | None:
    document = rule.correlation
    if document is None:
        return None
    referred = _referred(rule, index, document.rules, documents, names)
    conditions = _conditions(rule)
    if document.aliases is not None:
        rule.refuse(("correlation", "aliases"), "correlation-not-yet", "`aliases` are not evaluated yet", "give the field one name")
    if referred is None or conditions is None:
        return None
    group_by = tuple(document.group_by or ())
    correlation = Correlation("event_count", tuple(referred), group_by, document.timespan, conditions)
    plans = [(other, plan) for other in referred if (plan := documents[other].plan) is not None]
    if rule.category != "request" or options.foreign_fields or len(plans) < len(referred):
        return correlation
    if not _on_request_path(rule, [plan for _, plan in plans]):
        return correlation
    name = counters.add("matches", document.timespan, correlation.buckets, group_by, plans)
    _check_room(rule, ("correlation",), counters)
    return replace(correlation, counter=name)


def _referred(
    rule: RuleDocument, index: int, wanted: Sequence[str], documents: Sequence[RuleDocument], names: dict[str, int]
) -> list[int] | None:
    found: list[int] = []
    for position, name in enumerate(wanted):
        path = ("correlation", "rules", position)
        other = names.get(name)
        if other is None:
            rule.refuse(path, "unknown-rule", f"there is no rule with the id or name `{name}`", did_you_mean(name, names))
        elif other == index:
            rule.refuse(path, "correlation-cycle", "the correlation refers to itself")
        elif documents[other].is_correlation:
            rule.refuse(path, "correlation-not-yet", f"`{name}` is a correlation: correlations of correlations are not evaluated yet")
        elif other in found:
            rule.refuse(path, "rule-twice", f"`{name}` names a rule that is there already")
        else:
            found.append(other)
    return found if len(found) == len(wanted) else None


def _conditions(rule: RuleDocument) -> tuple[tuple[str, float], ...] | None:
    assert rule.correlation is not None
    found: list[tuple[str, float]] = []
    given = rule.correlation.condition
    for operator, number in given.items():
        path = ("correlation", "condition", operator)
        if operator not in _OPERATORS:
            hint = did_you_mean(operator, _OPERATORS) or "use `gte`"
            rule.source.refuse(place(rule.node, path, of_key=True), "correlation-condition", f"`{operator}` is no operator", hint)
        elif isinstance(number, bool) or not isinstance(number, int) or number < 0:
            rule.refuse(path, "correlation-condition", f"`{operator}` needs a whole number of matches, from 0")
        else:
            found.append((operator, number))
    if not given:
        rule.refuse(("correlation", "condition"), "correlation-condition", "the condition is empty", "write `gte: 10`")
    return tuple(found) if given and len(found) == len(given) else None


def _on_request_path(rule: RuleDocument, plans: list[Plan]) -> bool:
    assert rule.correlation is not None
    document = rule.correlation
    good = True
    for operator, number in document.condition.items():
        if operator not in ("gt", "gte"):
            rule.refuse(
                ("correlation", "condition", operator),
                "correlation-not-yet",
                f"`{operator}` is decided when the window closes, which is not evaluated yet",
                "use `gt` or `gte`",
            )
            good = False
        elif number < (1 if operator == "gte" else 0):
            rule.refuse(("correlation", "condition", operator), "correlation-condition", f"`{operator}: {number}` always holds")
            good = False
    if document.group_by is None:
        rule.refuse(("correlation",), "missing-key", "`correlation.group-by` is missing", "write `group-by: [account.id]`")
        return False
    return check_grouping(rule, ("correlation", "group-by"), document.group_by, plans) and good


def _silenced(rules: list[Rule], documents: Sequence[RuleDocument], names: dict[str, int]) -> list[Rule]:
    """``generate: false`` silences the rules a correlation names, unless another correlation lets them speak."""
    silent: set[int] = set()
    speaking: set[int] = set()
    for document in documents:
        if document.correlation is None:
            continue
        generate = document.correlation.generate
        if generate is not None:
            (speaking if generate else silent).update(names[name] for name in document.correlation.rules if name in names)
    return [replace(rule, generate=False) if rule.index in silent - speaking else rule for rule in rules]


def _version(rule: Rule, rules: Sequence[Rule]) -> str:
    """A digest of what the rule does: its place among others, and counter ids (which follow from the rest), are no part of it."""
    data = encode_rule(rule)
    data["topic"] = ""
    if rule.correlation is not None:
        data["rules"] = [rules[index].id for index in rule.correlation.rules]
        data["correlation"][1] = []
    return sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:_VERSION_DIGITS]
