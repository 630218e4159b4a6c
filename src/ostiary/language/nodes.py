"""The tree of a YAML document, with a place for each key and value. Scalars keep their text: meaning is given where it is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Mark(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar's text as YAML unfolds it."""

    value: str
    mark: Mark
    style: str = ""
    """Empty for a plain scalar, else its indicator: a quote, ``|`` or ``>``."""

    @property
    def plain(self) -> bool:
        """Unquoted: YAML gives it a type."""
        return not self.style


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map whose keys are text and unique."""

    entries: tuple[tuple[Scalar, Node], ...]
    mark: Mark

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.entries)

    def get(self, name: str) -> Node | None:
        """The value under a key."""
        return next((value for key, value in self.entries if key.value == name), None)

    def key(self, name: str) -> Scalar | None:
        """The key itself, for its place."""
        return next((key for key, _ in self.entries if key.value == name), None)

    def keys(self) -> list[str]:
        """All keys, in order."""
        return [key.value for key, _ in self.entries]


Node = Scalar | Sequence | Mapping
