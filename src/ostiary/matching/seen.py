"""What a leaf saw of each value of its field, by asking the same leaf about that value alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ostiary.matching.expressions import search_of
from ostiary.matching.glob import Span
from ostiary.matching.leaves import Check, compile_leaf
from ostiary.matching.phrases import locators
from ostiary.matching.subject import Subject
from ostiary.vocabulary.plan import Equals, Glob, Keyword, Leaf, Member, Network, Regex, SameAs, is_fact
from ostiary.vocabulary.request import Scalar

HIDDEN = "(hidden)"
"""Shown for the value of a field that holds a credential."""
_SECRET_NAME = re.compile(
    r"(?:^|[._-])(?:authorization|cookie|set-cookie|token|secret|password|passwd|passphrase|signature|credentials?|jwt|bearer"
    r"|(?:api|access|secret|private)[_-]?key|apikey|(?:session|csrf|xsrf)[_-]?(?:id|token)?)(?:$|\.raw$)",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"(?P<before>\b(?:Bearer|Basic)\s+|[?&;\s](?:api[_-]?key|key|access_token|token|x-amz-(?:signature|security-token)|password|secret)=)"
    r"[^\s&;\"']+"
    r"|\b(?:sk|rk|pk)-[A-Za-z0-9_-]{8,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One value of a field. ``place``: which, from 0, where the field has several."""

    field: str
    value: Scalar
    """As it was sent; ``HIDDEN`` for a credential."""
    matched: bool
    place: int | None = None
    read_as: str | None = None
    """What was compared, where normalising made that differ from what was sent; else None."""
    span: Span | None = None
    """What part matched: from, to, in characters of ``read_as``, or of ``value``."""
    wanted: str | None = None
    """Of a leaf that asks for any of several values: the one that matched."""


def is_secret(field: str) -> bool:
    """Whether a field's name says that it holds a credential: its values are shown nowhere.

    >>> [is_secret(name) for name in ("http.request.header.authorization", "body.api_key", "credential.id", "gen_ai.request.max_tokens")]
    [True, True, True, False]
    """
    return field.startswith("credential.") or _SECRET_NAME.search(field) is not None


def masked(text: str) -> str:
    """A text with what looks like a key or a token in it hidden, character by character, so that places stay what they are.

    >>> masked("/v1?key=abc&q=x")
    '/v1?key=***&q=x'
    """
    return _SECRET_TEXT.sub(lambda found: (before := found["before"] or "") + "*" * (len(found[0]) - len(before)), text)


def values_seen(leaf: Leaf, subject: Subject) -> Iterator[Seen]:
    """Every value that a leaf read, in order; of a keyword those that match alone, since it reads everything. None for a block."""
    if isinstance(leaf, Member):
        return
    check = compile_leaf(leaf)
    if isinstance(leaf, Keyword):
        found = (_seen(leaf, check, name, text, None, Subject({name: text}, None)) for name, text in subject.sent())
        yield from (seen for seen in found if seen.matched)
        return
    values = subject.values(leaf.field)
    for place, value in enumerate(values):
        yield _seen(leaf, check, leaf.field, value, place if len(values) > 1 else None, _alone(leaf, value, subject))
    if isinstance(leaf, SameAs):
        others = subject.values(leaf.other)
        for place, value in enumerate(others):
            yield _shown(Seen(leaf.other, value, False, place if len(others) > 1 else None))


def _alone(leaf: Leaf, value: Scalar, subject: Subject) -> Subject:
    """A Subject that has this value of the leaf's field, and what it is compared to."""
    assert not isinstance(leaf, (Keyword, Member))
    fields = {leaf.field: value}
    if isinstance(leaf, SameAs) and leaf.other != leaf.field and subject.present(leaf.other):
        return Subject(fields | {leaf.other: subject.values(leaf.other)}, fields | {leaf.other: subject.values(leaf.other)})
    return Subject(fields, fields if is_fact(leaf.field) else {})


def _seen(leaf: Leaf, check: Check, field: str, value: Scalar, place: int | None, alone: Subject) -> Seen:
    matched = check(alone)
    wanted = _wanted(leaf, alone) if matched else None
    texts = alone.cased(field)
    span, read_as = None, texts[0] if texts else None
    if matched:
        for text in (*texts, *alone.texts(field, normalised=False)):
            span = next((found for locate in _locators(leaf, field) if (found := locate(text)) is not None), None)
            if span is not None:
                read_as = text
                break
    return _shown(Seen(field, value, matched, place, None if read_as == value or not isinstance(value, str) else read_as, span, wanted))


def _shown(seen: Seen) -> Seen:
    if is_secret(seen.field):
        return replace(seen, value=HIDDEN, read_as=None, span=None, wanted=None)
    value = masked(seen.value) if isinstance(seen.value, str) else seen.value
    return replace(seen, value=value, read_as=None if seen.read_as is None else masked(seen.read_as))


def _wanted(leaf: Leaf, alone: Subject) -> str | None:
    """Which of several values satisfies, by asking for each by itself."""
    if isinstance(leaf, Equals) and len(leaf.values) > 1:
        return next((value for value in leaf.values if compile_leaf(replace(leaf, values=(value,)))(alone)), None)
    if isinstance(leaf, Network) and len(leaf.networks) > 1:
        return next((network for network in leaf.networks if compile_leaf(replace(leaf, networks=(network,)))(alone)), None)
    return None


def _locators(leaf: Leaf, field: str) -> list[Callable[[str], Span | None]]:
    if isinstance(leaf, (Equals, Glob, Keyword)):
        return locators(leaf, field)
    if isinstance(leaf, Regex):
        return [_regex_locator(leaf)]
    return []


def _regex_locator(leaf: Regex) -> Callable[[str], Span | None]:
    search = search_of(leaf.pattern, leaf.flags)

    def locate(text: str) -> Span | None:
        data = text.encode("utf-8", "replace")
        found = search(data)
        if found is None:
            return None
        start, end = found.span()
        return len(data[:start].decode("utf-8", "replace")), len(data[:end].decode("utf-8", "replace"))

    return locate
