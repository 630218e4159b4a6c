"""Regular expressions, in an engine of linear time (RE2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ostiary.matching.merge import AnyRegex
from ostiary.matching.subject import Subject
from ostiary.vocabulary.plan import Regex

Check = Callable[[Subject], bool]
MAX_JOINED_BYTES = 16_384
"""Length of the expressions that are joined to one: RE2 gives up its automaton, which is what makes it quick, where that grows large."""
_QUOTE = r"\Q"
"""Quotes all that follows, up to the end: such an expression cannot be put into parentheses."""


def search_of(pattern: str, flags: str) -> Callable[[bytes], Any]:
    """RE2's search for an expression in UTF-8; its match has ``span()``. ``ValueError`` for an expression that RE2 refuses."""
    import re2  # only Rulesets with a regular expression pay for it

    options = re2.Options()
    options.log_errors = False
    source = f"(?{flags}){pattern}" if flags else pattern
    try:
        search: Callable[[bytes], Any] = re2.compile(source.encode("utf-8", "replace"), options).search
    except re2.error as error:
        raise ValueError(f"{pattern!r}: {error}") from None
    return search


def regex(leaf: Regex) -> Check:
    search, field = search_of(leaf.pattern, leaf.flags), leaf.field
    return lambda subject: any(search(text) is not None for text in subject.encoded(field))


def any_regex(leaf: AnyRegex) -> Check:
    """As few searches as may be: whether *some* expression is found is the same question of their alternation."""
    field, searches = leaf.field, [search for group in _groups(leaf.patterns) for search in _joined(group, leaf.flags)]
    return lambda subject: any(search(text) is not None for text in subject.encoded(field) for search in searches)


def _groups(patterns: tuple[str, ...]) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    room = MAX_JOINED_BYTES
    for pattern in patterns:
        if _QUOTE in pattern:
            groups.insert(0, [pattern])
            continue
        if len(pattern) > room and groups[-1]:
            groups.append([])
            room = MAX_JOINED_BYTES
        groups[-1].append(pattern)
        room -= len(pattern)
    return [group for group in groups if group]


def _joined(patterns: list[str], flags: str) -> list[Callable[[bytes], Any]]:
    """One search where RE2 takes the alternation, else one each: two groups of one name, or too large a program."""
    if len(patterns) == 1:
        return [search_of(patterns[0], flags)]
    try:
        return [search_of("|".join(f"(?:{pattern})" for pattern in patterns), flags)]
    except ValueError:
        half = len(patterns) // 2
        return _joined(patterns[:half], flags) + _joined(patterns[half:], flags)
