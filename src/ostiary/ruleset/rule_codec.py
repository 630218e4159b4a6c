"""Rules, Counters and Exemptions ↔ JSON objects. What equals its default is left out, so that a pack's artefact stays small."""

from __future__ import annotations

from typing import Any

from ostiary.ruleset import plan_codec
from ostiary.vocabulary.rule import (
    DEFAULT_BUCKETS,
    Correlation,
    Counter,
    Exemption,
    Expression,
    Limit,
    Rule,
    Ruleset,
)


def encode_ruleset(ruleset: Ruleset) -> dict[str, Any]:
    """A Ruleset as JSON values, without its digest (which is made from them)."""
    return {
        "rules": [encode_rule(rule) for rule in ruleset.rules],
        "counters": [[c.id, c.kind, c.timespan, c.buckets, list(c.group_by), list(c.rules)] for c in ruleset.counters],
        "exemptions": [
            [e.name, list(e.accounts), list(e.rules), list(e.waive), e.reason, e.granted_by, e.expires] for e in ruleset.exemptions
        ],
        "escalation": ruleset.escalation,
    }


def decode_ruleset(data: Any, digest: str) -> Ruleset:
    """The inverse of ``encode_ruleset``. Raises ``ValueError``, ``KeyError``, ``TypeError`` or ``IndexError`` for other data."""
    return Ruleset(
        rules=tuple([_decode_rule(index, rule) for index, rule in enumerate(data["rules"])]),
        counters=tuple([_decode_counter(*counter) for counter in data["counters"]]),
        exemptions=tuple([_decode_exemption(*exemption) for exemption in data["exemptions"]]),
        escalation=data["escalation"],
        digest=digest,
    )


def encode_rule(rule: Rule) -> dict[str, Any]:
    """One Rule without its index, which is its place in the list."""
    data: dict[str, Any] = {"id": rule.id, "version": rule.version, "level": rule.level, "category": rule.category}
    if rule.title != rule.id:
        data["title"] = rule.title
    for key in ("name", "topic", "action", "clause", "message"):
        if getattr(rule, key):
            data[key] = getattr(rule, key)
    if rule.plan is not None:
        data["plan"] = plan_codec.encode(rule.plan)
    if rule.correlation is not None:
        data["correlation"] = _encode_correlation(rule.correlation)
    if rule.limit is not None:
        limit = rule.limit
        data["limit"] = [limit.max, limit.timespan, list(limit.group_by), limit.buckets, limit.penalise, limit.counter]
    if not rule.generate:
        data["silent"] = True
    if rule.mode == "enforce":
        data["enforce"] = True
    if rule.on_error == "closed":
        data["closed"] = True
    if rule.withhold:
        data["withhold"] = list(rule.withhold)
    return data


def _decode_rule(index: int, data: dict[str, Any]) -> Rule:
    plan = data.get("plan")
    correlation = data.get("correlation")
    limit = data.get("limit")
    return Rule(
        index=index,
        id=data["id"],
        title=data.get("title", data["id"]),
        version=data["version"],
        level=data["level"],
        category=data["category"],
        name=data.get("name"),
        topic=data.get("topic", ""),
        plan=None if plan is None else plan_codec.decode(plan),
        correlation=None if correlation is None else _decode_correlation(correlation),
        generate=not data.get("silent", False),
        mode="enforce" if data.get("enforce") else "monitor",
        action=data.get("action"),
        limit=None if limit is None else _decode_limit(*limit),
        withhold=tuple(data.get("withhold", ())),
        clause=data.get("clause"),
        message=data.get("message"),
        on_error="closed" if data.get("closed") else "open",
    )


def _encode_correlation(c: Correlation) -> dict[str, Any]:
    data: dict[str, Any] = {"type": c.type, "rules": list(c.rules), "by": list(c.group_by), "span": c.timespan}
    if c.conditions:
        data["when"] = [list(pair) for pair in c.conditions]
    if c.buckets != DEFAULT_BUCKETS:
        data["buckets"] = c.buckets
    if c.counter:
        data["counter"] = c.counter
    if c.fields:
        data["fields"] = list(c.fields)
    if c.percentile is not None:
        data["percentile"] = c.percentile
    if c.expression is not None:
        data["expression"] = _encode_expression(c.expression)
    if c.aliases:
        data["aliases"] = [[alias, [list(pair) for pair in pairs]] for alias, pairs in c.aliases]
    return data


def _decode_correlation(data: dict[str, Any]) -> Correlation:
    expression = data.get("expression")
    return Correlation(
        type=data["type"],
        rules=tuple(data["rules"]),
        group_by=tuple(data["by"]),
        timespan=data["span"],
        conditions=tuple([(operator, number) for operator, number in data.get("when", ())]),
        buckets=data.get("buckets", DEFAULT_BUCKETS),
        counter=data.get("counter", ""),
        fields=tuple(data.get("fields", ())),
        percentile=data.get("percentile"),
        expression=None if expression is None else _decode_expression(expression),
        aliases=tuple([(alias, tuple([(rule, name) for rule, name in pairs])) for alias, pairs in data.get("aliases", ())]),
    )


def _encode_expression(expression: Expression) -> int | list[Any]:
    """A rule by its index, else ``[word, …]``."""
    if expression.word == "rule":
        return expression.rule
    return [expression.word, *map(_encode_expression, expression.children)]


def _decode_expression(data: Any) -> Expression:
    if isinstance(data, int):
        return Expression("rule", data)
    return Expression(data[0], children=tuple([_decode_expression(child) for child in data[1:]]))


def _decode_limit(most: int, timespan: int, group_by: list[str], buckets: int, penalise: bool, counter: str) -> Limit:
    return Limit(most, timespan, tuple(group_by), buckets, penalise, counter)


def _decode_counter(name: str, kind: Any, timespan: int, buckets: int, group_by: list[str], rules: list[int]) -> Counter:
    return Counter(name, kind, timespan, buckets, tuple(group_by), tuple(rules))


def _decode_exemption(
    name: str, accounts: list[str], rules: list[str], waive: list[str], reason: str, granted_by: str, expires: float
) -> Exemption:
    return Exemption(name, tuple(accounts), tuple(rules), tuple(waive), reason, granted_by, expires)
