"""Leaves that compare whole texts with literals and globs: equals, phrases, keywords."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ostiary.matching.glob import Span, Test, compile_glob, locate_glob
from ostiary.matching.merge import AnyGlob
from ostiary.matching.subject import Subject
from ostiary.text.fold import fold
from ostiary.text.leet import leet
from ostiary.text.normalise import forms
from ostiary.vocabulary.plan import Equals, Glob, Keyword, Pattern, Wild, is_normalised

Check = Callable[[Subject], bool]
_View = Callable[[Subject, str], tuple[str, ...]]


def view(leaf: Equals | Glob) -> _View:
    """What of the Subject the leaf compares: texts as they are, without case, with leet read."""
    if leaf.leet:
        return partial(Subject.leet, cased=leaf.cased)
    return Subject.cased if leaf.cased else Subject.folded


def _finish(*, cased: bool, read_leet: bool) -> Callable[[str], str]:
    """What is done to a literal so that it compares with the texts of ``view``."""
    if read_leet:
        return leet if cased else lambda text: leet(fold(text))
    return str if cased else fold


def _literal_forms(field: str, text: str, finish: Callable[[str], str]) -> list[str]:
    prepared = forms(text) if is_normalised(field) else (text,)
    return [finish(form) for form in prepared]


def equals(leaf: Equals) -> Check:
    field, texts = leaf.field, view(leaf)
    finish = _finish(cased=leaf.cased, read_leet=leaf.leet)
    wanted = frozenset(form for value in leaf.values for form in _literal_forms(field, value, finish))
    return lambda subject: not wanted.isdisjoint(texts(subject, field))


def prepared_patterns(pattern: Pattern, *, normalised: bool) -> list[Callable[[str], str]]:
    """How the pattern's literals are prepared: in one way, or once for each form that they have."""
    if not normalised:
        return [str]
    literals = [token for token in pattern if not isinstance(token, Wild)]
    ways = 2 if any(len(forms(text)) > 1 for text in literals) else 1
    return [partial(_form, way) for way in range(ways)]


def _form(way: int, text: str) -> str:
    found = forms(text)
    return found[min(way, len(found) - 1)]


def locators(leaf: Equals | Glob | Keyword, field: str) -> list[Callable[[str], Span | None]]:
    """Where in a text of a field, as ``Subject.cased`` has it, the leaf finds what it looks for; one for each way its literals are read.

    What is done to the text before it is compared never changes its length, so places in it are places in the text.
    """
    patterns: list[Pattern]
    if isinstance(leaf, Keyword):
        patterns = [(Wild.ANY, *leaf.pattern, Wild.ANY)]
    else:
        patterns = [leaf.pattern] if isinstance(leaf, Glob) else [(value,) if value else () for value in leaf.values]
    ways = [way for pattern in patterns for way in prepared_patterns(pattern, normalised=is_normalised(field))]
    finish = _finish(cased=leaf.cased, read_leet=not isinstance(leaf, Keyword) and leaf.leet)
    return [_in_finished(locate_glob(pattern, _after(way, finish)), finish) for pattern in patterns for way in ways]


def _in_finished(locate: Callable[[str], Span | None], finish: Callable[[str], str]) -> Callable[[str], Span | None]:
    return lambda text: locate(finish(text))


def _tests(pattern: Pattern, *, normalised: bool, finish: Callable[[str], str]) -> list[Test]:
    return [compile_glob(pattern, _after(form, finish)) for form in prepared_patterns(pattern, normalised=normalised)]


def _after(first: Callable[[str], str], second: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: second(first(text))


def glob(leaf: Glob) -> Check:
    return any_glob(AnyGlob(leaf.field, (leaf,)))


def any_glob(leaf: AnyGlob) -> Check:
    field, texts = leaf.field, view(leaf.globs[0])
    needles: list[str] = []
    tests: list[Test] = []
    for each in leaf.globs:
        finish = _finish(cased=each.cased, read_leet=each.leet)
        match each.pattern:
            case (Wild.ANY, str(text), Wild.ANY):
                needles += _literal_forms(field, text, finish)
            case _:
                tests += _tests(each.pattern, normalised=is_normalised(field), finish=finish)

    # The innermost loops of all matching: a generator would cost more than what it looks for.
    def check(subject: Subject) -> bool:
        for text in texts(subject, field):
            for needle in needles:
                if needle in text:
                    return True
            for test in tests:
                if test(text):
                    return True
        return False

    return check


def keyword(leaf: Keyword) -> Check:
    """In texts of normalised fields the normalised pattern is looked for, in all others the pattern as it is written."""
    pattern: Pattern = (Wild.ANY, *leaf.pattern, Wild.ANY)
    finish, cased = _finish(cased=leaf.cased, read_leet=False), leaf.cased
    as_written = _tests(pattern, normalised=False, finish=finish)
    normalised = _tests(pattern, normalised=True, finish=finish)
    return lambda subject: (
        any(test(text) for text in subject.keywords(normalised=False, cased=cased) for test in as_written)
        or any(test(text) for text in subject.keywords(normalised=True, cased=cased) for test in normalised)
    )
