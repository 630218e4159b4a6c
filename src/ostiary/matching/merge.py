"""Leaves that stand side by side in a ``Some`` and read the same texts, asked together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from ostiary.vocabulary.plan import All, Glob, Member, Not, Plan, Regex, Some


@dataclass(frozen=True, slots=True)
class AnyGlob:
    """Several globs over one field, read the same way, any of which satisfies: a list of phrases asks for the texts once."""

    field: str
    globs: tuple[Glob, ...]


@dataclass(frozen=True, slots=True)
class AnyRegex:
    """Several regular expressions over one field with the same flags, any of which satisfies: one automaton reads the text once."""

    field: str
    patterns: tuple[str, ...]
    flags: str


def merged(plan: Plan) -> Plan | AnyGlob | AnyRegex:
    """The plan with its lists of phrases and of regular expressions made one leaf each; it means the same.

    What ``evaluate`` runs. ``explain`` and the leaves of a Signal go by the plan as it is.
    """
    if isinstance(plan, Not):
        return Not(cast(Plan, merged(plan.child)))
    if isinstance(plan, Member):
        return replace(plan, plan=cast(Plan, merged(plan.plan)))
    if isinstance(plan, All):
        return All(tuple(cast(Plan, merged(child)) for child in plan.children))
    if not isinstance(plan, Some):
        return plan
    globs: dict[tuple[str, bool, bool], list[Glob]] = {}
    expressions: dict[tuple[str, str], list[str]] = {}
    others: list[Plan | AnyGlob | AnyRegex] = []
    for child in plan.children:
        if isinstance(child, Glob):
            globs.setdefault((child.field, child.cased, child.leet), []).append(child)
        elif isinstance(child, Regex):
            expressions.setdefault((child.field, child.flags), []).append(child.pattern)
        else:
            others.append(merged(child))
    phrases = [some[0] if len(some) == 1 else AnyGlob(some[0].field, tuple(some)) for some in globs.values()]
    searches = [
        Regex(field, patterns[0], flags) if len(patterns) == 1 else AnyRegex(field, tuple(patterns), flags)
        for (field, flags), patterns in expressions.items()
    ]
    return Some(cast("tuple[Plan, ...]", (*phrases, *searches, *others)))
