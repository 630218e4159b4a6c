"""Item: one field (or none: keywords) with its modifiers and values, on the way from YAML to a plan.

Modifiers change an Item from left to right; ``plan_of`` makes plan nodes of what is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ostiary.language.lists import ValueLists
from ostiary.language.nodes import Mark
from ostiary.language.strings import literal, tokens
from ostiary.vocabulary.plan import (
    All,
    Compare,
    Constant,
    Equals,
    Exists,
    Glob,
    Keyword,
    Network,
    Not,
    Null,
    Pattern,
    Plan,
    Regex,
    SameAs,
    Some,
    Wild,
)


@dataclass(frozen=True, slots=True)
class Text:
    """A string. ``written`` is what the author wrote, ``pattern`` its tokens."""

    written: str
    pattern: Pattern
    cased: bool = False

    @staticmethod
    def of(written: str) -> Text:
        """A string with Sigma's escapes and wildcards."""
        return Text(written, tokens(written))


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or float."""

    number: int | float


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""

    value: bool


@dataclass(frozen=True, slots=True)
class Nothing:
    """Null: the field is absent, or null."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A regular expression; ``flags`` ⊆ 'ims'."""

    pattern: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number to compare with."""

    operator: Literal["lt", "lte", "gt", "gte"]
    number: int | float


@dataclass(frozen=True, slots=True)
class Networks:
    """Addresses, as CIDR networks."""

    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the field is there."""

    present: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """Another field."""

    other: str
    how: Literal["equals", "contains", "startswith", "endswith"] = "equals"


Draft = Text | Number | Boolean | Nothing | Expression | Comparison | Networks | Presence | Reference


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
    """What modifiers may ask: the lists of the pack, and whether the field holds addresses."""

    lists: ValueLists
    address: bool = False
    notes: list[tuple[str, str]] = field(default_factory=list)
    """Warnings (kind, message) that modifiers leave."""


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


def named(draft: Draft) -> str:
    """What a message calls a value."""
    match draft:
        case Text():
            return "text"
        case Number():
            return "a number"
        case Boolean():
            return "true or false"
        case Nothing():
            return "null"
        case Expression():
            return "a regular expression"
        case Comparison():
            return "a comparison"
        case Networks():
            return "a network"
        case Presence():
            return "a presence"
        case Reference():
            return "a field reference"


def canonical(number: int | float) -> str:
    """A number as text, the same for equal numbers.

    >>> canonical(200), canonical(5.0), canonical(0.25)
    ('200', '5', '0.25')
    """
    if isinstance(number, float) and number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    return str(number)


def plan_of(item: Item) -> Plan:
    """The plan of an Item whose modifiers are all applied."""
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
    if name is None:
        return _keyword(draft)
    match draft:
        case Text(_, pattern, cased):
            text = literal(pattern)
            return Glob(name, pattern, cased) if text is None else Equals(name, (text,), cased)
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
        case Networks(networks):
            return Network(name, networks)
        case Presence(present):
            return Exists(name, present)
        case Reference(other, how):
            return SameAs(name, other, how)


def _keyword(draft: Draft) -> Plan:
    match draft:
        case Text(_, pattern):
            return Keyword(pattern or (Wild.ANY,))
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
            key = (Equals, leaf.cased)
            before = merged.get(key)
            if isinstance(before, Equals):
                leaf = Equals(leaf.field, tuple(dict.fromkeys(before.values + leaf.values)), leaf.cased)
        elif isinstance(leaf, Network):
            key = Network
            before = merged.get(key)
            if isinstance(before, Network):
                leaf = Network(leaf.field, tuple(dict.fromkeys(before.networks + leaf.networks)))
        else:
            key = leaf
        merged[key] = leaf
    return list(merged.values())
