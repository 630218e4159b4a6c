"""What the Evaluator answers, case by case."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ostiary.matching.evaluate import Evaluator
from ostiary.vocabulary.plan import (
    All,
    Compare,
    Constant,
    DatePart,
    Equals,
    Exists,
    Glob,
    Keyword,
    Member,
    Network,
    Not,
    Null,
    Plan,
    Regex,
    SameAs,
    Some,
    Wild,
)
from ostiary.vocabulary.rule import Category, Correlation, Rule, Ruleset, Signal

ANY, ONE = Wild.ANY, Wild.ONE
PROMPT = "gen_ai.prompt.last"


def ruleset(*plans: Plan, category: Category = "request") -> Ruleset:
    return Ruleset(tuple(Rule(index, f"rule-{index}", "", "0", "low", category, plan=plan) for index, plan in enumerate(plans)))


def matches(plan: Plan, fields: dict[str, object], facts: dict[str, object] | None = None) -> bool:
    found = Evaluator(ruleset(plan)).evaluate(fields, facts or {})
    assert found in ((), (Signal(0),))
    return bool(found)


@pytest.mark.parametrize(
    ("plan", "value", "expected"),
    [
        (Equals("f", ("200",)), 200, True),
        (Equals("f", ("5",)), 5.0, True),
        (Equals("f", ("true",)), True, True),
        (Equals("f", ("true",)), "TRUE", True),
        (Equals("f", ("true",), cased=True), "TRUE", False),
        (Equals("f", ("1",)), True, False),
        (Equals("f", ("",)), "", True),
        (Equals("f", ("",)), None, False),
        (Equals("f", ("none",)), None, False),
        (Equals("f", ("-",)), "-", True),
        (Equals("f", ("b",)), ("a", "b"), True),
        (Equals("f", ("a*",)), "ab", False),
        (Null("f"), None, True),
        (Null("f"), "", False),
        (Null("f"), ("a", None), True),
        (Null("f"), (), True),
        (Exists("f", True), None, True),
        (Exists("f", True), (), True),
        (Exists("f", False), "", False),
        (Glob("f", (ANY,)), "", True),
        (Glob("f", (ANY,)), None, False),
        (Glob("f", ()), "", True),
        (Glob("f", ("a", ONE, "c")), "a\U0001f600c", True),
        (Glob("f", ("a", ANY, "a")), "a", False),
        (Glob("f", (ANY, "b", ONE, "d", ANY)), "xbcbbddx", True),
        (Compare("f", "gte", 5), "5", True),
        (Compare("f", "gt", 5), 5.0, False),
        (Compare("f", "lt", 5), "4.9e0", True),
        (Compare("f", "lt", 5), True, False),
        (Compare("f", "gte", 0), float("nan"), False),
        (Compare("f", "lt", 0), "nan", False),
        (Compare("f", "gte", 0), "", False),
        (Compare("f", "gte", 0), "1_0", False),
        (Compare("f", "gte", 10), ("x", None, 11), True),
        (Compare("f", "gt", 10**17), str(10**17 + 1), True),
        (Regex("f", "b+"), "abbc", True),
        (Regex("f", "B+"), "abbc", False),
        (Regex("f", "B+", "i"), "abbc", True),
        (Regex("f", "^b", "m"), "a\nb", True),
        (Regex("f", "a.b", "s"), "a\nb", True),
        (Regex("f", "^a.b$"), "aéb", True),
        (Regex("f", "4"), 404, True),
        (DatePart("f", "hour", "eq", 23), "2026-03-01T01:30:00+02:00", True),
        (DatePart("f", "day", "eq", 28), "2026-03-01T01:30:00+02:00", True),
        (DatePart("f", "minute", "gte", 30), "2026-03-01t01:30:00.25z", True),
        (DatePart("f", "hour", "eq", 1), "2026-03-01 01:30", True),
        (DatePart("f", "minute", "eq", 59), "2016-12-31T23:59:60Z", True),
        (DatePart("f", "week", "eq", 53), "2027-01-03T00:00:00Z", True),
        (DatePart("f", "week", "eq", 1), "2027-01-04T00:00:00Z", True),
        (DatePart("f", "year", "lt", 1970), -1, True),
        (DatePart("f", "month", "eq", 1), "86400", True),
        (DatePart("f", "hour", "gte", 0), "2026-03-01", False),
        (DatePart("f", "hour", "gte", 0), "2026-02-30T00:00:00Z", False),
        (DatePart("f", "hour", "gte", 0), "2026-03-01T00:00:00+24:00", False),
        (DatePart("f", "year", "gte", 0), 1e15, False),
        (DatePart("f", "year", "gte", 0), 10**400, False),
        (DatePart("f", "hour", "gte", 0), float("nan"), False),
        (DatePart("f", "hour", "gte", 0), True, False),
        (DatePart("f", "hour", "eq", 5), ("x", None, "2026-03-01T05:00:00Z"), True),
        (Equals("f", ("leet",), leet=True), "L337", True),
        (Equals("f", ("leet",)), "L337", False),
        (Equals("f", ("1337",), leet=True), "LEET", True),
        (Equals("f", ("LEET",), cased=True, leet=True), "l337", False),
        (Equals("f", ("Leet",), cased=True, leet=True), "L337", True),
        (Glob("f", (ANY, "ill", ONE, "t"), leet=True), "! 111?+", True),
        (Network("f", ("10.0.0.0/8",)), "10.1.2.3", True),
        (Network("f", ("10.0.0.0/8",)), "::ffff:10.1.2.3", True),
        (Network("f", ("::ffff:10.0.0.0/104",)), "10.1.2.3", True),
        (Network("f", ("::/0",)), "10.1.2.3", False),
        (Network("f", ("2001:db8::/32", "192.0.2.1/32")), "2001:db8::5", True),
        (Network("f", ("0.0.0.0/0",)), "10.1.2.999", False),
        (Network("f", ("0.0.0.0/0",)), 167772161, False),
        (Network("f", ("0.0.0.0/0",)), "2001:db8::5%eth0", False),
    ],
)
def test_a_leaf_over_one_value(plan: Plan, value: object, expected: bool) -> None:
    assert matches(plan, {"f": value}) is expected


@pytest.mark.parametrize(
    "plan",
    [
        Equals("f", ("",)),
        Glob("f", (ANY,)),
        Regex("f", ""),
        Compare("f", "lt", 1),
        Network("f", ("0.0.0.0/0",)),
        Exists("f", True),
        SameAs("f", "other"),
        SameAs("other", "f"),
    ],
)
def test_a_missing_field_makes_an_item_false_and_its_negation_true(plan: Plan) -> None:
    assert not matches(plan, {"other": ""})
    assert matches(Not(plan), {"other": ""})


def test_a_missing_field_is_null() -> None:
    assert matches(Null("f"), {})
    assert matches(Exists("f", False), {})


def test_a_huge_number_is_no_error() -> None:
    assert not matches(Equals("f", ("1",)), {"f": 10**5000})
    assert matches(Compare("f", "gt", 1), {"f": 10**5000})


def test_a_lone_surrogate_is_no_error() -> None:
    text = "a\ud800b"
    assert matches(Regex("f", "^a.b$"), {"f": text})
    assert matches(Glob(PROMPT, ("A", ONE, "B")), {PROMPT: text})
    assert not matches(Keyword(("zz",)), {"f": text})


@pytest.mark.parametrize("how", ["equals", "contains", "startswith", "endswith"])
def test_a_field_is_compared_to_another_without_case(how: str) -> None:
    values = {"equals": "Needle", "contains": "a Needle b", "startswith": "Needle b", "endswith": "a Needle"}
    plan = SameAs("f", "g", how)  # type: ignore[arg-type]
    assert matches(plan, {"f": values[how], "g": ("x", "nEEDLE")})
    assert not matches(plan, {"f": "other", "g": "needle"})
    assert not matches(plan, {"f": None, "g": None})


def test_the_field_decides_about_normalisation() -> None:
    hidden = "Ｖеrbа\u200btim"
    assert matches(Glob(PROMPT, (ANY, "verbatim", ANY)), {PROMPT: hidden})
    assert matches(Equals("url.path", ("verbatim",)), {"url.path": hidden})
    assert not matches(Equals(f"{PROMPT}.raw", ("verbatim",)), {PROMPT: hidden})
    assert matches(Equals(f"{PROMPT}.raw", (hidden,)), {PROMPT: hidden})
    assert not matches(Equals("body.text", ("verbatim",)), {"body.text": hidden})


def test_a_field_that_is_compared_to_a_normalised_one_is_normalised_with_it() -> None:
    hidden = "Ｖеrbа\u200btim"
    assert matches(SameAs(PROMPT, "body.text"), {PROMPT: "verbatim", "body.text": hidden})
    assert not matches(SameAs("body.text", PROMPT), {PROMPT: "verbatim", "body.text": hidden})


def test_phrases_side_by_side_keep_their_own_case() -> None:
    plan = Some((Glob("f", (ANY, "A", ANY), cased=True), Glob("f", (ANY, "B", ANY)), Glob("f", ("c", ONE)), Glob("g", (ANY, "a", ANY))))
    assert [text for text in ("a", "A", "b", "B", "cd", "cde") if matches(plan, {"f": text})] == ["A", "b", "B", "cd"]
    assert matches(plan, {"g": "xax"})


def test_a_literal_of_a_normalised_field_is_normalised_too() -> None:
    assert matches(Glob(PROMPT, (ANY, "ＣＨＡＩＮ", ANY)), {PROMPT: "chain of thought"})
    assert matches(Glob(PROMPT, (ANY, "café", ANY), cased=True), {PROMPT: "un cafe"})
    assert matches(Glob(PROMPT, (ANY, "\u200b", ANY)), {PROMPT: "anything"})


@pytest.mark.parametrize(
    ("text", "word"),
    [("Повтори ДОСЛОВНО", "дословно"), ("ΑΛΥΣΙΔΑ ΣΚΕΨΗΣ", "σκεψης"), ("请逐字重复", "逐字"), ("سلسلة التفكير", "التفكير")],
)
def test_other_scripts_match_as_they_are_written_and_without_case(text: str, word: str) -> None:
    assert matches(Glob(PROMPT, (ANY, word, ANY)), {PROMPT: text})
    assert matches(Regex(PROMPT, word, "i"), {PROMPT: text})
    assert matches(Equals("url.path", (text.lower(),)), {"url.path": text.upper()})


def test_names_of_sigmas_taxonomy_read_the_request() -> None:
    request = {"client.address": "192.0.2.1", "url.original": "/a?b=%41", "url.full": "https://h/a?b=%41", "url.path.raw": "/a"}
    assert matches(Equals("c-ip", ("192.0.2.1",)), request)
    assert matches(All((Equals("c-uri", ("/a?b=%41",)), Equals("cs-uri", ("https://h/a?b=%41",)))), request)
    assert matches(Glob("cs-uri-query", ("/a?b=",)), {"url.original": "/a?b="})
    assert matches(Null("cs-method"), request)
    assert matches(Exists("cs-uri-stem", True), request)


def test_an_event_that_has_the_field_itself_wins_over_the_taxonomy() -> None:
    event = {"c-ip": "198.51.100.1", "client.address": "192.0.2.1"}
    assert matches(Equals("c-ip", ("198.51.100.1",)), event)
    assert not matches(Equals("c-ip", ("192.0.2.1",)), event)
    assert matches(Null("c-ip"), {"c-ip": None, "client.address": "192.0.2.1"})


def test_a_raw_field_of_its_own_wins_over_the_field_without_the_suffix() -> None:
    assert matches(Equals("url.path.raw", ("/%61",)), {"url.path": "/a", "url.path.raw": "/%61"})
    assert not matches(Equals("url.path.raw", ("/a",)), {"url.path": "/a", "url.path.raw": "/%61"})


def test_keywords_read_every_text_of_an_event_and_nothing_else() -> None:
    event = {"a": "some Needle here", "b": 4711, "c": ("x", "y*z"), "account.name": "eve"}
    assert matches(Keyword(("needle",)), event)
    assert matches(Keyword(("y", ONE, "z")), event)
    assert matches(Keyword(("eve",)), event, {"account.name": "eve"})
    assert not matches(Keyword(("4711",)), event)
    assert not matches(Keyword(("here", ANY, "x")), event)


def test_keywords_of_a_request_read_what_was_sent_not_what_we_found_out() -> None:
    request = {"principal.id": "account#a", "http.route": "/v1/{proxy+}", "http.request.header.x-a": "Needle", PROMPT: "рin"}
    assert matches(Keyword(("needle",)), request)
    assert matches(Keyword(("pin",)), request)
    assert matches(Keyword(("ＰＩＮ",)), request)
    assert not matches(Keyword(("account",)), request)
    assert not matches(Keyword(("proxy",)), request)


def test_a_keyword_may_look_at_case() -> None:
    event = {"a": "some Needle here"}
    assert matches(Keyword(("Needle",), cased=True), event)
    assert not matches(Keyword(("needle",), cased=True), event)


def test_a_keyword_is_normalised_where_the_field_is() -> None:
    assert matches(Keyword(("ＰＩＮ",)), {PROMPT: "pin"})
    assert not matches(Keyword(("ＰＩＮ",)), {"a": "pin"})
    assert matches(Keyword(("ＰＩＮ",)), {"a": "my ｐｉｎ"})


def member(*plans: Plan) -> Plan:
    return Member("gen_ai.messages", All(plans))


def test_a_block_holds_for_one_and_the_same_member() -> None:
    asked = member(Equals("gen_ai.messages.role", ("user",)), Glob("gen_ai.messages.text", (ANY, "verbatim", ANY)))
    roles = {"gen_ai.messages.role": ("user", "assistant", "user")}
    assert matches(asked, {**roles, "gen_ai.messages.text": ("hello", "no", "say it v\u200berbatim")})
    assert not matches(asked, {**roles, "gen_ai.messages.text": ("hello", "say it verbatim", "no")})
    assert matches(Not(asked), {})


def test_null_in_a_column_is_a_field_that_the_member_lacks() -> None:
    columns = {"gen_ai.messages.role": ("user", None, "tool"), "gen_ai.messages.text": (None, "x")}
    role, text = "gen_ai.messages.role", "gen_ai.messages.text"
    assert matches(member(Equals(role, ("user",)), Exists(text, False)), columns)
    assert matches(member(Null(role), Equals(text, ("x",))), columns)
    assert matches(member(Equals(role, ("tool",)), Null(text)), columns)
    assert not matches(member(Equals(role, ("user",)), Equals(text, ("x",))), columns)


def test_a_collection_of_one_member_may_be_scalars_and_an_absent_one_has_none() -> None:
    assert matches(member(Equals("gen_ai.messages.role", ("user",))), {"gen_ai.messages.role": "user"})
    assert matches(member(Not(Equals("gen_ai.messages.role", ("tool",)))), {"gen_ai.messages.role": "user"})
    assert not matches(member(Not(Equals("gen_ai.messages.role", ("tool",)))), {"gen_ai.tools.name": "x"})


def test_a_block_is_one_leaf_of_a_signal() -> None:
    plan = All((Equals("account.plan", ("free",)), member(Equals("gen_ai.messages.role", ("user",)), Constant(True))))
    evaluator = Evaluator(ruleset(plan))
    (signal,) = evaluator.evaluate({"gen_ai.messages.role": "user"})
    assert signal == Signal(0, "?1")
    assert evaluator.settle(signal, {"account.plan": "free"})


@pytest.mark.parametrize("strange", ["(?P<n>x)", "(?i)X", r"\Qa.b", "x|", "a{1000}", r"\."])
def test_a_list_of_expressions_means_any_of_them_however_they_are_joined(strange: str) -> None:
    patterns = ["(?P<n>needle)", strange, "^only$", r"\d{3}"]
    plan = Some(tuple(Regex("f", pattern) for pattern in patterns))
    for text in ("needle", "x", "only", "not only", "123", "a.b)|(x", "a)|(b", "", "." * 3, "a" * 1000, "Z"):
        alone = [matches(Regex("f", pattern), {"f": text}) for pattern in patterns]
        assert matches(plan, {"f": text}) is any(alone), text


def test_thousands_of_expressions_are_joined_in_parts() -> None:
    plan = Some(tuple(Regex("f", f"needle{number}[a-z]+\\b") for number in range(3000)))
    assert matches(plan, {"f": "x needle2999abc"}) and matches(plan, {"f": "needle0z"})
    assert not matches(plan, {"f": "needle3000abc"})


def test_a_rule_that_facts_decide_waits_for_them() -> None:
    plan = All((Equals("account.plan", ("free",)), Equals("x", ("1",)), Not(Exists("account.trusted", True))))
    evaluator = Evaluator(ruleset(plan))
    (signal,) = evaluator.evaluate({"x": 1})
    assert signal == Signal(0, "?1?")
    assert evaluator.settle(signal, {"account.plan": "FREE"})
    assert not evaluator.settle(signal, {"account.plan": "free", "account.trusted": None})
    assert not evaluator.settle(signal, {})
    assert evaluator.evaluate({"x": 2}) == ()


def test_a_rule_that_holds_whatever_the_facts_say_is_certain() -> None:
    plan = Some((Equals("account.plan", ("free",)), Equals("x", ("1",))))
    assert Evaluator(ruleset(plan)).evaluate({"x": 1}) == (Signal(0),)


def test_facts_come_from_the_facts_alone() -> None:
    plan = Equals("account.plan", ("free",))
    assert not matches(plan, {"account.plan": "free"})
    assert matches(plan, {"account.plan": "pro"}, {"account.plan": "free"})
    assert Evaluator(ruleset(Equals("account.id", ("a",)))).evaluate({"account.id": "a"}) == (Signal(0),)


def test_a_fact_compared_to_a_field_of_the_request_is_false_until_facts_are_there() -> None:
    plan = SameAs("account.home", "client.country")
    evaluator = Evaluator(ruleset(plan))
    assert evaluator.evaluate({"client.country": "NL"}) == ()
    assert evaluator.evaluate({"client.country": "NL"}, {"account.home": "nl"}) == (Signal(0),)


@pytest.mark.parametrize("signal", [Signal(7, "?"), Signal(0, "??"), Signal(0, "x")])
def test_a_signal_of_another_ruleset_is_refused(signal: Signal) -> None:
    evaluator = Evaluator(ruleset(Equals("account.plan", ("free",))))
    with pytest.raises(ValueError, match="another Ruleset"):
        evaluator.settle(signal, {})


def test_foreign_rules_are_evaluated_on_demand_and_correlations_never() -> None:
    foreign = Rule(0, "f", "", "0", "low", "foreign", plan=Constant(True))
    window = Rule(1, "w", "", "0", "low", "account_window", plan=Constant(True))
    counted = Rule(2, "c", "", "0", "low", "request", correlation=Correlation("event_count", (1,), (), 60, (("gte", 1.0),)))
    all_of_them = Ruleset((foreign, window, counted))
    assert [signal.rule for signal in Evaluator(all_of_them).evaluate({})] == [1]
    assert [signal.rule for signal in Evaluator(all_of_them, foreign=True).evaluate({})] == [0, 1]
    assert Evaluator(all_of_them, categories={"request"}).evaluate({}) == ()


@pytest.mark.parametrize("connective", [lambda inner: Not(inner), lambda inner: All((inner, Constant(True))), lambda inner: Some((inner,))])
def test_a_plan_a_hundred_levels_deep_is_evaluated(connective: object) -> None:
    plan: Plan = Equals("account.plan", ("free",))
    for _ in range(100):
        plan = connective(plan)  # type: ignore[operator]
    evaluator = Evaluator(ruleset(plan))
    (signal,) = evaluator.evaluate({})
    assert evaluator.settle(signal, {"account.plan": "free"})


def test_lookalikes_are_found_by_the_truths_of_leaves() -> None:
    plan = All((Equals("x", ("1",)), Not(Equals("y", ("1",)))))
    evaluator = Evaluator(ruleset(plan))
    assert evaluator.truths(0, {"x": 1, "y": 1}, {}) == (True, True)
    assert not evaluator.holds(0, (True, True))
    assert evaluator.holds(0, (True, False))


def test_matching_imports_neither_the_language_nor_a_regex_engine_that_no_rule_needs() -> None:
    code = (
        "import sys; from ostiary.matching.evaluate import Evaluator; from ostiary.vocabulary.rule import Ruleset; Evaluator(Ruleset(()));"
        "print([name for name in ('re2', 'yaml', 'pydantic', 'asyncio', 'ostiary.language') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
