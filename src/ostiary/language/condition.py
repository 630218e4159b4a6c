"""The condition of a detection: ``not`` binds tighter than ``and``, ``and`` tighter than ``or``; ``1 of``, ``any of``, ``all of``.

Sources: Sigma specification v2.1, "Condition"; pySigma's grammar where it is narrower (keywords in lower case).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.language.item import every, some
from ostiary.language.mistake import did_you_mean
from ostiary.vocabulary.plan import All, Not, Plan

MAX_CONDITION_DEPTH = 100
"""Parentheses and ``not`` within each other."""
MAX_CONDITION_LEAVES = 50_000
"""Leaves of a rule's plan: a selection counts each time it is named."""

_TOKEN = re.compile(r"[()|]|[^\s()|]+")
_RESERVED = frozenset({"and", "or", "not"})
_QUANTIFIERS = {"1": "any", "any": "any", "all": "all"}
_OBSOLETE = {"near": "`near` is obsolete", "by": "aggregations (`count() by …`) are obsolete"}


class ConditionError(Exception):
    """The condition cannot be read. ``offset`` is the character in its text."""

    def __init__(self, offset: int, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.kind = kind
        self.message = message
        self.hint = hint
        self.others: tuple[ConditionError, ...] = ()
        """Further mistakes that do not follow from this one."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A named part of a detection, compiled; ``leaves`` counts its plan's."""

    plan: Plan
    leaves: int


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    offset: int


def parse_condition(text: str, selections: Mapping[str, Selection], used: set[str]) -> Plan:
    """The plan of a condition over compiled selections; adds the names it reads to ``used``.

    Raises ``ConditionError`` for its first mistake, with the ``others``; never ``RecursionError``.

    >>> from ostiary.vocabulary.plan import Null
    >>> parse_condition("not a", {"a": Selection(Null("x"), 1)}, set())
    Not(child=Null(field='x'))
    """
    parser = _Parser(text, selections, used)
    try:
        plan = parser.whole()
    except ConditionError as error:
        if not parser.follows(error):
            parser.errors.append(error)
    else:
        if not parser.errors:
            return plan
    first, *others = parser.errors
    first.others = tuple(others)
    raise first


class _Parser:
    def __init__(self, text: str, selections: Mapping[str, Selection], used: set[str]) -> None:
        self._tokens = [_Token(found[0], found.start()) for found in _TOKEN.finditer(text)]
        self._end = _Token("", len(text.rstrip()) or len(text))
        self._at = 0
        self._selections = selections
        self._used = used
        self._depth = 0
        self._leaves = 0
        self.errors: list[ConditionError] = []
        """Mistakes after which the parser went on, as if they were mended."""

    def follows(self, error: ConditionError) -> bool:
        """Whether a mistake that ends the parsing is only the one before it once more: it stands at the next token."""
        if not self.errors:
            return False
        between = [token for token in self._tokens if self.errors[-1].offset < token.offset < error.offset]
        return error.kind == "condition-syntax" and not between

    def _is(self, token: _Token, word: str) -> bool:
        """Whether a token is a keyword; one in capitals is taken for it, and a mistake."""
        if token.text == word:
            return True
        if token.text.lower() != word or token.text in self._selections:
            return False
        self.errors.append(ConditionError(token.offset, "condition-case", f"`{token.text}` is no keyword", f"write `{word}`"))
        return True

    def whole(self) -> Plan:
        if not self._tokens:
            raise ConditionError(0, "condition-empty", "the condition is empty", "name a selection")
        plan = self._any()
        token = self._peek()
        if token is not self._end:
            raise self._unexpected(token)
        return plan

    def _peek(self, ahead: int = 0) -> _Token:
        index = self._at + ahead
        return self._tokens[index] if index < len(self._tokens) else self._end

    def _next(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _any(self) -> Plan:
        parts = [self._all()]
        while self._is(self._peek(), "or"):
            self._next()
            parts.append(self._all())
        return some(parts) if len(parts) > 1 else parts[0]

    def _all(self) -> Plan:
        parts = [self._operand()]
        while self._is(self._peek(), "and"):
            self._next()
            parts.append(self._operand())
        return every(parts) if len(parts) > 1 else parts[0]

    def _operand(self) -> Plan:
        """``not`` … ( … ) or a name: the only place that nests, so that depth is counted here alone."""
        token = self._next()
        negated = self._is(token, "not")
        if not negated and token.text != "(":
            return self._selector(token)
        self._depth += 1
        if self._depth > MAX_CONDITION_DEPTH:
            raise ConditionError(
                token.offset, "condition-depth", f"the condition is nested more than {MAX_CONDITION_DEPTH} deep", "split it into selections"
            )
        if negated:
            plan: Plan = Not(self._operand())
        else:
            plan = self._any()
            closing = self._next()
            if closing.text != ")":
                if closing is not self._end:
                    raise self._unexpected(closing)
                raise ConditionError(token.offset, "condition-syntax", "this parenthesis is never closed")
        self._depth -= 1
        return plan

    def _selector(self, token: _Token) -> Plan:
        text = token.text
        if self._peek().text == "of" and text not in _RESERVED and text != ")":
            return self._quantified(token)
        if token is self._end or text in _RESERVED or text in (")", "|"):
            raise self._unexpected(token)
        if text not in self._selections:
            error = self._undefined(token)
            if error.kind == "condition-obsolete":
                raise error
            self.errors.append(error)
            return All(())
        return self._read([text], token).pop()

    def _quantified(self, token: _Token) -> Plan:
        quantifier = _QUANTIFIERS.get(token.text)
        if quantifier is None:
            raise ConditionError(
                token.offset, "condition-quantifier", f"`{token.text} of` is no quantifier", "write `1 of`, `any of` or `all of`"
            )
        self._next()
        selector = self._next()
        if selector is self._end or selector.text in _RESERVED or selector.text in ("(", ")", "|"):
            raise ConditionError(selector.offset, "condition-syntax", f"a name, a pattern or `them` must follow `{token.text} of`")
        names = self._matching(selector.text)
        if not names:
            hint = did_you_mean(selector.text.strip("*"), self._selections, cutoff=0.5)
            message = f"`{selector.text}` matches no selection"
            self.errors.append(ConditionError(selector.offset, "condition-matches-nothing", message, hint))
            return All(())
        plans = self._read(names, selector)
        return some(plans) if quantifier == "any" else every(plans)

    def _matching(self, selector: str) -> list[str]:
        if selector == "them":
            return [name for name in self._selections if not name.startswith("_")]
        if "*" not in selector:
            return [selector] if selector in self._selections else []
        pattern = re.compile(".*".join(map(re.escape, re.sub(r"\*+", "*", selector).split("*"))), re.DOTALL)
        hidden = selector.startswith("_")
        return [name for name in self._selections if (hidden or not name.startswith("_")) and pattern.fullmatch(name)]

    def _read(self, names: list[str], token: _Token) -> list[Plan]:
        self._used.update(names)
        self._leaves += sum(self._selections[name].leaves for name in names)
        if self._leaves > MAX_CONDITION_LEAVES:
            raise ConditionError(
                token.offset, "condition-size", f"the rule asks more than {MAX_CONDITION_LEAVES} questions", "put long lists into `lists/`"
            )
        return [self._selections[name].plan for name in names]

    def _undefined(self, token: _Token) -> ConditionError:
        text = token.text
        following = self._peek().text
        if text in _OBSOLETE:
            return ConditionError(token.offset, "condition-obsolete", _OBSOLETE[text], "use a correlation")
        if text in ("count", "min", "max", "avg", "sum") and following == "(":
            return ConditionError(token.offset, "condition-obsolete", f"aggregations (`{text}()`) are obsolete", "use a correlation")
        if text.lower() in _RESERVED | {"of"}:
            return ConditionError(token.offset, "condition-case", f"`{text}` is no keyword", f"write `{text.lower()}`")
        if "*" in text or text == "them":
            return ConditionError(
                token.offset, "condition-syntax", f"`{text}` needs a quantifier", f"write `1 of {text}` or `all of {text}`"
            )
        hint = did_you_mean(text, self._selections, cutoff=0.5)
        hint = hint or f"defined are: {', '.join(f'`{name}`' for name in list(self._selections)[:10])}"
        return ConditionError(token.offset, "condition-undefined", f"there is no selection `{text}`", hint)

    def _unexpected(self, token: _Token) -> ConditionError:
        if token is self._end:
            return ConditionError(token.offset, "condition-syntax", "the condition ends too early: a selection must follow")
        if token.text == "|":
            return ConditionError(token.offset, "condition-obsolete", "pipes are obsolete", "use a correlation")
        if token.text in _OBSOLETE:
            return ConditionError(token.offset, "condition-obsolete", _OBSOLETE[token.text], "use a correlation")
        hint = "join selections by `and` or `or`" if token.text in self._selections or token.text not in (")", "and", "or") else ""
        return ConditionError(token.offset, "condition-syntax", f"`{token.text}` is not expected here", hint)
