"""Item: one field (or none: keywords) with its modifiers and values, on the way from YAML to a plan.

Modifiers change an Item from left to right; ``plan_of`` makes plan nodes of what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ostiary.language.draft import (
    Boolean,
    Comparison,
    Draft,
    Encoded,
    Expression,
    Forms,
    Networks,
    Nothing,
    Number,
    PartOfDate,
    Presence,
    Reference,
    Text,
    canonical,
    named,
)
from ostiary.language.lists import ValueLists
from ostiary.language.nodes import Mark
from ostiary.language.strings import literal
from ostiary.vocabulary.fields import FieldInfo
from ostiary.vocabulary.plan import (
    All,
    Compare,
    Constant,
    DatePart,
    Equals,
    Exists,
    Glob,
    Keyword,
    Network,
    Not,
    Null,
    Plan,
    Regex,
    SameAs,
    Some,
    Wild,
)

JOINING = frozenset({"all", "neq"})
"""Modifiers that say how the values join, and leave each value as it is."""


class ItemError(Exception):
    """A modifier does not fit what is before it. Carries what a Mistake needs, but for the place of the modifier."""

    def __init__(self, kind: str, message: str, hint: str = "", *, value: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.value = value
        """Index of the value that is wrong; None: the modifier itself."""


@dataclass(frozen=True, slots=True)
class Context:
    """What modifiers may ask: the lists of the pack, what the field holds, whose rule it is."""

    lists: ValueLists
    info: FieldInfo | None = None
    """None: keywords, or a field of another product."""
    ours: bool = False
    notes: list[tuple[str, str]] = field(default_factory=list)
    """Warnings (kind, message) that modifiers leave."""
    missing: list[str] = field(default_factory=list)
    """Lists that a rule of others names and the pack does not have."""


@dataclass(frozen=True, slots=True)
class Item:
    """A field, its values, and how they join: any of them, or (``every``) all; ``negated`` by ``neq``."""

    field: str | None
    values: tuple[Draft, ...]
    marks: tuple[Mark, ...]
    every: bool = False
    negated: bool = False
    applied: tuple[str, ...] = ()
    """Modifiers so far."""

    def each(self, change: Callable[[Draft, int], Draft]) -> Item:
        """The Item with every value changed, those within ``Forms`` too; ``change`` gets a value and its index among the author's."""
        return replace(self, values=tuple(_changed(value, index, change) for index, value in enumerate(self.values)))

    def before(self, word: str, allowed: frozenset[str], hint: str = "") -> None:
        """Raises ``ItemError`` when a modifier stands before ``word`` that may not; ``all`` and ``neq`` always may."""
        wrong = next((found for found in self.applied if found not in allowed and found not in JOINING), None)
        if wrong is not None:
            what = f"`{word}` must be the first modifier" if not allowed else f"`{word}` does not go after `{wrong}`"
            raise ItemError("modifier-order", what, hint)


def _changed(value: Draft, index: int, change: Callable[[Draft, int], Draft]) -> Draft:
    if not isinstance(value, Forms):
        return change(value, index)
    found = [change(form, index) for form in value.values]
    return Forms(tuple(inner for form in found for inner in (form.values if isinstance(form, Forms) else (form,))))


def plan_of(item: Item) -> Plan:
    """The plan of an Item whose modifiers are all applied."""
    if "cidr" in item.applied:
        waiting = next((index for index, value in enumerate(item.values) if isinstance(value, Text)), None)
        if waiting is not None:
            raise ItemError("cidr", "a placeholder is no network", "write `|cidr|expand`", value=waiting)
    leaves = [_leaf(item.field, value) for value in item.values]
    joined = every(leaves) if item.every and leaves else some(_merged(leaves))
    return Not(joined) if item.negated else joined


def every(plans: list[Plan]) -> Plan:
    """All of the plans, without a layer that says nothing."""
    flat = [child for plan in plans for child in (plan.children if isinstance(plan, All) else (plan,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def some(plans: list[Plan]) -> Plan:
    """Any of the plans, without a layer that says nothing; of no plans: never."""
    flat = [child for plan in plans for child in (plan.children if isinstance(plan, Some) else (plan,))]
    if not flat:
        return Constant(False)
    return flat[0] if len(flat) == 1 else Some(tuple(flat))


def _leaf(name: str | None, draft: Draft) -> Plan:
    if isinstance(draft, Forms):
        return some(_merged([_leaf(name, form) for form in draft.values]))
    if isinstance(draft, Encoded):
        raise ItemError(
            "encoding-alone", f"`{draft.word}` means something only before `base64` or `base64offset`", f"write `|{draft.word}|base64`"
        )
    if name is None:
        return _keyword(draft)
    match draft:
        case Text(_, pattern, cased, leet):
            text = literal(pattern)
            return Glob(name, pattern, cased, leet) if text is None else Equals(name, (text,), cased, leet)
        case Number(number):
            return Equals(name, (canonical(number),))
        case Boolean(value):
            return Equals(name, ("true" if value else "false",))
        case Nothing():
            return Null(name)
        case Expression(pattern, flags):
            return Regex(name, pattern, flags)
        case Comparison(operator, number):
            return Compare(name, operator, number)
        case PartOfDate(part, number, operator):
            return DatePart(name, part, operator, number)
        case Networks(networks):
            return Network(name, networks)
        case Presence(present):
            return Exists(name, present)
        case Reference(other, how):
            return SameAs(name, other, how)


def _keyword(draft: Draft) -> Plan:
    match draft:
        case Text(_, pattern, cased):
            return Keyword(pattern or (Wild.ANY,), cased)
        case Number(number):
            return Keyword((canonical(number),))
        case Boolean(value):
            return Keyword(("true" if value else "false",))
        case _:
            raise ItemError("keyword-value", f"a keyword must be text or a number, not {named(draft)}")


def _merged(leaves: list[Plan]) -> list[Plan]:
    """Equal texts of one field become one leaf, and so do networks; the others stay, in order of first appearance."""
    merged: dict[object, Plan] = {}
    for leaf in leaves:
        key: object
        if isinstance(leaf, Equals):
            key = (Equals, leaf.cased, leaf.leet)
            before = merged.get(key)
            if isinstance(before, Equals):
                leaf = Equals(leaf.field, tuple(dict.fromkeys(before.values + leaf.values)), leaf.cased, leaf.leet)
        elif isinstance(leaf, Network):
            key = Network
            before = merged.get(key)
            if isinstance(before, Network):
                leaf = Network(leaf.field, tuple(dict.fromkeys(before.networks + leaf.networks)))
        else:
            key = leaf
        merged[key] = leaf
    return list(merged.values())
