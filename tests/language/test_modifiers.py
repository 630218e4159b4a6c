"""Modifiers: one word, one file; left to right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.language import modifiers
from ostiary.language.expressions import MAX_EXPRESSION_CHARS
from ostiary.language.modifiers import ALIASES, REGISTRY, Registry
from ostiary.vocabulary.plan import All, Compare, Equals, Exists, Glob, Network, Not, Plan, Regex, SameAs, Some, Wild

ANY = Wild.ANY
MakePlan = Callable[[str], Plan]


def test_the_folder_and_the_registry_hold_the_same_words() -> None:
    files = {path.stem for path in Path(modifiers.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(REGISTRY.words())
    assert not files & ALIASES.keys()
    assert set(ALIASES.values()) <= files


def test_a_word_cannot_be_registered_twice() -> None:
    registry = Registry()
    registry.register("word", lambda item, context: item)
    with pytest.raises(ValueError, match="twice"):
        registry.register("word", lambda item, context: item)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("f|contains: a", Glob("f", (ANY, "a", ANY))),
        ("f|contains: '*a*'", Glob("f", (ANY, "a", ANY))),
        ("f|contains: ''", Glob("f", (ANY,))),
        ("f|contains: 5", Glob("f", (ANY, "5", ANY))),
        ("f|startswith: a", Glob("f", ("a", ANY))),
        ("f|endswith: a", Glob("f", (ANY, "a"))),
        (r"f|endswith: '\*'", Glob("f", (ANY, "*"))),
        ("f|contains|all: [a, b]", All((Glob("f", (ANY, "a", ANY)), Glob("f", (ANY, "b", ANY))))),
        ("f|all|contains: [a, b]", All((Glob("f", (ANY, "a", ANY)), Glob("f", (ANY, "b", ANY))))),
        ("f|contains: [a, b]", Some((Glob("f", (ANY, "a", ANY)), Glob("f", (ANY, "b", ANY))))),
        ("f|cased: A", Equals("f", ("A",), True)),
        ("f|contains|cased: A", Glob("f", (ANY, "A", ANY), True)),
        ("f|cased|contains: A", Glob("f", (ANY, "A", ANY), True)),
        (r"f|re: 'a\*b'", Regex("f", r"a\*b")),
        ("f|re: 5", Regex("f", "5")),
        ("f|re|i: a", Regex("f", "a", "i")),
        ("f|re|i|m|s: a", Regex("f", "a", "ims")),
        ("f|re|ignorecase|dotall: a", Regex("f", "a", "is")),
        ("f|re|contains: a|b", Regex("f", "a|b")),
        ("f|re|startswith: a|b", Regex("f", r"\A(?:a|b)")),
        ("f|re|endswith: a|b", Regex("f", "(?:a|b)(?-m:$)")),
        ("f|re: [a, b]", Some((Regex("f", "a"), Regex("f", "b")))),
        ("f|cidr: [192.0.2.0/24, '2001:db8::/32', 198.51.100.7]", Network("f", ("192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"))),
        ("f|lt: 5", Compare("f", "lt", 5)),
        ("f|lte: 0.5", Compare("f", "lte", 0.5)),
        ("f|gt: -1", Compare("f", "gt", -1)),
        ("f|gte: [5, 6]", Some((Compare("f", "gte", 5), Compare("f", "gte", 6)))),
        ("f|exists: true", Exists("f", True)),
        ("f|exists: false", Exists("f", False)),
        ("f|neq: a", Not(Equals("f", ("a",)))),
        ("f|neq: [a, b]", Not(Equals("f", ("a", "b")))),
        ("f|contains|neq: a", Not(Glob("f", (ANY, "a", ANY)))),
        ("f|neq|all: [a, b]", Not(All((Equals("f", ("a",)), Equals("f", ("b",)))))),
        ("f|fieldref: g", SameAs("f", "g")),
        ("f|fieldref|endswith: g", SameAs("f", "g", "endswith")),
        ("f|fieldref|neq: g", Not(SameAs("f", "g"))),
    ],
)
def test_an_item_becomes_a_plan(plan: MakePlan, item: str, expected: Plan) -> None:
    assert plan(f"  sel:\n    {item}\n  condition: sel") == expected


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("a(?=b)", "expression-look-around"),
        ("(?<!a)b", "expression-look-around"),
        (r"(a)\1", "expression-back-reference"),
        ("(?P<x>a)(?P=x)", "expression-back-reference"),
        ("(?>a)", "expression-possessive"),
        ("(a)?(?(1)b|c)", "expression-conditional"),
        ("a{1001}", "expression"),
        ("((a{1,1000}){1,1000}){1,1000}", "expression"),
        ("x" * (MAX_EXPRESSION_CHARS + 1), "expression-size"),
    ],
)
def test_what_does_not_run_in_linear_time_is_refused_by_name(compiled: Callable[..., object], expression: str, kind: str) -> None:
    done = compiled(f"title: T\nlogsource: {{category: webserver}}\ndetection:\n  sel:\n    f|re: '{expression}'\n  condition: sel\n")
    assert [mistake.kind for mistake in done.mistakes] == [kind]  # type: ignore[attr-defined]


def test_an_expression_is_read_up_to_its_limit(plan: MakePlan) -> None:
    longest = "x" * MAX_EXPRESSION_CHARS
    assert plan(f"  sel: {{f|re: {longest}}}\n  condition: sel") == Regex("f", longest)
