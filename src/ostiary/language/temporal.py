"""A temporal correlation's condition as text: ``a and (b or not c)`` over the names of its rules.

Source: pySigma 2, extended correlation conditions; our names may be ids too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_EXPRESSION_DEPTH = 50
"""Parentheses and ``not`` within each other."""
MAX_ALTERNATIVES = 1_000
"""Ways in which a condition may hold: evaluation looks at each."""
_TOKEN = re.compile(r"[()]|[^\s()]+")
_WORDS = frozenset({"and", "or", "not"})


@dataclass(frozen=True, slots=True)
class Named:
    """A rule by its name or id; ``offset`` is the character in the text."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Joined:
    """``and``, ``or`` or ``not`` over parts."""

    word: str
    parts: tuple[Part, ...]


Part = Named | Joined


class ExpressionError(Exception):
    """The text is no condition over rules. ``offset`` is the character in it."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.hint = hint


def parse_expression(text: str) -> Part:
    """Reads a condition: ``not`` binds tighter than ``and``, ``and`` tighter than ``or``. Raises ``ExpressionError``.

    >>> parse_expression("a and not b").word
    'and'
    """
    parser = _Parser(text)
    part = parser.any()
    parser.end()
    if _holds(part):
        raise ExpressionError(0, "the condition holds when nothing happens", "name a rule that must match")
    if _alternatives(part, True) > MAX_ALTERNATIVES:
        raise ExpressionError(0, f"the condition can hold in more than {MAX_ALTERNATIVES} ways", "split it into several correlations")
    return part


def names_in(part: Part) -> list[Named]:
    """The rules of a condition in order of appearance, each once."""
    if isinstance(part, Named):
        return [part]
    found: dict[str, Named] = {}
    for inner in part.parts:
        for named in names_in(inner):
            found.setdefault(named.name, named)
    return list(found.values())


def _holds(part: Part) -> bool:
    """Whether it holds while no rule matches."""
    if isinstance(part, Named):
        return False
    if part.word == "not":
        return not _holds(part.parts[0])
    return (any if part.word == "or" else all)(map(_holds, part.parts))


def _alternatives(part: Part, truth: bool) -> int:
    """How many alternatives there are when the condition is written as ``or`` of ``and``."""
    if isinstance(part, Named):
        return 1
    if part.word == "not":
        return _alternatives(part.parts[0], not truth)
    counts = [_alternatives(inner, truth) for inner in part.parts]
    if (part.word == "or") == truth:
        return sum(counts)
    total = 1
    for count in counts:
        total *= count
    return total


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = [(found[0], found.start()) for found in _TOKEN.finditer(text)]
        self._tokens.append(("", len(text.rstrip())))
        self._at = 0
        self._depth = 0

    def any(self) -> Part:
        return self._joined("or", self._all)

    def _all(self) -> Part:
        return self._joined("and", self._operand)

    def _joined(self, word: str, operand: Callable[[], Part]) -> Part:
        parts = [operand()]
        while self._tokens[self._at][0] == word:
            self._at += 1
            parts.append(operand())
        return Joined(word, tuple(parts)) if len(parts) > 1 else parts[0]

    def _operand(self) -> Part:
        """``not`` … ( … ) or a name: the only place that nests, so that depth is counted here alone."""
        text, offset = self._tokens[self._at]
        if text not in ("not", "("):
            return self._name(text, offset)
        self._at += 1
        self._depth += 1
        if self._depth > MAX_EXPRESSION_DEPTH:
            raise ExpressionError(offset, f"the condition is nested more than {MAX_EXPRESSION_DEPTH} deep")
        if text == "not":
            part: Part = Joined("not", (self._operand(),))
        else:
            part = self.any()
            if self._tokens[self._at][0] != ")":
                raise ExpressionError(offset, "this parenthesis is never closed")
            self._at += 1
        self._depth -= 1
        return part

    def _name(self, text: str, offset: int) -> Named:
        if not text:
            raise ExpressionError(offset, "the condition ends too early: a rule must follow")
        if text in _WORDS or text == ")":
            raise ExpressionError(offset, f"`{text}` is not expected here")
        if text.lower() in _WORDS:
            raise ExpressionError(offset, f"`{text}` is no keyword", f"write `{text.lower()}`")
        self._at += 1
        return Named(text, offset)

    def end(self) -> None:
        """Raises ``ExpressionError`` unless everything was read."""
        text, offset = self._tokens[self._at]
        if text:
            hint = "" if text == ")" else f"write `{text.lower()}`" if text.lower() in _WORDS else "join rules by `and` or `or`"
            raise ExpressionError(offset, f"`{text}` is not expected here", hint)
