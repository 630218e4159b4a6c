"""Regular expressions at authoring: what RE2 takes, and names for what it refuses.

RE2's syntax is the language's, because it runs in linear time (RE2 project, "Syntax"). Look-around and back-references,
which need more, are refused by name.
"""

from __future__ import annotations

import re
from dataclasses import replace

import re2

from ostiary.language.draft import Draft, Expression
from ostiary.language.item import Item, ItemError

MAX_EXPRESSION_CHARS = 8_192
MAX_EXPRESSION_BYTES = 8 << 20
"""Memory of one compiled expression; RE2 refuses one that would need more."""

_REASONS = (
    (re.compile(r"\(\?<?[=!]"), "look-around", "RE2 has no look-around"),
    (re.compile(r"\(\?>|[*+?}]\+"), "possessive", "RE2 has no atomic groups or possessive repetition"),
    (re.compile(r"\\[1-9]|\(\?P="), "back-reference", "RE2 has no back-references"),
    (re.compile(r"\(\?\("), "conditional", "RE2 has no conditional groups"),
)


def options() -> re2.Options:
    """The options of every expression: quiet, bounded memory."""
    found = re2.Options()
    found.log_errors = False
    found.max_mem = MAX_EXPRESSION_BYTES
    return found


def check_expression(pattern: str, index: int) -> None:
    """Raises ``ItemError`` for an expression that RE2 does not take; ``index`` is its place among the values."""
    if len(pattern) > MAX_EXPRESSION_CHARS:
        raise ItemError("expression-size", f"the expression is longer than {MAX_EXPRESSION_CHARS} characters", value=index)
    try:
        re2.compile(pattern, options())
    except re2.error as error:
        # RE2's Python binding hands its reason over as bytes.
        detail = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        for look, kind, reason in _REASONS:
            if look.search(pattern):
                raise ItemError(f"expression-{kind}", f"{reason}: {detail}", "split it into several items and `not`", value=index) from None
        raise ItemError("expression", f"RE2 does not take the expression: {detail}", value=index) from None


def flagged(item: Item, flag: str) -> Item:
    """The Item with a flag on its expressions. Raises ``ItemError`` where there are none."""

    def with_flag(value: Draft, _index: int) -> Draft:
        if not isinstance(value, Expression):
            raise ItemError("modifier-order", f"`{flag}` is a flag of `re` and stands after it", f"write `|re|{flag}`")
        return replace(value, flags="".join(sorted({*value.flags, flag})))

    return item.each(with_flag)
