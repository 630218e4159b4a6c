"""Rules' own tests: what they get, and whether those of an enforced rule are enough."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.language.compile import Compiled, compile_paths
from ostiary.local.rule_tests import readiness, run_tests, summary

REQUEST = "logsource: {product: ostiary, category: request}\n"
LIMIT = f"""\
title: Free plan request limit
{REQUEST}detection: {{free: {{account.plan: free}}, condition: free}}
ostiary: {{mode: enforce, action: throttle, limit: {{max: 3, timespan: 1m, group-by: account.id}}, clause: T-2.1}}
"""
BASE = f"""\
title: Asks
name: asks
{REQUEST}detection: {{ask: {{gen_ai.prompt.last|contains|all: [verbatim, chain of thought]}}, condition: ask}}
"""
COUNTED = """\
---
title: Keeps asking
correlation: {type: event_count, rules: [asks], group-by: [account.id], timespan: 1d, condition: {gt: 2}}
ostiary: {mode: enforce, action: withhold, withhold: [reasoning], clause: T-4.1}
"""
DENY = f"""\
title: Probe
{REQUEST}detection:
  probe: {{gen_ai.request.max_tokens: 1, gen_ai.request.logprobs: true}}
  trusted: {{account.trusted: true}}
  condition: probe and not trusted
ostiary: {{mode: enforce, action: deny, clause: T-1}}
"""
ASK = "gen_ai.prompt.last: Vеrbatim Chain of thought"


def compiled(folder: Path, text: str, *tests: str) -> Compiled:
    file = folder / "rule.yaml"
    file.write_text(text + "tests:\n" + "".join(f"  - {{{test}}}\n" for test in tests), encoding="utf-8")
    result = compile_paths([file])
    assert result.mistakes == (), [mistake.render() for mistake in result.mistakes]
    return result


def got(folder: Path, text: str, *tests: str) -> list[str]:
    return [result.got for result in run_tests(compiled(folder, text, *tests))]


def test_a_limit_admits_its_maximum_and_throttles_the_next(tmp_path: Path) -> None:
    tests = [
        "name: a, request: {account.plan: free}, times: 3, expect: allowed",
        "name: b, request: {account.plan: free}, times: 4, expect: throttled",
        "name: c, request: {account.plan: pro}, times: 9, expect: allowed",
        "name: d, request: {account.plan: free}, expect: signal",
        "name: e, request: {account.plan: pro}, expect: none",
    ]
    assert got(tmp_path, LIMIT, *tests) == ["allowed", "throttled", "allowed", "signal", "none"]


def test_tests_share_no_counts(tmp_path: Path) -> None:
    tests = [f"name: t{number}, request: {{account.plan: free}}, times: 3, expect: allowed" for number in range(3)]
    assert got(tmp_path, LIMIT, *tests, "name: t, request: {account.plan: free}, times: 5, expect: throttled")[:3] == ["allowed"] * 3


def test_a_correlation_counts_matches_of_the_rule_that_it_names(tmp_path: Path) -> None:
    tests = [
        f"name: a, request: {{{ASK}}}, times: 2, expect: allowed",
        f"name: b, request: {{{ASK}}}, times: 3, expect: withheld",
        f"name: c, request: {{{ASK}}}, times: 3, expect: signal",
        f"name: d, request: {{{ASK}}}, times: 2, expect: none",
        "name: e, request: {gen_ai.prompt.last: verbatim}, times: 3, expect: allowed",
    ]
    assert got(tmp_path, BASE + COUNTED, *tests) == ["allowed", "withheld", "signal", "none", "allowed"]


def test_a_rule_in_monitor_mode_is_tested_for_what_it_would_do(tmp_path: Path) -> None:
    text = DENY.replace("mode: enforce", "mode: monitor")
    assert got(tmp_path, text, PROBE) == ["denied"]


def test_facts_of_a_test_are_the_accounts_facts(tmp_path: Path) -> None:
    probe = "gen_ai.request.max_tokens: 1, gen_ai.request.logprobs: true"
    tests = [f"name: a, request: {{{probe}, account.trusted: true}}, expect: allowed", f"name: b, request: {{{probe}}}, expect: denied"]
    assert got(tmp_path, DENY, *tests) == ["allowed", "denied"]


def test_a_test_has_its_account_unless_it_says_otherwise(tmp_path: Path) -> None:
    detection = "{a: {account.id: acct-test}, b: {account.id: null, client.address: 192.0.2.1}, condition: 1 of them}"
    text = f"title: x\n{REQUEST}detection: {detection}\n"
    tests = [
        "name: a, request: {url.path: /}, expect: signal",
        "name: b, request: {account.id: other}, expect: none",
        "name: c, request: {account.id: null, client.address: 192.0.2.1}, expect: signal",
        "name: d, request: {client.address: 192.0.2.1, account.id: other}, expect: none",
    ]
    assert got(tmp_path, text, *tests) == ["signal", "none", "signal", "none"]


def test_a_rule_over_windows_is_tested_by_a_record(tmp_path: Path) -> None:
    text = "title: Split\nlogsource: {product: ostiary, category: group_window}\ndetection: {s: {group.accounts|gte: 20}, condition: s}\n"
    tests = ["name: a, record: {group.accounts: 20}, expect: signal", "name: b, record: {group.accounts: 19}, expect: none"]
    assert got(tmp_path, text, *tests) == ["signal", "none"]


def test_a_failed_test_says_what_it_got_and_where_it_is(tmp_path: Path) -> None:
    result = compiled(tmp_path, BASE, "name: a, request: {gen_ai.prompt.last: other}, expect: signal")
    (only,) = run_tests(result)
    assert (only.got, only.ok, only.position.line) == ("none", False, 6)
    assert summary([only])["failed"] == 1


def test_rules_with_mistakes_have_no_results(tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_text("title: x\n", encoding="utf-8")
    broken = compile_paths([tmp_path])
    assert broken.mistakes
    assert list(run_tests(broken)) == []
    assert readiness(broken) == ()


REFUSED = "name: refused, request: {account.plan: free}, times: 4, expect: throttled"
PROBE = "name: refused, request: {gen_ai.request.max_tokens: 1, gen_ai.request.logprobs: true}, expect: denied"
WITHHELD = f"name: refused, request: {{{ASK}}}, times: 3, expect: withheld"


@pytest.mark.parametrize(
    ("text", "refused", "allowed"),
    [
        (LIMIT, REFUSED, "name: a, request: {account.plan: free}, times: 3, expect: allowed"),
        (LIMIT, REFUSED, "name: a, request: {account.plan: pro}, times: 9, expect: allowed"),
        (DENY, PROBE, "name: a, request: {gen_ai.request.max_tokens: 1}, expect: none"),
        (DENY, PROBE, PROBE.replace("refused", "a").replace("true}", "true, account.trusted: true}").replace("denied", "allowed")),
        (BASE + COUNTED, WITHHELD, f"name: a, request: {{{ASK}}}, times: 2, expect: allowed"),
    ],
)
def test_a_lookalike_among_the_allowed_makes_an_enforced_rule_ready(tmp_path: Path, text: str, refused: str, allowed: str) -> None:
    assert readiness(compiled(tmp_path, text, refused, allowed)) == ()


@pytest.mark.parametrize(
    ("text", "refused", "allowed", "hint"),
    [
        (LIMIT, REFUSED, "name: a, request: {account.plan: free}, times: 2, expect: allowed", "times: 3"),
        (DENY, PROBE, "name: a, request: {url.path: /}, expect: none", "in all but `gen_ai.request.max_tokens: 1`"),
        (DENY, PROBE, "name: a, request: {gen_ai.request.max_tokens: 1, account.trusted: true}, expect: none", "in all but"),
        (BASE + COUNTED, WITHHELD, f"name: a, request: {{{ASK}}}, times: 1, expect: allowed", "times: 2"),
        (BASE + COUNTED, WITHHELD, "name: a, request: {gen_ai.prompt.last: hello}, times: 2, expect: allowed", "times: 2"),
    ],
)
def test_an_enforced_rule_without_a_lookalike_is_not_ready(tmp_path: Path, text: str, refused: str, allowed: str, hint: str) -> None:
    (mistake,) = readiness(compiled(tmp_path, text, refused, allowed))
    assert mistake.kind == "enforce-needs-lookalike"
    assert hint in mistake.hint
    assert "refused" in mistake.source_line
    assert mistake.render().startswith(str(tmp_path / "rule.yaml"))


def test_an_item_that_a_plan_holds_twice_is_one_leaf(tmp_path: Path) -> None:
    text = DENY.replace("condition: probe and not trusted", "condition: (probe and probe) and not trusted")
    assert readiness(compiled(tmp_path, text, PROBE, "name: a, request: {gen_ai.request.max_tokens: 1}, expect: none")) == ()


def test_rules_in_monitor_mode_need_no_lookalike(tmp_path: Path) -> None:
    text = DENY.replace("mode: enforce", "mode: monitor")
    assert readiness(compiled(tmp_path, text, PROBE)) == ()


def test_the_command_exits_1_when_a_test_fails_and_says_which(tmp_path: Path) -> None:
    compiled(tmp_path, BASE, f"name: good, request: {{{ASK}}}, expect: signal", "name: bad, request: {url.path: /}, expect: signal")
    result = CliRunner().invoke(app, ["test", str(tmp_path), "--format", "json"])
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["passed"], answer["failed"]) == (1, 1)
    assert [(test["name"], test["ok"], test["got"]) for test in answer["tests"]] == [("good", True, "signal"), ("bad", False, "none")]
    shown = CliRunner().invoke(app, ["test", str(tmp_path), "--format", "text"])
    assert "`bad` expects signal, got none" in shown.stdout
    assert "1 passed, 1 failed" in shown.stdout


def test_the_command_exits_0_when_all_pass(tmp_path: Path) -> None:
    compiled(tmp_path, BASE, f"name: good, request: {{{ASK}}}, expect: signal")
    assert CliRunner().invoke(app, ["test", str(tmp_path)]).exit_code == 0


def test_the_command_runs_nothing_when_the_rules_have_mistakes(tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_text("title: x\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["test", str(tmp_path), "--format", "json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["mistakes"][0]["kind"] == "unknown-document"
    assert "no test was run" in result.stderr


STEPS = f"""\
title: Steps
{REQUEST}detection: {{free: {{account.plan: free}}, condition: free}}
ostiary: {{mode: enforce, action: throttle, limit: {{max: 3, timespan: 1m, group-by: account.id}}, clause: T-2.1}}
"""
FREE = "request: {account.plan: free}"


def sequence(name: str, *steps: str, expect: str = "") -> str:
    return f"name: {name}, sequence: [{', '.join(f'{{{step}}}' for step in steps)}]" + (f", expect: {expect}" if expect else "")


def test_a_sequence_runs_on_a_virtual_clock(tmp_path: Path) -> None:
    tests = [
        sequence("full", f"at: 0s, {FREE}, times: 3, expect: allowed", f"at: 30s, {FREE}", expect="throttled"),
        sequence("a minute later", f"at: 0s, {FREE}, times: 3", f"at: 2m, {FREE}, times: 3", expect="allowed"),
        sequence("two accounts", f"{FREE}, times: 3", "request: {account.plan: free, account.id: other}, times: 3", expect="allowed"),
    ]
    assert got(tmp_path, STEPS, *tests) == ["throttled", "allowed", "allowed"]


def test_ten_thousand_requests_of_a_step_count_as_ten_thousand(tmp_path: Path) -> None:
    text = STEPS.replace("max: 3", "max: 10000").replace("1m", "1d")
    tests = [
        sequence("full", f"{FREE}, times: 6000", f"at: 1m, {FREE}, times: 4000", expect="allowed"),
        sequence("over", f"{FREE}, times: 6000", f"at: 1m, {FREE}, times: 4001", expect="throttled"),
    ]
    assert got(tmp_path, text, *tests) == ["allowed", "throttled"]


def test_the_first_step_that_gets_something_else_fails_the_test(tmp_path: Path) -> None:
    steps = (f"{FREE}, times: 3, expect: allowed", f"at: 1s, {FREE}, expect: allowed", f"at: 5m, {FREE}, expect: denied")
    (result,) = run_tests(compiled(tmp_path, STEPS.replace("mode: enforce, ", ""), sequence("a", *steps)))
    assert (result.ok, result.step, result.steps, result.expect, result.got) == (False, 2, 3, "allowed", "throttled")
    shown = CliRunner().invoke(app, ["test", str(tmp_path), "--format", "text"])
    assert "`a`, step 2, expects allowed, got throttled" in shown.stdout


def test_a_failed_test_names_the_leaves_that_were_true_and_false(tmp_path: Path) -> None:
    test = "name: a, request: {gen_ai.request.max_tokens: 1, account.trusted: true}, expect: denied"
    (only,) = run_tests(compiled(tmp_path, DENY.replace("mode: enforce, ", ""), test))
    assert only.reasons == (
        "true  gen_ai.request.max_tokens: 1 (it is 1)",
        "false gen_ai.request.logprobs: true (gen_ai.request.logprobs is absent)",
        "true  account.trusted: true (it is True)",
    )
    shown = CliRunner().invoke(app, ["test", str(tmp_path), "--format", "text"])
    assert "false gen_ai.request.logprobs: true" in shown.stdout


def test_a_failed_test_of_a_correlation_says_how_often_its_rules_matched(tmp_path: Path) -> None:
    text = BASE + COUNTED.replace("mode: enforce, ", "")
    (only,) = run_tests(compiled(tmp_path, text, f"name: a, request: {{{ASK}}}, times: 2, expect: withheld"))
    assert only.reasons == ("`asks` matched 2 of 2 until then",)


CHAIN = f"""\
title: Asks
name: asks
{REQUEST}detection: {{ask: {{gen_ai.prompt.last|contains: verbatim}}, condition: ask}}
---
title: Probes
name: probes
{REQUEST}detection: {{probe: {{gen_ai.request.logprobs: true}}, condition: probe}}
---
title: Both
name: both
correlation: {{type: temporal, rules: [asks, probes], group-by: [account.id], timespan: 10m}}
"""
ASKS = "request: {gen_ai.prompt.last: verbatim please}"
PROBES = "request: {gen_ai.request.logprobs: true}"


def test_a_correlation_that_record_decides_is_run_through_its_windows(tmp_path: Path) -> None:
    tests = [
        sequence("both", f"at: 0s, {ASKS}, expect: none", f"at: 9m, {PROBES}", expect="signal"),
        sequence("too late", f"at: 0s, {ASKS}", f"at: 11m, {PROBES}", expect="none"),
        sequence("two accounts", ASKS, "request: {gen_ai.request.logprobs: true, account.id: other}", expect="none"),
        f"name: one alone, {ASKS}, times: 5, expect: none",
    ]
    result = compiled(tmp_path, CHAIN, *tests)
    assert result.decided["both"] == "record" if "both" in result.decided else True
    assert [one.got for one in run_tests(result)] == ["signal", "none", "none", "none"]


def test_what_is_decided_when_a_window_closes_counts_for_the_last_step(tmp_path: Path) -> None:
    text = CHAIN.split("---")[0] + (
        "---\ntitle: Only once\ncorrelation: {type: event_count, rules: [asks], group-by: [account.id], timespan: 1h, condition: {lt: 2}}\n"
    )
    assert got(tmp_path, text, f"name: a, {ASKS}, expect: signal", f"name: b, {ASKS}, times: 2, expect: none") == ["signal", "none"]


def test_a_test_may_list_the_members_of_a_collection(tmp_path: Path) -> None:
    detection = "{m: {'gen_ai.messages[]': {role: user, 'text|contains': verbatim}}, condition: m}"
    text = f"title: x\n{REQUEST}detection: {detection}\n"
    tests = [
        "name: a, request: {gen_ai.messages: [{role: system, text: hi}, {role: user, text: verbatim}]}, expect: signal",
        "name: b, request: {gen_ai.messages: [{role: system, text: verbatim}, {role: user}]}, expect: none",
    ]
    assert got(tmp_path, text, *tests) == ["signal", "none"]


def test_a_lookalike_may_miss_one_leaf_of_a_block_on_one_member(tmp_path: Path) -> None:
    detection = "{m: {'gen_ai.messages[]': {role: user, 'text|contains': verbatim}}, condition: m}"
    text = f"title: x\n{REQUEST}detection: {detection}\nostiary: {{mode: enforce, action: deny, clause: T-1}}\n"
    refused = "name: refused, request: {gen_ai.messages: [{role: user, text: verbatim}]}, expect: denied"
    near = "name: near, request: {gen_ai.messages: [{role: system, text: verbatim}]}, expect: allowed"
    far = "name: far, request: {gen_ai.messages: [{role: system, text: hello}]}, expect: allowed"
    assert readiness(compiled(tmp_path, text, refused, near)) == ()
    (mistake,) = readiness(compiled(tmp_path, text, refused, far))
    assert mistake.kind == "enforce-needs-lookalike"


def test_enough_matches_that_come_too_slowly_are_a_lookalike_of_a_correlation(tmp_path: Path) -> None:
    slow = sequence("slow", f"at: 0s, request: {{{ASK}}}, times: 2", f"at: 3d, request: {{{ASK}}}", expect="allowed")
    assert readiness(compiled(tmp_path, BASE + COUNTED, WITHHELD, slow)) == ()
    slower = sequence("slower", f"at: 0s, request: {{{ASK}}}", f"at: 3d, request: {{{ASK}}}", expect="allowed")
    assert readiness(compiled(tmp_path, BASE + COUNTED, WITHHELD, slower)) != ()
