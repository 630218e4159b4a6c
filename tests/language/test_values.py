"""Values and selections → plan nodes, as the Sigma specification means them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ostiary.language.strings import joined, tokens
from ostiary.vocabulary.plan import All, Equals, Exists, Glob, Keyword, Not, Null, Plan, Some, Wild

ANY, ONE = Wild.ANY, Wild.ONE
MakePlan = Callable[[str], Plan]


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        (r"plain", ("plain",)),
        (r"", ()),
        (r"a*b?c", ("a", ANY, "b", ONE, "c")),
        (r"\*", ("*",)),
        (r"\?", ("?",)),
        (r"a\\*", ("a\\", ANY)),
        (r"a\\\*", ("a\\*",)),
        (r"C:\Windows", ("C:\\Windows",)),
        (r"\x", ("\\x",)),
        (r"\\", ("\\",)),
        (r"\\\x", ("\\\\x",)),
        (r"\\\\x", ("\\\\x",)),
        ("end\\", ("end\\",)),
        (r"**", (ANY, ANY)),
        (r"??", (ONE, ONE)),
    ],
)
def test_escapes_and_wildcards(written: str, pattern: tuple[object, ...]) -> None:
    assert tokens(written) == pattern


def test_wildcards_that_meet_become_one() -> None:
    assert joined((ANY,), (ANY, "a"), ("b", ONE), (ONE, ANY), (ANY,)) == (ANY, "ab", ONE, ONE, ANY)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("GET", Equals("f", ("GET",))),
        ("''", Equals("f", ("",))),
        ("null", Null("f")),
        ("", Null("f")),
        ("5", Equals("f", ("5",))),
        ("5.0", Equals("f", ("5",))),
        ("0.25", Equals("f", ("0.25",))),
        ("'5'", Equals("f", ("5",))),
        ("true", Equals("f", ("true",))),
        ("'*'", Glob("f", (ANY,))),
        ("a*", Glob("f", ("a", ANY))),
        (r"a\*", Equals("f", ("a*",))),
        ("[a, b, 5, a]", Equals("f", ("a", "b", "5"))),
        ("[a, 'b*', c]", Some((Equals("f", ("a", "c")), Glob("f", ("b", ANY))))),
        ("[]", Null("f")),
    ],
)
def test_a_field_s_values(plan: MakePlan, value: str, expected: Plan) -> None:
    assert plan(f"  sel: {{f: {value}}}\n  condition: sel") == expected


def test_the_items_of_a_map_must_all_hold(plan: MakePlan) -> None:
    assert plan("  sel: {a: 1, b: 2}\n  condition: sel") == All((Equals("a", ("1",)), Equals("b", ("2",))))


def test_of_a_list_of_maps_one_must_hold_with_all_its_items(plan: MakePlan) -> None:
    expected = Some((All((Equals("a", ("1",)), Equals("b", ("2",)))), Equals("a", ("3",))))
    assert plan("  sel:\n    - {a: 1, b: 2}\n    - {a: 3}\n  condition: sel") == expected


def test_a_list_of_scalars_are_keywords_of_which_one_must_occur(plan: MakePlan) -> None:
    assert plan("  sel: [word, 5, 'a*b']\n  condition: sel") == Some((Keyword(("word",)), Keyword(("5",)), Keyword(("a", ANY, "b"))))


def test_keywords_under_all_must_all_occur(plan: MakePlan) -> None:
    assert plan("  sel: {'|all': [one, two]}\n  condition: sel") == All((Keyword(("one",)), Keyword(("two",))))


def test_a_single_keyword_needs_no_list(plan: MakePlan) -> None:
    assert plan("  sel: word\n  condition: sel") == Keyword(("word",))


def test_keywords_and_maps_may_share_a_list(plan: MakePlan) -> None:
    assert plan("  sel: [word, {a: 1}]\n  condition: sel") == Some((Keyword(("word",)), Equals("a", ("1",))))


def test_null_and_absence_and_emptiness_differ(plan: MakePlan) -> None:
    assert plan("  sel: {a: null, b: '', c|exists: false}\n  condition: not sel") == Not(
        All((Null("a"), Equals("b", ("",)), Exists("c", False)))
    )


def test_a_thousand_values_are_one_question(plan: MakePlan) -> None:
    values = ", ".join(f"v{number}" for number in range(1000))
    found = plan(f"  sel: {{f: [{values}]}}\n  condition: sel")
    assert isinstance(found, Equals)
    assert len(found.values) == 1000
