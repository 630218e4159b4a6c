"""Globs without backtracking: literal runs are found from left to right, each at the first place that does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ostiary.vocabulary.plan import Pattern, Wild

Test = Callable[[str], bool]
Span = tuple[int, int]
"""Of a text: from, to."""
Part = str | int
"""A literal run, or how many single characters of any kind."""


def compile_glob(pattern: Pattern, prepare: Callable[[str], str]) -> Test:
    """A test of whole texts against a tokenised pattern, whose literal runs ``prepare`` makes comparable.

    Time is linear in the text for a given pattern: nothing is tried again, because an earlier place for a run between two ``*``
    never spoils a match that a later one would allow.

    >>> test = compile_glob(("chain", Wild.ANY, "th", Wild.ONE, "ught"), str.lower)
    >>> test("chain of thought"), test("chain of thoughts")
    (True, False)
    """
    segments = _segments(pattern, prepare)
    if len(segments) == 1:
        return _whole(segments[0])
    first, last = segments[0], segments[-1]
    middle = [segment for segment in segments[1:-1] if segment]
    if all(len(segment) <= 1 and all(isinstance(part, str) for part in segment) for segment in segments):
        return _literal(_text(first), [_text(segment) for segment in middle], _text(last))
    return _general(first, middle, last)


def _segments(pattern: Pattern, prepare: Callable[[str], str]) -> list[list[Part]]:
    """What stands between ``*``: literal runs and counts of ``?``, neighbours merged. The first and the last may be empty."""
    segments: list[list[Part]] = [[]]
    for token in pattern:
        segment = segments[-1]
        if token is Wild.ANY:
            segments.append([])
        elif token is Wild.ONE:
            _append(segment, 1)
        elif text := prepare(token):
            _append(segment, text)
    return segments


def _append(segment: list[Part], part: Part) -> None:
    match segment[-1:], part:
        case [str(before)], str(text):
            segment[-1] = before + text
        case [int(count)], int(more):
            segment[-1] = count + more
        case _:
            segment.append(part)


def _text(segment: Sequence[Part]) -> str:
    return "".join(part for part in segment if isinstance(part, str))


def _length(segment: Sequence[Part]) -> int:
    return sum(len(part) if isinstance(part, str) else part for part in segment)


def _whole(segment: list[Part]) -> Test:
    length = _length(segment)
    return lambda text: len(text) == length and _at(segment, text, 0)


def _literal(first: str, middle: list[str], last: str) -> Test:
    """The common shapes, each by one method of ``str``."""
    if not middle:
        if not first:
            return lambda text: text.endswith(last)
        if not last:
            return lambda text: text.startswith(first)
        least = len(first) + len(last)
        return lambda text: len(text) >= least and text.startswith(first) and text.endswith(last)
    if not first and not last and len(middle) == 1:
        needle = middle[0]
        return lambda text: needle in text

    def in_order(text: str) -> bool:
        if not (text.startswith(first) and text.endswith(last)):
            return False
        position, end = len(first), len(text) - len(last)
        for needle in middle:
            position = text.find(needle, position, end)
            if position < 0:
                return False
            position += len(needle)
        return position <= end

    return in_order


def _general(first: list[Part], middle: list[list[Part]], last: list[Part]) -> Test:
    places = _places(first, middle, last)
    return lambda text: places(text) is not None


def _places(first: list[Part], middle: list[list[Part]], last: list[Part]) -> Callable[[str], list[Span] | None]:
    """Where each segment stands, none of them empty; None for a text that does not match."""
    head, tail = _length(first), _length(last)
    seekers = [(_seek(segment), _length(segment)) for segment in middle]

    def find(text: str) -> list[Span] | None:
        end = len(text) - tail
        if end < head or not _at(first, text, 0) or not _at(last, text, end):
            return None
        found = [(0, head)] if head else []
        position = head
        for seek, length in seekers:
            position = seek(text, position, end)
            if position < 0:
                return None
            found.append((position, position + length))
            position += length
        return [*found, (end, end + tail)] if tail else found

    return find


def locate_glob(pattern: Pattern, prepare: Callable[[str], str]) -> Callable[[str], Span | None]:
    """From where to where in a text a pattern's literals stand; None for a text that does not match.

    >>> locate_glob((Wild.ANY, "chain", Wild.ANY, "thought", Wild.ANY), str)("a chain of thought, please")
    (2, 18)
    """
    segments = _segments(pattern, prepare)
    if len(segments) == 1:
        test = _whole(segments[0])
        return lambda text: (0, len(text)) if test(text) else None
    places = _places(segments[0], [segment for segment in segments[1:-1] if segment], segments[-1])

    def locate(text: str) -> Span | None:
        found = places(text)
        if found is None:
            return None
        return (found[0][0], found[-1][1]) if found else (0, len(text))

    return locate


def _at(segment: Sequence[Part], text: str, position: int) -> bool:
    """Whether the segment stands at a position; the caller has seen to it that the text is long enough."""
    for part in segment:
        if isinstance(part, int):
            position += part
        elif text.startswith(part, position):
            position += len(part)
        else:
            return False
    return True


def _seek(segment: list[Part]) -> Callable[[str, int, int], int]:
    """A search for the segment's first place between two positions, led by its longest literal; -1 when there is none."""
    length = _length(segment)
    needle = max((part for part in segment if isinstance(part, str)), key=len, default="")
    before = _length(segment[: segment.index(needle)]) if needle else 0

    def seek(text: str, start: int, end: int) -> int:
        last = end - length
        while start <= last:
            found = text.find(needle, start + before, last + before + len(needle))
            if found < 0:
                return -1
            start = found - before
            if _at(segment, text, start):
                return start
            start += 1
        return -1

    return seek
