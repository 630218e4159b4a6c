"""Mistake: what is wrong in a document, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

MAX_SOURCE_LINE_CHARS = 160
"""A longer source line is cut around the caret."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; line and column start at 1, a column is a character."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """Something that keeps a document from loading (or, as a warning, that its author should know).

    ``kind`` is a stable slug, for tools and tests; ``hint`` says what to do, and may be empty. Mistakes sort by place.
    """

    path: str
    line: int
    column: int
    kind: str
    message: str
    hint: str = ""
    source_line: str = ""

    @property
    def position(self) -> Position:
        """Where it is."""
        return Position(self.path, self.line, self.column)

    def render(self) -> str:
        """The mistake as a person reads it: place and message, the line, a caret under the column, the hint.

        >>> print(Mistake("a.yaml", 2, 3, "unknown-key", "unknown key `limt`", "did you mean `limit`?", "  limt: 5").render())
        a.yaml:2:3: unknown key `limt` [unknown-key]
          |   limt: 5
          |   ^
          = did you mean `limit`?
        """
        lines = [f"{self.position}: {_visible(self.message)} [{self.kind}]"]
        if self.source_line.strip():
            text, column = _window(_visible(self.source_line), self.column)
            lines += [f"  | {text}", f"  | {' ' * (column - 1)}^"]
        if self.hint:
            lines.append(f"  = {_visible(self.hint)}")
        return "\n".join(lines)


def did_you_mean(word: str, words: Iterable[str], *, cutoff: float = 0.7) -> str:
    """A hint with the nearest of ``words``; empty when none is near.

    >>> did_you_mean("startwith", ["contains", "startswith"])
    'did you mean `startswith`?'
    """
    near = nearest(word, words, cutoff=cutoff)
    return f"did you mean `{near}`?" if near else ""


def nearest(word: str, words: Iterable[str], *, cutoff: float = 0.7) -> str:
    """The nearest of ``words`` by difflib's ratio; empty when none reaches ``cutoff``."""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=cutoff)
    return found[0] if found else ""


def _visible(text: str) -> str:
    """One cell a character: what a terminal would obey (or not show) becomes a replacement mark."""
    return "".join(char if char.isprintable() else (" " if char == "\t" else "\N{REPLACEMENT CHARACTER}") for char in text)


def _window(text: str, column: int) -> tuple[str, int]:
    if len(text) <= MAX_SOURCE_LINE_CHARS:
        return text, column
    start = max(0, min(column - MAX_SOURCE_LINE_CHARS // 2, len(text) - MAX_SOURCE_LINE_CHARS))
    cut = text[start : start + MAX_SOURCE_LINE_CHARS]
    if start:
        cut = "…" + cut[1:]
    if start + MAX_SOURCE_LINE_CHARS < len(text):
        cut = cut[:-1] + "…"
    return cut, column - start
