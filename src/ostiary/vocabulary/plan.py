"""Plan nodes: the closed set that every condition of the rule language compiles to, and all that evaluation understands.

Two-valued over known fields, three-valued while ``account.*`` is unknown (Kleene). Text compares fold case unless ``cased``.
Literals of normalised fields (``is_normalised``) are stored as written: ``matching`` prepares both sides by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Wild(Enum):
    """The two wildcards of a Sigma string."""

    ANY = "*"
    ONE = "?"


Pattern = tuple[str | Wild, ...]
"""A tokenised Sigma string: literal runs and wildcards. Never empty runs, never two literal runs in a row."""


@dataclass(frozen=True, slots=True)
class All:
    """Every child holds (``and``; a map of items; ``|all``)."""

    children: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one child holds (``or``; a list of values)."""

    children: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The child does not hold; a missing field makes an item false, so this true."""

    child: Plan


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same answer: what is left of an empty list."""

    value: bool


@dataclass(frozen=True, slots=True)
class Equals:
    """The whole value is one of ``values``. A number or boolean in the field compares by its canonical text (200, 5.0 → '5', true)."""

    field: str
    values: tuple[str, ...]
    cased: bool = False
    leet: bool = False
    """Digits and signs that stand for letters are read as letters, on both sides (``|leet``)."""


@dataclass(frozen=True, slots=True)
class Glob:
    """The whole value matches a tokenised pattern: also ``contains`` (ANY, text, ANY), ``startswith`` and ``endswith``."""

    field: str
    pattern: Pattern
    cased: bool = False
    leet: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """The value contains a match of ``pattern`` (RE2 syntax: linear time). ``flags`` ⊆ 'ims'."""

    field: str
    pattern: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """The value, a number or a text that is one, stands in ``operator`` to ``number``."""

    field: str
    operator: Literal["lt", "lte", "gt", "gte"]
    number: int | float


@dataclass(frozen=True, slots=True)
class DatePart:
    """A part of the field's time (RFC 3339 text or epoch seconds; in UTC; ISO week) stands in ``operator`` to ``number``."""

    field: str
    part: Literal["minute", "hour", "day", "week", "month", "year"]
    operator: Literal["eq", "lt", "lte", "gt", "gte"]
    number: int | float


@dataclass(frozen=True, slots=True)
class Network:
    """The value is an address in one of the networks (CIDR, v4 or v6; an IPv4-mapped IPv6 address counts as its IPv4 one)."""

    field: str
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Null:
    """The field is absent, or null."""

    field: str


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is (or is not) there, whatever it holds."""

    field: str
    present: bool


@dataclass(frozen=True, slots=True)
class SameAs:
    """The value equals, contains, starts or ends with a value of another field (Sigma's ``fieldref``)."""

    field: str
    other: str
    how: Literal["equals", "contains", "startswith", "endswith"] = "equals"


@dataclass(frozen=True, slots=True)
class Keyword:
    """Some text leaf of the whole request contains the pattern (Sigma's keywords)."""

    pattern: Pattern
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """One and the same member of a collection satisfies ``plan`` (a block of ours: ``gen_ai.messages[]``, ``gen_ai.tools[]``).

    The leaves of ``plan`` name fields ``<collection>.<name>``. These are aligned multi-values: the n-th value of each belongs to
    the n-th member, None where that member lacks it. For the leaves string of a Signal the whole block is one leaf.
    """

    collection: str
    plan: Plan


Leaf = Equals | Glob | Regex | Compare | DatePart | Network | Null | Exists | SameAs | Keyword | Member
Plan = All | Some | Not | Constant | Leaf

NORMALISED_PREFIXES = ("gen_ai.prompt", "url.query.")
NORMALISED_FIELDS = frozenset({"url.path", "url.query", "gen_ai.messages.text", "gen_ai.tools.description"})
RAW_SUFFIX = ".raw"


def is_normalised(field: str) -> bool:
    """Whether a field's text is normalised before it is compared: the field decides, never the rule.

    >>> is_normalised("gen_ai.prompt.last"), is_normalised("gen_ai.prompt.last.raw"), is_normalised("user_agent.original")
    (True, False, False)
    """
    if field.endswith(RAW_SUFFIX):
        return False
    return field in NORMALISED_FIELDS or field.startswith(NORMALISED_PREFIXES)


def is_fact(field: str) -> bool:
    """Whether a field is an account fact, unknown until the store has answered (``account.id`` is known before)."""
    return field.startswith("account.") and field != "account.id"
