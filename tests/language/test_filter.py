"""Filters: conditions that are added to rules."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ostiary.language.compile import Compiled
from ostiary.vocabulary.plan import All, Constant, Equals, Not, Plan

Compile = Callable[..., Compiled]

RULE = "title: {0}\nname: {0}\nlogsource: {{{1}}}\ndetection: {{sel: {{cs-method: {0}}}, condition: sel}}\n"
FILTER = "title: Health\nlogsource: {{{0}}}\nfilter:\n  rules: {1}\n  health: {{{2}}}\n  condition: {3}\n"
WEB = "category: webserver"
HEALTH = Not(Equals("cs-uri-stem", ("/health",)))


def rule(name: str, logsource: str = WEB) -> str:
    return RULE.format(name, logsource)


def filtered(rules: str = "any", *, logsource: str = WEB, items: str = "cs-uri-stem: /health", condition: str = "not health") -> str:
    return FILTER.format(logsource, rules, items, condition)


def plans(done: Compiled) -> dict[str, Plan | None]:
    assert done.ruleset is not None, "\n".join(mistake.render() for mistake in done.mistakes)
    return {rule.title: rule.plan for rule in done.ruleset.rules}


def both(name: str) -> Plan:
    return All((Equals("cs-method", (name,)), HEALTH))


@pytest.mark.parametrize("rules", ["any", "ANY", "[]", "[GET]", "GET"])
def test_a_filter_is_added_to_the_rules_that_it_names(compiled: Compile, rules: str) -> None:
    found = plans(compiled("---\n".join([rule("GET"), rule("PUT"), filtered(rules)])))
    assert found["GET"] == both("GET")
    assert found["PUT"] == (both("PUT") if rules in ("any", "ANY", "[]") else Equals("cs-method", ("PUT",)))


def test_a_filter_may_stand_before_its_rules_and_name_them_by_id(compiled: Compile) -> None:
    done = compiled({"a.yaml": filtered("[my-id]"), "b.yaml": rule("GET") + "id: my-id\n"})
    assert plans(done)["GET"] == both("GET")


@pytest.mark.parametrize(
    ("of_rule", "of_filter", "applies"),
    [
        ("category: webserver, product: nginx", "category: webserver", True),
        ("category: webserver", "category: webserver, product: nginx", False),
        ("category: webserver, product: NGINX", "category: webserver, product: nginx", True),
        ("category: proxy", "category: webserver", False),
        ("category: webserver, service: a", "service: a", True),
    ],
)
def test_a_filter_covers_its_log_source_and_parts_of_it(compiled: Compile, of_rule: str, of_filter: str, applies: bool) -> None:
    done = compiled("---\n".join([rule("GET", of_rule), filtered(logsource=of_filter)]))
    assert (plans(done)["GET"] == both("GET")) is applies
    assert [warning.kind for warning in done.warnings] == ([] if applies else ["filter-nothing"])


def test_filters_add_up(compiled: Compile) -> None:
    second = filtered(items="cs-uri-stem: /ready").replace("Health", "Ready")
    found = plans(compiled("---\n".join([rule("GET"), filtered(), second])))
    assert found["GET"] == All((Equals("cs-method", ("GET",)), HEALTH, Not(Equals("cs-uri-stem", ("/ready",)))))


@pytest.mark.parametrize(
    ("condition", "warned"), [("health", True), ("not health", False), ("not (health)", False), ("not(health)", False), ("nothealth", True)]
)
def test_a_filter_that_keeps_what_matches_is_a_warning(compiled: Compile, condition: str, warned: bool) -> None:
    text = filtered(condition=condition).replace("  health:", f"  {'nothealth' if condition == 'nothealth' else 'health'}:")
    done = compiled("---\n".join([rule("GET"), text]))
    assert plans(done)["GET"] != Equals("cs-method", ("GET",))
    assert [warning.kind for warning in done.warnings] == (["filter-keeps"] if warned else [])


def test_a_filter_never_changes_a_correlation(compiled: Compile) -> None:
    count = "title: C\ncorrelation: {type: event_count, rules: [GET], group-by: [account.id], timespan: 1m, condition: {gte: 9}}\n"
    done = compiled("---\n".join([rule("GET"), count, filtered()]))
    assert plans(done) == {"GET": both("GET"), "C": None}


def test_an_unknown_rule_is_a_mistake_in_our_filters_and_a_warning_in_others(compiled: Compile) -> None:
    done = compiled("---\n".join([rule("GET"), filtered("[no_such_rule]")]))
    assert done.ruleset is not None
    assert [warning.kind for warning in done.warnings] == ["filter-unknown-rule"]
    ours = filtered("[no_such_rule]", logsource="product: ostiary, category: request", items="url.path: /health")
    assert [mistake.kind for mistake in compiled("---\n".join([rule("GET"), ours])).mistakes] == ["filter-unknown-rule"]


def test_a_rule_of_another_log_source_is_left_as_it_is_with_a_warning(compiled: Compile) -> None:
    done = compiled("---\n".join([rule("GET", "category: proxy"), filtered("[GET]")]))
    assert plans(done)["GET"] == Equals("cs-method", ("GET",))
    assert [warning.kind for warning in done.warnings] == ["filter-logsource"]


def test_a_filter_over_what_requests_lack_takes_the_rule_out(compiled: Compile) -> None:
    done = compiled("---\n".join([rule("GET"), filtered(items="sc-status: 200")]))
    assert done.never["GET"].names == ("sc-status",)


def test_a_filter_whose_list_is_missing_takes_the_rule_out(compiled: Compile) -> None:
    done = compiled("---\n".join([rule("GET"), filtered(items="cs-uri-stem|expand: '%health%'")]))
    assert plans(done)["GET"] == Constant(False)
    assert (done.never["GET"].kind, done.never["GET"].names) == ("list", ("health",))


def test_a_filter_s_id_is_its_own(compiled: Compile) -> None:
    done = compiled("---\n".join([rule("GET") + "id: one\n", filtered() + "id: one\n"]))
    assert [mistake.kind for mistake in done.mistakes] == ["duplicate-id"]


def test_a_filter_changes_the_version_of_its_rules(compiled: Compile) -> None:
    def version(text: str) -> str:
        done = compiled(text)
        assert done.ruleset is not None
        return done.ruleset.rules[0].version

    assert version(rule("GET")) != version("---\n".join([rule("GET"), filtered()]))


def test_a_filter_changes_what_a_correlation_counts(compiled: Compile) -> None:
    ours = "title: A\nname: a\nlogsource: {product: ostiary, category: request}\ndetection: {sel: {url.path: /a}, condition: sel}\n"
    count = "title: C\ncorrelation: {type: event_count, rules: [a], group-by: [account.id], timespan: 1m, condition: {gte: 9}}\n"
    add = filtered(logsource="product: ostiary", items="user_agent.original: probe")
    plain, changed = compiled("---\n".join([ours, count])), compiled("---\n".join([ours, count, add]))
    assert plain.ruleset is not None and changed.ruleset is not None
    assert plain.ruleset.counters[0].id != changed.ruleset.counters[0].id
