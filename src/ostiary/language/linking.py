"""Documents → a Ruleset: names become indexes, counts become Counters, and each Rule gets its version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from ostiary.language.correlation import Referring, correlation_of, find_rules, why_in_record
from ostiary.language.counters import Counters, Obstacle, obstacle, unknown_fields
from ostiary.language.demands import check_demands
from ostiary.language.document import Options, RuleDocument
from ostiary.language.nodes import Mapping, Mark, Node, Scalar
from ostiary.language.nodes import Sequence as Items
from ostiary.language.rule_test import suggest_field
from ostiary.ruleset.rule_codec import encode_rule
from ostiary.vocabulary.plan import Plan
from ostiary.vocabulary.rule import MAX_COUNTERS, Correlation, Expression, Limit, Rule

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
    rule.refused = True


def link(documents: Sequence[RuleDocument], names: dict[str, int], options: Options) -> Linked:
    """Links all documents. Mistakes go to their sources; a Rule that has some is still in its place, for the others' sake."""
    linked = Linked()
    found = _references(documents, names)
    for index in _bottom_up(documents, found):
        _settle_category(index, documents, found, options)
    for index, rule in enumerate(documents):
        before = len(rule.source.mistakes)
        correlation = _correlation(rule, found.get(index), documents, names, linked.counters, options)
        check_demands(rule)
        linked.rules.append(_rule(index, rule, correlation, linked.counters, options))
        rule.refused = rule.refused or len(rule.source.mistakes) > before
    spoken = _silenced(linked.rules, documents, found)
    return Linked([replace(rule, version=_version(rule, linked.rules)) for rule in spoken], linked.counters)


def _references(documents: Sequence[RuleDocument], names: dict[str, int]) -> dict[int, Referring]:
    found: dict[int, Referring] = {}
    for index, rule in enumerate(documents):
        if rule.correlation is not None:
            before = len(rule.source.mistakes)
            found[index] = find_rules(rule, documents, names)
            rule.refused = rule.refused or len(rule.source.mistakes) > before
    return found


def _bottom_up(documents: Sequence[RuleDocument], found: dict[int, Referring]) -> list[int]:
    """Correlations after those that they refer to. Of each circle, one reference is refused: then there is none."""
    order: list[int] = []
    state: dict[int, int] = {}
    for start in found:
        path = [start] if start not in state else []
        while path:
            index = path[-1]
            children = tuple(found[index].names.values())
            position = state.setdefault(index, 0)
            if position >= len(children):
                order.append(path.pop())
                continue
            state[index] = position + 1
            child = children[position]
            if child in path:
                circle = " → ".join(f"`{documents[one].id}`" for one in [*path[path.index(child) :], child])
                message = f"correlations refer to each other in a circle: {circle}"
                documents[index].refuse(("correlation", "rules"), "correlation-cycle", message, "remove one of these references")
                documents[index].refused = True
                found[index].rules = None
                found[index].names = {name: other for name, other in found[index].names.items() if other != child}
                state[index] = position
            elif child in found and child not in state:
                path.append(child)
    return order


def _settle_category(index: int, documents: Sequence[RuleDocument], found: dict[int, Referring], options: Options) -> None:
    """A correlation is about what its rules are about: of one foreign rule it never applies."""
    rule, referring = documents[index], found[index]
    others = [documents[other] for other in referring.names.values()]
    foreign = next((other for other in others if other.category == "foreign"), None)
    categories = list(dict.fromkeys(other.category for other in others))
    if foreign is not None:
        rule.never("rule", foreign.id)
    elif len(categories) > 1:
        message = f"its rules are about different things: {', '.join(categories)}"
        rule.refuse(("correlation", "rules"), "correlation-mixed", message, "correlate rules of one category")
        rule.refused = True
    elif categories:
        rule.category = categories[0]
    # Fields of an event that another product wrote are as foreign as a rule about it.
    if rule.category == "request" and not options.foreign_fields and _is_sigma_s(others or documents):
        strange = [name for _, name in unknown_fields(_fields_of(rule, referring))]
        if strange:
            rule.never("field", *strange)


def _is_sigma_s(rules: Sequence[RuleDocument]) -> bool:
    """Whether none of some rules is about our own log source; of correlations alone, none is."""
    return all(rule.is_sigma_s for rule in rules)


def _fields_of(rule: RuleDocument, referring: Referring) -> list[str]:
    """The fields of events that a correlation reads."""
    assert rule.correlation is not None
    document = rule.correlation
    targets = [target for mapping in document.aliases.values() for target in mapping.values()]
    own = [*document.group_by, *(referring.thresholds.fields if referring.thresholds else ())]
    if "correlation.aliases" in rule.wrong:
        return targets
    # An alias whose own fields are wrong is an alias all the same.
    return [*(name for name in own if name not in document.aliases and f"correlation.aliases.{name}" not in rule.wrong), *targets]


def _rule(index: int, rule: RuleDocument, correlation: Correlation | None, counters: Counters, options: Options) -> Rule:
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
        correlation=correlation,
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
    if limit is None or rule.is_correlation or rule.category != "request":
        return None
    group_by = tuple(limit.group_by)
    name = ""
    if not options.foreign_fields and _counts(rule, group_by) and rule.plan is not None:
        name = counters.add("limit", limit.timespan, limit.buckets, group_by, [(index, rule.plan)], penalise=limit.penalise)
        _check_room(rule, ("ostiary", "limit"), counters)
    return Limit(limit.max, limit.timespan, group_by, limit.buckets, limit.penalise, name)


def _counts(rule: RuleDocument, group_by: Sequence[str]) -> bool:
    """Whether a limit's count can live in the principal's item; if not, the reason is a mistake."""
    at = ("ostiary", "limit", "group-by")
    strange = unknown_fields(group_by)
    for position, name in strange:
        rule.refuse((*at, position), "unknown-field", f"no request has a field `{name}`", suggest_field(name))
    found = None if strange else obstacle(group_by, [rule.plan] if rule.plan is not None else [])
    if found is not None:
        rule.refuse(at if found.position is None else (*at, found.position), found.kind, found.message, found.hint)
    return not strange and found is None


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
    referring: Referring | None,
    documents: Sequence[RuleDocument],
    names: dict[str, int],
    counters: Counters,
    options: Options,
) -> Correlation | None:
    if referring is None:
        if rule.is_correlation:
            rule.decided = ""
        return None
    correlation = correlation_of(rule, referring, names)
    if rule.category != "request" or options.foreign_fields:
        rule.decided = "request path" if options.foreign_fields else "record"
        return correlation
    strange = [name for _, name in unknown_fields(_fields_of(rule, referring))]
    for name in strange:
        rule.source.refuse(_place_of(rule, name), "unknown-field", f"no request has a field `{name}`", suggest_field(name))
    plans = [(other, plan) for other in referring.names.values() if (plan := documents[other].plan) is not None]
    rule.because = _why_in_record(rule, referring, documents, [plan for _, plan in plans], strange)
    if rule.because:
        rule.decided = "record"
        return correlation
    if correlation is None or strange or rule.wrong or len(plans) < len(correlation.rules):
        rule.decided = ""
        return correlation
    name = counters.add("matches", correlation.timespan, correlation.buckets, correlation.group_by, plans)
    _check_room(rule, ("correlation",), counters)
    return replace(correlation, counter=name)


def _why_in_record(
    rule: RuleDocument, referring: Referring, documents: Sequence[RuleDocument], plans: Sequence[Plan], strange: Sequence[str]
) -> str:
    """Why ``record`` decides a correlation; empty when the request path does, or mistakes leave it open."""
    assert rule.correlation is not None
    because = why_in_record(rule, referring, documents)
    if because or strange:
        return because
    group_by = rule.correlation.group_by
    found = obstacle(group_by, plans)
    if found is not None:
        return _shortly(found, group_by)
    return "aliases are resolved there" if rule.correlation.aliases else ""


def _shortly(found: Obstacle, group_by: Sequence[str]) -> str:
    if found.position is not None:
        return f"it groups by `{group_by[found.position]}`, a fact"
    names = ", ".join(f"`{name}`" for name in group_by)
    what = "the principal" if found.kind == "group-by-principal" else "an account, where there is one"
    return f"it groups by {names}, not by {what}"


def _place_of(rule: RuleDocument, name: str) -> Mark:
    """Where a correlation names a field."""
    node = rule.node.get("correlation")
    waiting: list[Node] = [node] if node is not None else []
    while waiting:
        found = waiting.pop(0)
        if isinstance(found, Scalar) and found.value == name:
            return found.mark
        waiting += found.items if isinstance(found, Items) else [value for _, value in found] if isinstance(found, Mapping) else []
    return rule.mark("correlation")


def _silenced(rules: list[Rule], documents: Sequence[RuleDocument], found: dict[int, Referring]) -> list[Rule]:
    """``generate: false`` silences the rules a correlation names, unless another correlation lets them speak."""
    silent: set[int] = set()
    speaking: set[int] = set()
    for index, referring in found.items():
        generate = documents[index].generate
        if generate is not None:
            (speaking if generate else silent).update(referring.names.values())
    return [replace(rule, generate=False) if rule.index in silent - speaking else rule for rule in rules]


def _version(rule: Rule, rules: Sequence[Rule]) -> str:
    """A digest of what the rule does: its place among others, and counter ids (which follow from the rest), are no part of it."""
    data = encode_rule(rule)
    data["topic"] = ""
    if rule.correlation is not None:
        # Places of rules in the Ruleset become places in this rule's own list.
        own = {index: position for position, index in enumerate(rule.correlation.rules)}
        data["rules"] = [rules[index].id for index in rule.correlation.rules]
        moved = replace(rule.correlation, rules=(), counter="", expression=None, aliases=())
        data["correlation"] = encode_rule(replace(rule, correlation=moved))["correlation"]
        data["aliases"] = [[alias, [[own[index], name] for index, name in pairs]] for alias, pairs in rule.correlation.aliases]
        data["expression"] = _moved(rule.correlation.expression, own)
    return sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:_VERSION_DIGITS]


def _moved(expression: Expression | None, own: dict[int, int]) -> object:
    if expression is None:
        return None
    if expression.word == "rule":
        return own[expression.rule]
    return [expression.word, *(_moved(child, own) for child in expression.children)]
