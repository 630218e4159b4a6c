"""What is ours beyond Sigma: blocks on one member of a collection, and `leet`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ostiary.language.compile import Compiled
from ostiary.vocabulary.plan import All, Equals, Glob, Member, Not, Null, Plan, Some, Wild

Compile = Callable[..., Compiled]
ANY = Wild.ANY
TEXT, ROLE = "gen_ai.messages.text", "gen_ai.messages.role"


def ours(item: str) -> str:
    return f"title: T\nlogsource: {{product: ostiary, category: request}}\ndetection:\n  sel:\n    {item}\n  condition: sel\n"


def plan_of(done: Compiled) -> Plan:
    assert done.ruleset is not None, "\n".join(mistake.render() for mistake in done.mistakes)
    plan = done.ruleset.rules[0].plan
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("'gen_ai.messages[]': {role: user, 'text|contains': x}",
         Member("gen_ai.messages", All((Equals(ROLE, ("user",)), Glob(TEXT, (ANY, "x", ANY)))))),
        ("'gen_ai.messages[]': {role: null}", Member("gen_ai.messages", Null(ROLE))),
        ("'gen_ai.messages[]': {role|neq: [user, system]}", Member("gen_ai.messages", Not(Equals(ROLE, ("user", "system"))))),
        ("'gen_ai.messages[]': [{role: user}, {role: tool}]",
         Some((Member("gen_ai.messages", Equals(ROLE, ("user",))), Member("gen_ai.messages", Equals(ROLE, ("tool",)))))),
        ("'gen_ai.tools[]': {name: sh, 'description|contains|all': [a, b]}",
         Member("gen_ai.tools", All((Equals("gen_ai.tools.name", ("sh",)), Glob("gen_ai.tools.description", (ANY, "a", ANY)),
                                     Glob("gen_ai.tools.description", (ANY, "b", ANY)))))),
        ("{url.path: /a, 'gen_ai.tools[]': {name: sh}}",
         All((Equals("url.path", ("/a",)), Member("gen_ai.tools", Equals("gen_ai.tools.name", ("sh",)))))),
        ("gen_ai.messages.role: user", Equals(ROLE, ("user",))),
        ("'url.path|leet': admin", Equals("url.path", ("admin",), False, True)),
        ("'url.path|leet|contains': admin", Glob("url.path", (ANY, "admin", ANY), False, True)),
        ("'url.path|contains|leet': [admin, root]",
         Some((Glob("url.path", (ANY, "admin", ANY), False, True), Glob("url.path", (ANY, "root", ANY), False, True)))),
        ("'url.path|leet|cased': Admin", Equals("url.path", ("Admin",), True, True)),
        ("'gen_ai.messages[]': {'text|leet|contains': x}", Member("gen_ai.messages", Glob(TEXT, (ANY, "x", ANY), False, True))),
    ],
)  # fmt: skip
def test_an_item_of_ours_becomes_a_plan(compiled: Compile, item: str, expected: Plan) -> None:
    assert plan_of(compiled(ours(item))) == expected


def test_texts_with_and_without_leet_stay_apart(compiled: Compile) -> None:
    done = compiled(
        "title: T\nlogsource: {product: ostiary, category: request}\n"
        "detection: {a: {url.path: x}, b: {url.path|leet: x}, condition: a or b}\n"
    )
    assert plan_of(done) == Some((Equals("url.path", ("x",)), Equals("url.path", ("x",), False, True)))


@pytest.mark.parametrize("item", ["'cs-uri-stem|leet': admin", "'gen_ai.messages[]': {role: user}"])
def test_what_is_ours_is_refused_by_name_in_plain_sigma(compiled: Compile, item: str) -> None:
    done = compiled(ours(item).replace("product: ostiary, category: request", "category: webserver"))
    assert [mistake.kind for mistake in done.mistakes] == ["ours-only"]


def test_mistakes_inside_a_block_stand_at_their_places(compiled: Compile) -> None:
    done = compiled(ours("'gen_ai.messages[]': {role: user, txet: a, 'text|contians': b, 'text|contains': null}"))
    assert [(mistake.kind, mistake.column) for mistake in done.mistakes] == [
        ("unknown-field", 39), ("unknown-modifier", 54), ("modifier-value", 85),
    ]  # fmt: skip


def test_facts_may_be_compared_with_each_other(compiled: Compile) -> None:
    assert compiled(ours("account.plan|fieldref: account.tier")).ruleset is not None
    assert compiled(ours("account.id|fieldref: gen_ai.request.user")).ruleset is not None
