"""The condition: precedence, quantifiers, places of mistakes, bounded depth."""

from __future__ import annotations

import pytest

from ostiary.language.compile import Compiled
from ostiary.language.condition import MAX_CONDITION_DEPTH, MAX_CONDITION_LEAVES, ConditionError, Selection, parse_condition
from ostiary.vocabulary.plan import All, Not, Null, Plan, Some

A, B, C = Null("a"), Null("b"), Null("c")
SELECTIONS = {"a": Selection(A, 1), "b": Selection(B, 1), "c-1": Selection(C, 1), "_hidden": Selection(Null("h"), 1)}


def parse(text: str) -> Plan:
    return parse_condition(text, SELECTIONS, set())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", A),
        ("not a", Not(A)),
        ("not not a", Not(Not(A))),
        ("a and b", All((A, B))),
        ("a or b and c-1", Some((A, All((B, C))))),
        ("a and b or c-1", Some((All((A, B)), C))),
        ("not a and b", All((Not(A), B))),
        ("not (a and b)", Not(All((A, B)))),
        ("(a or b) and c-1", All((Some((A, B)), C))),
        ("a and (b and c-1)", All((A, B, C))),
        ("((a))", A),
        ("1 of them", Some((A, B, C))),
        ("any of them", Some((A, B, C))),
        ("all of them", All((A, B, C))),
        ("1 of a", A),
        ("all of c*", C),
        ("1 of *1", C),
        ("1 of _*", Null("h")),
        ("1 of *", Some((A, B, C))),
        ("not 1 of them", Not(Some((A, B, C)))),
        ("a and 1 of c*", All((A, C))),
        ("  a\n  and\tb ", All((A, B))),
        ("_hidden", Null("h")),
    ],
)
def test_a_condition_becomes_a_plan(text: str, expected: Plan) -> None:
    assert parse(text) == expected


def test_a_pattern_meets_the_whole_name() -> None:
    selections = {"sel": Selection(A, 1), "selection": Selection(B, 1), "my_sel": Selection(C, 1)}
    assert parse_condition("1 of sel*", selections, set()) == Some((A, B))
    assert parse_condition("1 of sel", selections, set()) == A
    assert parse_condition("1 of s*n", selections, set()) == B


def test_a_selection_keeps_its_own_and_under_a_quantifier() -> None:
    both = All((A, B))
    selections = {"sel_1": Selection(both, 2), "sel_2": Selection(C, 1)}
    assert parse_condition("1 of sel_*", selections, set()) == Some((both, C))


@pytest.mark.parametrize(
    ("text", "offset", "kind"),
    [
        ("", 0, "condition-empty"),
        ("a and", 5, "condition-syntax"),
        ("and a", 0, "condition-syntax"),
        ("a b", 2, "condition-syntax"),
        ("(a", 0, "condition-syntax"),
        ("a)", 1, "condition-syntax"),
        ("()", 1, "condition-syntax"),
        ("1 of", 4, "condition-syntax"),
        ("1 of (a)", 5, "condition-syntax"),
        ("a and nope", 6, "condition-undefined"),
        ("2 of them", 0, "condition-quantifier"),
        ("1 of x*", 5, "condition-matches-nothing"),
        ("1 of x", 5, "condition-matches-nothing"),
        ("a AND b", 2, "condition-case"),
        ("a | count() > 5", 2, "condition-obsolete"),
        ("a near b", 2, "condition-obsolete"),
        ("them", 0, "condition-syntax"),
    ],
)
def test_a_mistake_is_placed_in_the_condition(text: str, offset: int, kind: str) -> None:
    with pytest.raises(ConditionError) as raised:
        parse(text)
    assert (raised.value.offset, raised.value.kind) == (offset, kind)


@pytest.mark.parametrize(("opening", "closing"), [("not ", ""), ("(", ")"), ("not (", ")")])
def test_nesting_is_bounded_at_its_limit(opening: str, closing: str) -> None:
    times = MAX_CONDITION_DEPTH // len([word for word in ("not", "(") if word in opening])
    parse(opening * times + "a" + closing * times)
    for more in (times + 1, 100_000):
        with pytest.raises(ConditionError) as raised:
            parse(opening * more + "a" + closing * more)
        assert raised.value.kind == "condition-depth"


def test_leaves_are_bounded_at_their_limit() -> None:
    selections = {"a": Selection(A, MAX_CONDITION_LEAVES // 2)}
    parse_condition("a and a", selections, set())
    with pytest.raises(ConditionError) as raised:
        parse_condition("a and a and a", selections, set())
    assert raised.value.kind == "condition-size"


def test_a_list_of_conditions_is_an_or(plan: object) -> None:
    from ostiary.vocabulary.plan import Equals

    found = plan("  one: {f: a}\n  two: {g: b}\n  condition: [one, not two]")  # type: ignore[operator]
    assert found == Some((Equals("f", ("a",)), Not(Equals("g", ("b",)))))


def test_a_selection_that_nobody_names_is_a_warning(compiled: object) -> None:
    done: Compiled = compiled(  # type: ignore[operator]
        "title: T\nlogsource: {category: webserver}\ndetection: {one: {c-uri: a}, two: {c-uri: b}, _three: {c-uri: c}, condition: one}\n"
    )
    assert done.ruleset is not None
    assert [(warning.kind, "`two`" in warning.message) for warning in done.warnings] == [("unused-selection", True)]


@pytest.mark.parametrize(
    ("condition", "line", "column"),
    [
        ("condition: one and nope", 5, 22),
        ("condition: 'one and nope'", 5, 23),
        ("condition: |\n    one\n    and  nope", 7, 10),
        ("condition: >-\n\n    one and\n    nope", 8, 5),
        ("condition: one\n    and\n    nope", 7, 5),
        ("condition:\n    - one\n    - nope", 7, 7),
    ],
)
def test_a_mistake_is_placed_in_the_file(compiled: object, condition: str, line: int, column: int) -> None:
    done: Compiled = compiled(f"title: T\nlogsource: {{category: webserver}}\ndetection:\n  one: {{c-uri: a}}\n  {condition}\n")  # type: ignore[operator]
    assert [(mistake.line, mistake.column) for mistake in done.mistakes] == [(line, column)]
