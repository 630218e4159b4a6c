"""Explaining is evaluating with a recorder: the same truth, and what led to it."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings

from ostiary.matching.evaluate import Evaluator
from ostiary.matching.explain import Node, explain
from ostiary.matching.seen import HIDDEN, Seen, is_secret, masked
from ostiary.vocabulary.plan import All, Compare, Equals, Glob, Keyword, Member, Network, Not, Plan, Regex, SameAs, Some, Wild
from ostiary.vocabulary.rule import Correlation, Rule, Ruleset

ANY, ONE = Wild.ANY, Wild.ONE
PROMPT = "gen_ai.prompt.last"


def _beside(name: str) -> ModuleType:
    known = sys.modules.get(f"matching_{name}")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"matching_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"matching_{name}"] = module
    spec.loader.exec_module(module)
    return module


plans = _beside("plans")
profile = settings(
    max_examples=int(os.environ.get("OSTIARY_TEST_EXAMPLES", "300")),
    derandomize="OSTIARY_TEST_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def one(plan: Plan) -> Ruleset:
    return Ruleset((Rule(0, "r", "A rule", "0", "low", "request", plan=plan),))


def tree(plan: Plan, fields: dict[str, object], facts: dict[str, object] | None = None) -> Node:
    root = explain(one(plan), 0, fields, {} if facts is None else facts).root
    assert root is not None
    return root


def leaves(node: Node) -> Iterator[Node]:
    if isinstance(node.plan, (All, Some, Not)):
        for child in node.children:
            yield from leaves(child)
    else:
        yield node


@profile
@given(plans.PLANS, plans.FIELDS, plans.KNOWN_FACTS)
def test_explaining_comes_to_the_truth_of_evaluating(plan: Plan, fields: dict[str, object], facts: dict[str, object]) -> None:
    evaluator = Evaluator(one(plan))
    assert explain(one(plan), 0, fields, facts).truth is bool(evaluator.evaluate(fields, facts))
    undecided = evaluator.evaluate(fields)
    truth = explain(one(plan), 0, fields).truth
    assert truth is (bool(undecided) if not undecided or undecided[0].leaves is None else None)


@profile
@given(plans.PLANS, plans.FIELDS, plans.KNOWN_FACTS)
def test_each_leaf_is_what_the_evaluator_says_it_is_and_a_true_text_leaf_shows_where(
    plan: Plan, fields: dict[str, object], facts: dict[str, object]
) -> None:
    found = [leaf for leaf in leaves(tree(plan, fields, facts)) if not hasattr(leaf.plan, "value")]
    assert tuple(leaf.truth for leaf in found) == Evaluator(one(plan)).truths(0, fields, facts)
    for leaf in found:
        if isinstance(leaf.plan, (Equals, Glob, Regex)):
            assert leaf.truth is any(seen.matched for seen in leaf.seen)
            assert all(seen.span is not None for seen in leaf.seen if seen.matched)


def only(plan: Plan, fields: dict[str, object]) -> Seen:
    (seen,) = tree(plan, fields).seen
    return seen


@pytest.mark.parametrize(
    ("plan", "text", "part"),
    [
        (Glob("f", (ANY, "chain", ANY)), "the Chain of", "Chain"),
        (Glob("f", (ANY, "a", ONE, "c", ANY, "z", ANY)), "xx abc yy z.", "abc yy z"),
        (Glob("f", ("x", ANY)), "xyz", "x"),
        (Glob("f", (ANY, "z")), "xyz", "z"),
        (Glob("f", (ANY,)), "anything", "anything"),
        (Glob("f", (ANY, "ignore all", ANY), leet=True), "now 1gnor3 a11", "1gnor3 a11"),
        (Equals("f", ("xyz",)), "XYZ", "XYZ"),
        (Regex("f", "b+"), "äbbc", "bb"),
        (Keyword(("needle",)), "a Needle", "Needle"),
    ],
)
def test_the_part_that_matched_is_shown(plan: Plan, text: str, part: str) -> None:
    seen = only(plan, {"f": text})
    assert seen.matched and seen.span is not None and seen.read_as is None
    assert text[slice(*seen.span)] == part


def test_a_normalised_value_is_shown_as_it_was_sent_and_as_it_was_read() -> None:
    seen = only(Glob(PROMPT, (ANY, "verbatim", ANY)), {PROMPT: "say it ve\u200brb\u0430tim"})
    assert (seen.value, seen.read_as) == ("say it ve\u200brb\u0430tim", "say it verbatim")
    assert seen.span == (7, 15)


def test_which_value_of_a_list_and_which_value_of_the_field_matched_is_shown() -> None:
    found = tree(Equals("f", ("a", "b")), {"f": ("x", "B", None)})
    assert [(seen.place, seen.matched, seen.wanted) for seen in found.seen] == [(0, False, None), (1, True, "b"), (2, False, None)]
    networks = tree(Network("f", ("10.0.0.0/8", "192.0.2.0/24")), {"f": "192.0.2.9"})
    assert networks.seen[0].wanted == "192.0.2.0/24"


def test_a_list_of_expressions_shows_which_of_them_matched() -> None:
    plan = Some((Regex("f", "aa"), Regex("f", "b+"), Regex("f", "c")))
    assert [leaf.truth for leaf in leaves(tree(plan, {"f": "xbbx"}))] == [False, True, False]


def test_no_short_cut_hides_a_leaf() -> None:
    plan = All((Equals("f", ("no",)), Some((Equals("f", ("x",)), Equals("f", ("y",)))), Not(Compare("g", "gt", 1))))
    found = list(leaves(tree(plan, {"f": "x", "g": 5})))
    assert [leaf.truth for leaf in found] == [False, True, False, True]
    assert all(leaf.seen for leaf in found)


def test_absent_fields_are_named() -> None:
    found = list(leaves(tree(All((Equals("f", ("x",)), SameAs("g", "h"))), {"g": "y"})))
    assert [leaf.absent for leaf in found] == [("f",), ("h",)]


def test_of_a_block_each_member_is_shown() -> None:
    plan = Member("gen_ai.messages", All((Equals("gen_ai.messages.role", ("user",)), Glob("gen_ai.messages.text", (ANY, "x", ANY)))))
    found = tree(plan, {"gen_ai.messages.role": ("user", "tool", "user"), "gen_ai.messages.text": ("a", "x", "axe")})
    assert found.truth is True
    assert [child.truth for child in found.children] == [False, False, True]
    assert found.children[2].children[1].seen[0].span == (1, 2)


def test_what_facts_decide_is_unknown_until_they_are_there() -> None:
    ruleset = one(Equals("account.plan", ("free",)))
    assert explain(ruleset, 0, {}).truth is None
    explained = explain(ruleset, 0, {}, {"account.plan": "free"})
    assert explained.truth is True and explained.root is not None and explained.root.seen[0].value == "free"


def test_a_correlation_shows_its_rules_and_that_time_decides() -> None:
    rule = Rule(0, "r", "A rule", "0", "low", "request", plan=Equals("f", ("x",)))
    correlation = Correlation("event_count", (0,), ("account.id", "who"), 60, (("gte", 3.0),), aliases=(("who", ((0, "user"),)),))
    counted = Rule(1, "c", "Counted", "0", "low", "request", correlation=correlation)
    found = explain(Ruleset((rule, counted)), 1, {"f": "x", "user": "u"}, {})
    assert found.truth is None and found.correlation is correlation
    assert [inner.truth for inner in found.rules] == [True]
    assert found.groups == (("account.id", False), ("who", True))


SECRET = "sk-planted-0123456789"


@pytest.mark.parametrize(
    "name",
    ["http.request.header.authorization", "http.request.header.x-api-key", "cs-cookie", "body.client_secret", "credential.id", "a.token"],
)
def test_no_value_of_a_field_that_holds_a_credential_is_shown(name: str) -> None:
    assert is_secret(name)
    for plan in (Glob(name, (ANY, "planted", ANY)), Keyword(("planted",)), SameAs("f", name), Regex(name, "s.-planted")):
        found = explain(one(plan), 0, {name: f"x {SECRET}", "f": f"{SECRET} or not"}, {})
        assert SECRET not in repr(found)
        assert HIDDEN in repr(found)


@pytest.mark.parametrize("text", [f"Bearer {SECRET}", f"/v1?api_key={SECRET}&x=1", f"?key={SECRET}", f"my key is {SECRET}"])
def test_what_looks_like_a_key_within_a_text_is_masked_in_its_place(text: str) -> None:
    assert SECRET not in masked(text)
    assert len(masked(text)) == len(text)


@pytest.mark.parametrize(
    "name", ["gen_ai.request.max_tokens", "url.path", "gen_ai.usage.output_tokens", "account.plan", "session_count", "f"]
)
def test_a_field_that_holds_no_credential_is_shown(name: str) -> None:
    assert not is_secret(name)
