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
        (DENY, PROBE, "name: a, request: {url.path: /}, expect: none", "`gen_ai.request.max_tokens`"),
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
    assert result.stdout == ""
    assert "no test was run" in result.stderr
