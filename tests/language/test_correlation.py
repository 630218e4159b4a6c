"""Correlations: what each form becomes, and where it is decided."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ostiary.language.compile import Compiled
from ostiary.language.temporal import MAX_ALTERNATIVES, MAX_EXPRESSION_DEPTH
from ostiary.vocabulary.rule import Correlation, Expression, Rule

Compile = Callable[..., Compiled]

RULE = "title: {0}\nname: {0}\nlogsource: {{product: ostiary, category: request}}\ndetection: {{sel: {{url.path: /{0}}}, condition: sel}}\n"
RULES = "---\n".join(RULE.format(name) for name in ("a", "b", "c"))


def pack(*correlations: str) -> str:
    documents = [f"title: C{index}\nname: c{index}\ncorrelation: {{{text}}}\n" for index, text in enumerate(correlations)]
    return "---\n".join([RULES, *documents])


def linked(done: Compiled) -> list[Rule]:
    assert done.ruleset is not None, "\n".join(mistake.render() for mistake in done.mistakes)
    return list(done.ruleset.rules[3:])


def only(done: Compiled) -> Correlation:
    correlation = linked(done)[0].correlation
    assert correlation is not None
    return correlation


COUNT = "type: event_count, rules: [a], group-by: [account.id], timespan: 1h, "
BY = "group-by: [account.id], timespan: 1h"
FORMS: list[tuple[str, dict[str, object]]] = [
    ("type: event_count, rules: a, group-by: account.id, timespan: 90s, condition: {gte: 5}",
     {"rules": (0,), "group_by": ("account.id",), "timespan": 90, "conditions": (("gte", 5),)}),
    (COUNT + "condition: {gt: 100, lte: 200}", {"conditions": (("gt", 100), ("lte", 200))}),
    (COUNT + "condition: {eq: 0}", {"conditions": (("eq", 0),)}),
    (COUNT + "condition: {neq: 3}", {"conditions": (("neq", 3),)}),
    (f"type: value_count, rules: [a, b], {BY}, condition: {{gte: 3, field: url.path}}", {"fields": ("url.path",), "rules": (0, 1)}),
    (f"type: value_count, rules: [a], {BY}, condition: {{gte: 3, field: [url.path, url.query]}}", {"fields": ("url.path", "url.query")}),
    (f"type: value_sum, rules: [a], {BY}, condition: {{gt: 1.5, field: gen_ai.prompt.size}}",
     {"type": "value_sum", "conditions": (("gt", 1.5),), "fields": ("gen_ai.prompt.size",)}),
    (f"type: value_avg, rules: [a], {BY}, condition: {{lt: -2, field: gen_ai.prompt.size}}", {"conditions": (("lt", -2),)}),
    (f"type: value_median, rules: [a], {BY}, condition: {{gte: 7, field: gen_ai.prompt.size}}", {"type": "value_median"}),
    (f"type: value_percentile, rules: [a], {BY}, condition: {{gte: 7, field: gen_ai.prompt.size, percentile: 99.9}}", {"percentile": 99.9}),
    (f"type: temporal, rules: [a, b], {BY}", {"conditions": (), "expression": None}),
    (f"type: TEMPORAL, rules: [a, b], {BY}", {"type": "temporal"}),
    (f"type: temporal_ordered, rules: [b, a], {BY}", {"type": "temporal_ordered", "rules": (1, 0)}),
    (f"type: temporal, rules: [a, b, c], {BY}, condition: {{gte: 2}}", {"conditions": (("gte", 2),)}),
    (f"type: temporal, {BY}, condition: c and not a",
     {"rules": (2, 0), "expression": Expression("and", children=(
         Expression("rule", 2), Expression("not", children=(Expression("rule", 0),))))}),
    (f"type: temporal, rules: [a, b, c], {BY}, condition: a and (b or c)",
     {"expression": Expression("and", children=(
         Expression("rule", 0), Expression("or", children=(Expression("rule", 1), Expression("rule", 2)))))}),
    ("type: temporal, rules: [a, b], group-by: [who], timespan: 1h, aliases: {who: {a: account.id, b: client.address}}",
     {"group_by": ("who",), "aliases": (("who", ((0, "account.id"), (1, "client.address"))),)}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_a_form_becomes_a_correlation(compiled: Compile, text: str, expected: dict[str, object]) -> None:
    correlation = only(compiled(pack(text)))
    assert {key: getattr(correlation, key) for key in expected} == expected


@pytest.mark.parametrize(("unit", "seconds"), [("45s", 45), ("2m", 120), ("3h", 10_800), ("2d", 172_800), ("1w", 604_800)])
def test_a_timespan_has_a_unit(compiled: Compile, unit: str, seconds: int) -> None:
    assert only(compiled(pack(COUNT.replace("1h", unit) + "condition: {gte: 2}"))).timespan == seconds


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        (COUNT + "condition: {gte: 5}", "request path", ""),
        (COUNT + "condition: {gt: 5, gte: 7}", "request path", ""),
        (COUNT.replace("[account.id]", "[principal.id, url.path]") + "condition: {gt: 5}", "request path", ""),
        (COUNT + "condition: {lt: 5}", "record", "window closes"),
        (COUNT + "condition: {gte: 1, neq: 5}", "record", "`neq`"),
        (COUNT.replace("account.id", "url.path") + "condition: {gte: 5}", "record", "not by the principal"),
        (COUNT.replace("account.id", "client.address") + "condition: {gte: 5}", "record", "not by an account"),
        (COUNT.replace("[account.id]", "[account.id, account.plan]") + "condition: {gte: 5}", "record", "a fact"),
        (f"type: value_count, rules: [a], {BY}, condition: {{gte: 3, field: url.path}}", "record", "value_count"),
        (f"type: temporal, rules: [a, b], {BY}", "record", "temporal"),
        (COUNT.replace("[account.id]", "[account.id, key]") + "condition: {gte: 5}, aliases: {key: {a: credential.id}}",
         "record", "aliases"),
    ],
)  # fmt: skip
def test_it_says_where_a_correlation_is_decided(compiled: Compile, text: str, where: str, why: str) -> None:
    done = compiled(pack(text))
    (rule,) = linked(done)
    assert done.decided["C0"] == where
    assert why in done.because.get("C0", "") and bool(why) == ("C0" in done.because)
    assert rule.correlation is not None
    assert bool(rule.correlation.counter) == (where == "request path")


def test_counters_belong_to_the_request_path_alone(compiled: Compile) -> None:
    done = compiled(pack(COUNT + "condition: {gte: 5}", COUNT + "condition: {lt: 5}", f"type: temporal, rules: [a, b], {BY}"))
    assert done.ruleset is not None
    assert len(done.ruleset.counters) == 1


def test_correlations_of_correlations_are_decided_by_record(compiled: Compile) -> None:
    done = compiled(pack(f"type: temporal_ordered, rules: [c1, a], {BY}", COUNT + "condition: {gte: 5}"))
    first, second = (rule.correlation for rule in linked(done))
    assert first is not None and second is not None
    assert first.rules == (4, 0)
    assert (done.decided["C0"], done.decided["C1"]) == ("record", "request path")


def test_a_count_of_a_correlation_is_decided_by_record(compiled: Compile) -> None:
    done = compiled(pack(COUNT + "condition: {gte: 5}", COUNT.replace("[a]", "[c0]") + "condition: {gte: 5}"))
    assert done.because == {"C1": "it counts a correlation, `C0`"}


def test_a_chain_of_a_thousand_correlations_links(compiled: Compile) -> None:
    chain = [COUNT.replace("[a]", f"[c{index + 1}]") + "condition: {gte: 2}" for index in range(1_000)]
    done = compiled(pack(*chain, COUNT + "condition: {gte: 2}"))
    assert len(linked(done)) == 1_001


@pytest.mark.parametrize("circle", [["c1", "c0"], ["c1", "c2", "c0"], ["c1", "c2", "c3", "c1"]])
def test_a_circle_is_refused_once_and_named(compiled: Compile, circle: list[str]) -> None:
    done = compiled(pack(*(COUNT.replace("[a]", f"[{other}]") + "condition: {gte: 2}" for other in circle)))
    (mistake,) = done.mistakes
    assert mistake.kind == "correlation-cycle"
    assert mistake.message.count("→") >= 2


def test_generate_false_silences_correlations_too(compiled: Compile) -> None:
    done = compiled(pack(COUNT + "condition: {gte: 5}", f"type: temporal, rules: [c0, b], {BY}, generate: false"))
    assert done.ruleset is not None
    assert [rule.generate for rule in done.ruleset.rules] == [True, False, True, False, True]


def test_a_version_says_what_a_correlation_does_not_where_its_rules_stand(compiled: Compile) -> None:
    text = f"type: temporal, {BY}, condition: a and not b, aliases: {{account.id: {{a: account.id, b: principal.id}}}}"

    def version(done: Compiled) -> str:
        assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
        return next(rule.version for rule in done.ruleset.rules if rule.title == "C0")

    first = version(compiled({"b.yaml": pack(text)}))
    assert version(compiled({"a.yaml": RULE.format("new"), "b.yaml": pack(text)})) == first
    assert version(compiled({"a.yaml": RULE.format("new"), "b.yaml": pack(text.replace("a and not b", "b and not a"))})) != first
    assert version(compiled({"a.yaml": RULE.format("new"), "b.yaml": pack(text.replace("b: principal.id", "b: url.path"))})) != first


def test_ids_and_names_both_refer(compiled: Compile) -> None:
    text = pack(
        f"type: temporal, {BY}, condition: 6d5a4f2e-0000-4000-8000-000000000001 and b, "
        "aliases: {account.id: {a: url.path, b: url.path}}"
    )
    correlation = only(compiled(text.replace("title: a\n", "title: a\nid: 6d5a4f2e-0000-4000-8000-000000000001\n")))
    assert correlation.rules == (0, 1)
    assert correlation.aliases == (("account.id", ((0, "url.path"), (1, "url.path"))),)


def test_an_alias_that_nothing_uses_is_a_warning(compiled: Compile) -> None:
    done = compiled(pack(COUNT + "condition: {gte: 5}, aliases: {who: {a: url.path}}"))
    assert [warning.kind for warning in done.warnings] == ["alias-unused"]


def test_a_correlation_s_log_source_is_a_warning(compiled: Compile) -> None:
    done = compiled(pack(COUNT + "condition: {gte: 5}") + "logsource: {category: webserver}\n")
    assert [warning.kind for warning in done.warnings] == ["correlation-logsource"]


def test_a_published_correlation_over_foreign_fields_loads_and_never_applies(compiled: Compile) -> None:
    web = RULE.replace("product: ostiary, category: request", "category: webserver").replace("url.path", "cs-method").format("web")
    done = compiled(
        "---\n".join(
            [web, "title: C\ncorrelation: {type: event_count, rules: [web], group-by: [ComputerName], timespan: 1m, condition: {gte: 9}}\n"]
        )
    )
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    assert done.never["C"].names == ("ComputerName",)
    assert done.ruleset.rules[1].category == "foreign"


def test_an_action_that_comes_too_late_is_a_warning_while_the_rule_is_monitored(compiled: Compile) -> None:
    done = compiled(pack(COUNT.replace("account.id", "url.path") + "condition: {gte: 5}") + "ostiary: {action: deny}\n")
    assert done.ruleset is not None
    assert [warning.kind for warning in done.warnings] == ["action-too-late"]


def test_a_correlation_of_record_is_enforced_without_an_action(compiled: Compile) -> None:
    tests = "tests:\n" + "".join(
        f"  - {{name: n{times}, request: {{url.path: /a}}, times: {times}, expect: {expect}}}\n"
        for times, expect in ((5, "signal"), (4, "none"))
    )
    done = compiled(pack(COUNT.replace("account.id", "url.path") + "condition: {gte: 5}") + "ostiary: {mode: enforce}\n" + tests)
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    assert (done.ruleset.rules[3].mode, done.ruleset.rules[3].action) == ("enforce", None)


def test_a_condition_over_rules_nests_up_to_its_limit(compiled: Compile) -> None:
    for depth, kinds in ((MAX_EXPRESSION_DEPTH, []), (MAX_EXPRESSION_DEPTH + 1, ["correlation-expression"])):
        condition = "(" * depth + "a and b" + ")" * depth
        done = compiled(pack(f"type: temporal, {BY}, condition: {condition}"))
        assert [mistake.kind for mistake in done.mistakes] == kinds


def test_a_condition_over_rules_holds_in_so_many_ways(compiled: Compile) -> None:
    names = [f"n{index}" for index in range(40)]
    rules = "---\n".join(RULE.format(name) for name in names)

    def kinds(pairs: int) -> list[str]:
        condition = " and ".join(f"({names[2 * index]} or {names[2 * index + 1]})" for index in range(pairs))
        return [m.kind for m in compiled(f"{rules}---\ntitle: C\ncorrelation: {{type: temporal, {BY}, condition: {condition}}}\n").mistakes]

    assert 2**9 <= MAX_ALTERNATIVES < 2**10
    assert kinds(9) == []
    assert kinds(10) == ["correlation-expression"]


def test_a_hundred_thousand_parentheses_are_refused(compiled: Compile) -> None:
    done = compiled(pack(f"type: temporal, {BY}, condition: '{'(' * 100_000}a'"))
    assert [mistake.kind for mistake in done.mistakes] == ["correlation-expression"]
