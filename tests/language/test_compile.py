"""Folders → a Ruleset: names, counts, versions, exemptions, tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.language.compile import Compiled, RuleTest, compile_paths
from ostiary.ruleset.artefact import dump, load
from ostiary.vocabulary.rule import MAX_COUNTERS, Correlation, Exemption, Limit

Compile = Callable[..., Compiled]

EVERYTHING = """\
title: Free plan request limit
logsource: {product: ostiary, category: request}
detection: {free: {account.plan: free}, condition: free}
ostiary: {mode: enforce, action: throttle, limit: {max: 60, timespan: 1m, group-by: account.id}, clause: T-2.1, on-error: closed}
tests:
  - {name: sixtieth, request: {account.plan: free}, times: 60, expect: allowed}
  - {name: next, request: {account: {plan: free}, gen_ai.request.stop_sequences: [a, b]}, times: 61, expect: throttled}
---
title: Asks for hidden reasoning verbatim
name: strong_elicitation
logsource: {product: ostiary, category: request}
detection:
  ask: {'gen_ai.prompt.last|contains|all': [verbatim, chain of thought]}
  condition: ask
level: LOW
---
title: Keeps asking for hidden reasoning
id: 6d5a4f2e-0000-4000-8000-000000000001
name: keeps_asking
correlation: {type: event_count, rules: [strong_elicitation], group-by: [account.id], timespan: 1d, condition: {gte: 30}}
ostiary: {mode: enforce, action: withhold, withhold: [reasoning], clause: T-4.1, message: Not like this.}
tests:
  - {name: thirtieth, request: {gen_ai.prompt.last: verbatim chain of thought}, times: 30, expect: withheld}
  - {name: twenty-ninth, request: {gen_ai.prompt.last: verbatim chain of thought}, times: 29, expect: allowed}
---
title: One rare work list split over many accounts
logsource: {product: ostiary, category: group_window}
detection:
  split: {group.by: template, group.accounts|gte: 20}
  common: {group.prevalence|gte: 0.001}
  condition: split and not common
tests:
  - {name: split, record: {group.by: template, group.accounts: 20}, expect: signal}
---
exemption: northlab-red-team
accounts: [acct-7f3a]
rules: [keeps_asking]
waive: [withhold, strikes]
reason: Contract 4411, verified research
granted-by: dana
expires: 2099-02-01
"""
LIMIT = """\
title: Limit {name}
logsource: {{product: ostiary, category: request}}
detection: {{sel: {{url.path: {path}}}, condition: sel}}
ostiary: {{mode: monitor, action: throttle, limit: {{max: {max}, timespan: {span}, group-by: account.id{more}}}}}
"""
WEB = "title: {title}\nlogsource: {{{logsource}}}\ndetection: {{sel: {sel}, condition: sel}}\n"


def limit(name: str, *, path: str = "/a", most: int = 5, span: str = "1m", more: str = "") -> str:
    return LIMIT.format(name=name, path=path, max=most, span=span, more=more)


def pack(*documents: str) -> str:
    return "---\n".join(documents)


def kinds(done: Compiled) -> list[str]:
    return [mistake.kind for mistake in done.mistakes]


def test_a_pack_becomes_one_ruleset(compiled: Compile) -> None:
    done = compiled({"topic/deep/rule.yaml": EVERYTHING})
    assert done.mistakes == ()
    assert done.ruleset is not None
    free, asks, keeps, split = done.ruleset.rules
    assert (free.id, free.topic, free.level, free.mode, free.on_error) == (
        "Free plan request limit", "topic/deep", "informational", "enforce", "closed",
    )  # fmt: skip
    assert free.limit == Limit(60, 60, ("account.id",), 20, False, done.ruleset.counters[0].id)
    assert (asks.level, asks.mode, asks.action, asks.name) == ("low", "monitor", None, "strong_elicitation")
    assert (keeps.id, keeps.withhold, keeps.message, keeps.plan) == (
        "6d5a4f2e-0000-4000-8000-000000000001", ("reasoning",), "Not like this.", None,
    )  # fmt: skip
    assert keeps.correlation == Correlation("event_count", (1,), ("account.id",), 86_400, (("gte", 30),), 20, done.ruleset.counters[1].id)
    assert [(counter.kind, counter.rules) for counter in done.ruleset.counters] == [("limit", (0,)), ("matches", (1,))]
    assert split.category == "group_window"
    assert done.ruleset.exemptions == (
        Exemption(
            "northlab-red-team",
            ("acct-7f3a",),
            (keeps.id,),
            ("withhold", "strikes"),
            "Contract 4411, verified research",
            "dana",
            4_073_587_200.0,
        ),
    )
    assert (done.summary.parsed, done.summary.loaded, done.summary.applies) == (5, 4, 4)


def test_it_says_where_each_rule_is_decided(compiled: Compile) -> None:
    done = compiled({"rule.yaml": EVERYTHING, "web.yaml": WEB.format(title="Windows", logsource="product: windows", sel="{Image: a}")})
    assert dict(done.decided) == {
        "Free plan request limit": "request path",
        "Asks for hidden reasoning verbatim": "request path",
        "6d5a4f2e-0000-4000-8000-000000000001": "request path",
        "One rare work list split over many accounts": "record",
    }


def test_tests_of_rules_are_read_with_their_places(compiled: Compile) -> None:
    done = compiled(EVERYTHING)
    assert [(test.name, test.kind, test.times, test.expect, test.position.line) for test in done.tests] == [
        ("sixtieth", "request", 60, "allowed", 6),
        ("next", "request", 61, "throttled", 7),
        ("thirtieth", "request", 30, "withheld", 23),
        ("twenty-ninth", "request", 29, "allowed", 24),
        ("split", "record", 1, "signal", 33),
    ]
    assert isinstance(done.tests[1], RuleTest)
    assert done.tests[1].fields == {"account.plan": "free", "gen_ai.request.stop_sequences": ("a", "b")}


def test_the_ruleset_is_sealed_and_reproducible(compiled: Compile) -> None:
    one, two = compiled(EVERYTHING).ruleset, compiled(EVERYTHING).ruleset
    assert one is not None and two is not None
    assert len(one.digest) == 64
    assert one == two == load(dump(one))


def test_a_sigma_rule_without_ours_loads_in_monitor_mode(compiled: Compile) -> None:
    done = compiled(WEB.format(title="Traversal", logsource="category: webserver", sel="{cs-uri-query|contains: '../'}"))
    assert done.ruleset is not None
    rule = done.ruleset.rules[0]
    assert (rule.mode, rule.action, rule.limit, rule.category) == ("monitor", None, None, "request")


@pytest.mark.parametrize(
    ("logsource", "selection", "category"),
    [
        ("category: webserver", "{cs-method: GET}", "request"),
        ("category: proxy", "{c-uri|contains: x}", "request"),
        ("category: webserver, product: apache", "[word]", "request"),
        ("category: webserver", "{sc-status: 200}", "foreign"),
        ("category: application, product: django", "[word]", "foreign"),
        ("category: process_creation, product: windows", "{Image: x}", "foreign"),
        ("product: okta, service: okta", "{url.path: x}", "foreign"),
    ],
)
def test_a_rule_applies_when_requests_have_its_fields(compiled: Compile, logsource: str, selection: str, category: str) -> None:
    text = WEB.format(title="T", logsource=logsource, sel=selection)
    done = compiled(text)
    assert done.ruleset is not None
    assert done.ruleset.rules[0].category == category
    anywhere = compiled(text, foreign_fields=True)
    assert anywhere.ruleset is not None
    assert anywhere.ruleset.rules[0].category == "request"


def test_any_field_is_allowed_where_events_are_matched(compiled: Compile) -> None:
    text = WEB.format(title="T", logsource="product: ostiary, category: request", sel="{no.such.field: x}")
    assert kinds(compiled(text)) == ["unknown-field"]
    assert kinds(compiled(text, foreign_fields=True)) == []


def test_equal_counts_share_a_counter_and_others_do_not(compiled: Compile) -> None:
    done = compiled(
        pack(
            limit("one"),
            limit("same", most=9),
            limit("other window", span="2m"),
            limit("other buckets", more=", buckets: 10"),
            limit("other rule", path="/b"),
            limit("penalised", more=", penalise: true"),
            "title: Counted\ncorrelation: {type: event_count, rules: [named], group-by: [account.id], timespan: 1m, condition: {gte: 3}}\n",
            limit("named", most=7).replace("title", "name: named\ntitle"),
        )
    )
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    assert [(counter.kind, counter.rules) for counter in done.ruleset.counters] == [
        ("limit", (0, 1, 7)), ("limit", (2,)), ("limit", (3,)), ("limit", (4,)), ("limit", (5,)), ("matches", (7,)),
    ]  # fmt: skip


def test_a_counter_survives_a_new_limit_and_a_new_place(compiled: Compile) -> None:
    before = compiled(pack(limit("one"), limit("two", path="/b"))).ruleset
    after = compiled(pack(limit("new", path="/c"), limit("two", path="/b"), limit("one", most=500))).ruleset
    assert before is not None and after is not None
    assert {counter.id for counter in before.counters} < {counter.id for counter in after.counters}


def test_a_rule_s_version_follows_what_it_does_and_not_where_it_stands(compiled: Compile) -> None:
    def versions(done: Compiled) -> dict[str, str]:
        assert done.ruleset is not None
        return {rule.title: rule.version for rule in done.ruleset.rules}

    first = versions(compiled({"a.yaml": EVERYTHING}))
    moved = versions(compiled({"a.yaml": limit("first"), "sub/b.yaml": EVERYTHING}))
    assert {title: moved[title] for title in first} == first
    changed = versions(compiled({"a.yaml": EVERYTHING.replace("max: 60", "max: 70"), "sub/b.yaml": limit("other")}))
    assert {title for title in first if changed[title] != first[title]} == {"Free plan request limit"}


def test_a_principal_has_room_for_so_many_counters(compiled: Compile) -> None:
    assert kinds(compiled(pack(*(limit(f"l{n}", span=f"{n}m") for n in range(1, MAX_COUNTERS + 1))))) == []
    assert kinds(compiled(pack(*(limit(f"l{n}", span=f"{n}m") for n in range(1, MAX_COUNTERS + 2))))) == ["too-many-counters"]


@pytest.mark.parametrize(
    ("selection", "group_by", "expected"),
    [
        ("{url.path: /a}", "account.id", []),
        ("{url.path: /a}", "[account.id, gen_ai.request.model]", []),
        ("{url.path: /a}", "principal.id", []),
        ("{url.path: /a, account.id: null}", "client.address", []),
        ("{url.path: /a, account.id|exists: false}", "client.address", []),
        ("[{account.id: null, url.path: /a}, {account.id: null, url.path: /b}]", "client.address", []),
        ("[{account.id: null, url.path: /a}, {url.path: /b}]", "client.address", ["group-by-address"]),
        ("{url.path: /a}", "client.address", ["group-by-address"]),
        ("{url.path: /a}", "[client.address, url.path]", ["group-by-principal"]),
    ],
)
def test_a_limit_groups_by_the_principal_or_by_it_and_more(compiled: Compile, selection: str, group_by: str, expected: list[str]) -> None:
    text = limit("one").replace("{url.path: /a}", selection).replace("group-by: account.id", f"group-by: {group_by}")
    assert kinds(compiled(text)) == expected


BASE = "title: Base\nname: base\nlogsource: {product: ostiary, category: request}\ndetection: {sel: {url.path: /a}, condition: sel}\n"
COUNT = "title: {}\ncorrelation: {{type: event_count, rules: [base], group-by: [account.id], timespan: 1h, condition: {{gte: 3}}{}}}\n"


@pytest.mark.parametrize(
    ("correlations", "speaks"),
    [(("",), True), ((", generate: false",), False), ((", generate: true",), True), ((", generate: false", ", generate: true"), True)],
)
def test_generate_false_silences_the_rules_it_names(compiled: Compile, correlations: tuple[str, ...], speaks: bool) -> None:
    done = compiled(pack(BASE, *(COUNT.format(f"Count {index}", generate) for index, generate in enumerate(correlations))))
    assert done.ruleset is not None
    assert done.ruleset.rules[0].generate is speaks


def test_a_correlation_may_stand_before_its_rules_and_in_another_file(compiled: Compile) -> None:
    done = compiled({"a.yaml": COUNT.format("Count", ""), "b.yaml": BASE})
    assert done.ruleset is not None
    assert done.ruleset.rules[0].correlation is not None
    assert done.ruleset.rules[0].correlation.rules == (1,)


def test_a_correlation_of_rules_that_never_apply_never_applies(compiled: Compile) -> None:
    foreign = BASE.replace("product: ostiary, category: request", "product: windows").replace("url.path", "Image")
    done = compiled(pack(foreign, COUNT.format("Count", "").replace("account.id", "User").replace("gte", "lt")))
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    assert [rule.category for rule in done.ruleset.rules] == ["foreign", "foreign"]
    assert done.ruleset.counters == ()


def test_a_rule_with_a_mistake_keeps_its_name_so_that_nothing_follows(compiled: Compile) -> None:
    done = compiled(pack(BASE.replace("condition: sel", "condition: sle"), COUNT.format("Count", "")))
    assert kinds(done) == ["condition-undefined"]


def test_titles_and_ids_of_different_rules_cannot_be_one(compiled: Compile) -> None:
    named = BASE.replace("name: base", "id: Other").replace("Base", "Something")
    titled = BASE.replace("name: base\n", "").replace("Base", "Other")
    assert kinds(compiled(pack(named, titled))) == ["duplicate-title"]
    assert kinds(compiled(pack(titled, named))) == ["duplicate-id"]


def test_a_key_that_is_not_sigma_s_is_a_warning(compiled: Compile) -> None:
    done = compiled(BASE + "simulation: {a: b}\n")
    assert done.ruleset is not None
    assert [warning.kind for warning in done.warnings] == ["unknown-key"]


def test_other_tools_readings_are_warnings_in_rules_that_are_not_ours(compiled: Compile) -> None:
    done = compiled(WEB.format(title="T", logsource="category: webserver", sel="{cs-method: yes}"))
    assert done.ruleset is not None
    assert [warning.kind for warning in done.warnings] == ["ambiguous-scalar"]


def test_an_expired_exemption_is_a_warning(compiled: Compile) -> None:
    done = compiled(EVERYTHING.replace("2099-02-01", "2020-02-01"))
    assert done.ruleset is not None
    assert [warning.kind for warning in done.warnings] == ["letter-case", "exemption-expired"]


def test_the_escalation_policy_travels_in_the_ruleset(compiled: Compile) -> None:
    policy = (Path(__file__).parents[2] / "rules" / "escalation.yaml").read_text(encoding="utf-8")
    done = compiled({"rule.yaml": BASE, "escalation.yaml": policy})
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    assert '"escalation":' in done.ruleset.escalation
    twice = compiled({"rule.yaml": BASE, "escalation.yaml": policy, "second.yaml": policy})
    assert kinds(twice) == ["duplicate-escalation"]


def test_a_wrong_escalation_policy_is_a_mistake_at_its_key(compiled: Compile) -> None:
    done = compiled({"rule.yaml": BASE, "escalation.yaml": "# first line\nescalation: default\nstagse: {}\n"})
    assert set(kinds(done)) == {"escalation"}
    assert all(mistake.path.endswith("escalation.yaml") and mistake.line >= 2 for mistake in done.mistakes)


def test_files_are_found_below_folders_but_for_lists_and_hidden_ones(compiled: Compile) -> None:
    done = compiled(
        {
            "a.yaml": BASE,
            "sub/b.yml": limit("one"),
            "notes.txt": "no",
            ".git/c.yaml": "no",
            "lists/words.txt": "a",
            "sub/lists/more.txt": "b",
        }
    )
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    assert done.summary.files == 2


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "rule.yaml"
    path.write_text(BASE)
    done = compile_paths([tmp_path, path, tmp_path / "." / "rule.yaml"])
    assert done.ruleset is not None
    assert len(done.ruleset.rules) == 1


def test_paths_without_rules_are_mistakes(tmp_path: Path) -> None:
    done = compile_paths([tmp_path, tmp_path / "nowhere"])
    assert [(mistake.kind, mistake.path) for mistake in done.mistakes] == [
        ("no-rules", str(tmp_path)),
        ("no-rules", str(tmp_path / "nowhere")),
    ]


def test_an_empty_file_is_a_warning(compiled: Compile) -> None:
    done = compiled({"a.yaml": "# nothing yet\n---\n---\n", "b.yaml": BASE})
    assert done.ruleset is not None
    assert [warning.kind for warning in done.warnings] == ["empty-file"]
