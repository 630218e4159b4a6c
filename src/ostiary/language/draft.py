"""Draft: one value on the way from YAML to a plan, as modifiers find it and leave it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ostiary.language.strings import joined, tokens
from ostiary.vocabulary.plan import Pattern, Wild

DatePartName = Literal["minute", "hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Text:
    """A string. ``written`` is what the author wrote, ``pattern`` its tokens."""

    written: str
    pattern: Pattern
    cased: bool = False
    leet: bool = False

    @staticmethod
    def of(written: str) -> Text:
        """A string with Sigma's escapes and wildcards."""
        return Text(written, tokens(written))

    def rewritten(self, written: str) -> Text:
        """The string with another text inside the wildcards that modifiers put around it."""
        front, back = self.around()
        return replace(self, written=written, pattern=joined(front, tokens(written), back))

    def around(self) -> tuple[Pattern, Pattern]:
        """The wildcards that modifiers put before and after the written text."""
        own = tokens(self.written)
        front = self.pattern[:1] if self.pattern[:1] == (Wild.ANY,) != own[:1] else ()
        back = self.pattern[-1:] if self.pattern[-1:] == (Wild.ANY,) != own[-1:] else ()
        return front, back


@dataclass(frozen=True, slots=True)
class Encoded:
    """A string as bytes, waiting for ``base64`` or ``base64offset``."""

    data: bytes
    word: str
    """The modifier that made it."""
    cased: bool = False


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
class PartOfDate:
    """A number to compare a part of a time with."""

    part: DatePartName
    number: int
    operator: Literal["eq", "lt", "lte", "gt", "gte"] = "eq"


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


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms that one value may take (dashes, offsets): any of them will do, also where ``all`` joins the values."""

    values: tuple[Draft, ...]


Draft = Text | Encoded | Number | Boolean | Nothing | Expression | Comparison | PartOfDate | Networks | Presence | Reference | Forms


def named(draft: Draft) -> str:
    """What a message calls a value."""
    match draft:
        case Text() | Forms():
            return "text"
        case Encoded():
            return "encoded text"
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
        case PartOfDate(part):
            return f"a {part}"
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
