"""Globs: shapes, edges, and texts made to make a matcher try again."""

from __future__ import annotations

import pytest

from ostiary.matching.glob import compile_glob
from ostiary.vocabulary.plan import Pattern, Wild

ANY, ONE = Wild.ANY, Wild.ONE


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ((), [""], ["a"]),
        (("ab",), ["ab"], ["", "a", "abc", "xab"]),
        ((ANY,), ["", "a"], []),
        ((ANY, ANY), ["", "a"], []),
        ((ONE,), ["a", "\n"], ["", "ab"]),
        ((ANY, ONE), ["a", "ab"], [""]),
        ((ONE, ANY, ONE), ["ab", "abc"], ["", "a"]),
        ((ANY, "ab"), ["ab", "xab"], ["abx", "b"]),
        (("ab", ANY), ["ab", "abx"], ["xab", "a"]),
        (("ab", ANY, "ba"), ["abba", "abxba"], ["aba", "ab", "ba"]),
        ((ANY, "ab", ANY), ["ab", "xabx"], ["a", "ba"]),
        ((ANY, "a", ANY, "b", ANY), ["ab", "xaxbx"], ["ba", "a"]),
        (("a", ANY, "b", ANY, "c"), ["abc", "axbxc", "abbcc"], ["acb", "ac", "abcx"]),
        ((ANY, "a", ONE, "b", ANY), ["axb", "aaab", "zaabz"], ["ab", "aabx"[:2]]),
        ((ONE, "a", ANY), ["xa", "aab"], ["a", "ax"]),
        (("a", ONE, ONE, ANY), ["abc", "abcd"], ["ab"]),
        ((ANY, "aab"), ["aaab"], ["aaa"]),
    ],
)
def test_a_glob_over_whole_texts(pattern: Pattern, matching: list[str], others: list[str]) -> None:
    test = compile_glob(pattern, str)
    assert [text for text in matching if not test(text)] == []
    assert [text for text in others if test(text)] == []


def test_a_literal_that_is_prepared_away_leaves_no_trace() -> None:
    test = compile_glob((ANY, "x", ONE, "y", ANY), lambda text: "" if text == "x" else text)
    assert test("ay") and not test("y")


def test_regular_expression_syntax_in_a_literal_means_nothing() -> None:
    assert compile_glob((ANY, "a.[b]{2}\\", ANY), str)("xa.[b]{2}\\x")
    assert not compile_glob(("a.c",), str)("abc")


class _Counting(str):
    """A text that counts how often it is searched."""

    searches = 0

    def find(self, *arguments: object) -> int:
        _Counting.searches += 1
        return super().find(*arguments)  # type: ignore[arg-type]


def test_many_stars_search_once_each() -> None:
    pattern: Pattern = (*(token for _ in range(50) for token in (ANY, "a")), ANY, "b", ANY)
    _Counting.searches = 0
    assert not compile_glob(pattern, str)(_Counting("a" * 10_000))
    assert _Counting.searches <= 51
