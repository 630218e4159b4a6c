"""Mutation: each rule changed a little; a test should notice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.language.compile import Compiled, compile_paths
from ostiary.local.mutation import mutants, mutation_summary

PROBE = """\
title: Probe
name: probe
logsource: {product: ostiary, category: request}
detection:
  probe: {gen_ai.request.max_tokens: 1, gen_ai.request.logprobs: true}
  trusted: {account.trusted: true}
  condition: probe and not trusted
"""
LIMIT = """\
title: Limit
logsource: {product: ostiary, category: request}
detection: {free: {account.plan: free}, condition: free}
ostiary: {action: throttle, limit: {max: 5, timespan: 1m, group-by: account.id}}
"""
KEEPS = """\
---
title: Keeps probing
correlation: {type: event_count, rules: [probe], group-by: [account.id], timespan: 1d, condition: {gte: 4}}
"""
BOTH = "gen_ai.request.max_tokens: 1, gen_ai.request.logprobs: true"
MATCH = f"name: match, request: {{{BOTH}}}, expect: signal"


def compiled(folder: Path, text: str, *tests: str) -> Compiled:
    own = "tests:\n" + "".join(f"  - {{{test}}}\n" for test in tests) if tests else ""
    (folder / "rule.yaml").write_text(text + own, encoding="utf-8")
    result = compile_paths([folder])
    assert result.mistakes == (), [mistake.render() for mistake in result.mistakes]
    return result


def survivors(folder: Path, text: str, *tests: str) -> list[str]:
    return [mutant.change for mutant in mutants(compiled(folder, text, *tests)) if mutant.noticed_by is None]


def test_of_a_rule_without_tests_every_change_survives(tmp_path: Path) -> None:
    found = list(mutants(compiled(tmp_path, PROBE)))
    assert [mutant.change for mutant in found] == [
        "`gen_ai.request.max_tokens: 1` always holds",
        "`gen_ai.request.max_tokens: 1` never holds",
        "`gen_ai.request.logprobs: true` always holds",
        "`gen_ai.request.logprobs: true` never holds",
        "`account.trusted: true` always holds",
        "`account.trusted: true` never holds",
        "`or` for `and` between `gen_ai.request.max_tokens: 1`, `gen_ai.request.logprobs: true`, `not account.trusted: true`",
        "`not account.trusted: true` without `not`",
    ]
    assert all(mutant.noticed_by is None for mutant in found)


def test_one_match_notices_that_a_leaf_never_holds_but_not_that_it_always_does(tmp_path: Path) -> None:
    assert survivors(tmp_path, PROBE, MATCH) == [
        "`gen_ai.request.max_tokens: 1` always holds",
        "`gen_ai.request.logprobs: true` always holds",
        "`account.trusted: true` never holds",
        "`or` for `and` between `gen_ai.request.max_tokens: 1`, `gen_ai.request.logprobs: true`, `not account.trusted: true`",
    ]


def test_a_near_miss_of_each_item_leaves_no_survivor(tmp_path: Path) -> None:
    near = [
        "name: a, request: {gen_ai.request.logprobs: true}, expect: none",
        "name: b, request: {gen_ai.request.max_tokens: 1}, expect: none",
        f"name: c, request: {{{BOTH}, account.trusted: true}}, expect: none",
    ]
    assert survivors(tmp_path, PROBE, MATCH, *near) == []


def test_a_test_that_gets_what_it_expects_all_the_same_notices_nothing(tmp_path: Path) -> None:
    # One request is allowed whether or not the limit's rule matches it.
    left = survivors(tmp_path, LIMIT, "name: a, request: {account.plan: free}, expect: allowed")
    assert left == ["`account.plan: free` always holds", "`account.plan: free` never holds", "`max: 4` for 5", "`max: 6` for 5"]


def test_a_limit_needs_a_test_at_its_maximum_and_one_past_it(tmp_path: Path) -> None:
    last = "name: last, request: {account.plan: free}, times: 5, expect: allowed"
    following = "name: next, request: {account.plan: free}, times: 6, expect: throttled"
    other = "name: other, request: {account.plan: pro}, times: 6, expect: allowed"
    assert survivors(tmp_path, LIMIT, last, other) == ["`account.plan: free` never holds", "`max: 6` for 5"]
    assert survivors(tmp_path, LIMIT, following, other) == ["`max: 4` for 5"]
    assert survivors(tmp_path, LIMIT, last, following, other) == []


def test_a_correlation_needs_a_test_at_its_threshold_and_one_short_of_it(tmp_path: Path) -> None:
    at = f"name: at, request: {{{BOTH}}}, times: 4, expect: signal"
    short = f"name: short, request: {{{BOTH}}}, times: 3, expect: none"
    assert "`gte: 3` for 4" in survivors(tmp_path, PROBE + KEEPS, at)
    assert "`gte: 5` for 4" in survivors(tmp_path, PROBE + KEEPS, short)
    left = survivors(tmp_path, PROBE + KEEPS, at, short)
    assert not any(change.startswith("`gte") for change in left)


def test_tests_of_a_correlation_notice_changes_of_the_rules_it_names(tmp_path: Path) -> None:
    at = f"name: at, request: {{{BOTH}}}, times: 4, expect: signal"
    found = [mutant for mutant in mutants(compiled(tmp_path, PROBE + KEEPS, at)) if mutant.title == "Probe"]
    assert {mutant.noticed_by for mutant in found if "never holds" in mutant.change} == {"at", None}


def test_a_temporal_condition_is_changed_too(tmp_path: Path) -> None:
    text = """\
title: A
name: a
logsource: {product: ostiary, category: request}
detection: {s: {url.path: /a}, condition: s}
---
title: B
name: b
logsource: {product: ostiary, category: request}
detection: {s: {url.path: /b}, condition: s}
---
title: Both
correlation: {type: temporal, rules: [a, b], group-by: [account.id], timespan: 10m, condition: a and b}
"""
    both = "name: both, sequence: [{request: {url.path: /a}}, {request: {url.path: /b}}], expect: signal"
    one = "name: one, request: {url.path: /a}, expect: none"
    change = "`or` for `and` in the condition"
    assert change in survivors(tmp_path, text, both)
    assert change not in survivors(tmp_path, text, both, one)
    counted = text.replace(", condition: a and b", "")
    # The second match is `b`'s, so that a correlation without `b` would not speak of it.
    assert [left for left in survivors(tmp_path, counted, both) if "without" in left] == ["without rule `a`"]
    other = "name: other, request: {url.path: /b}, expect: none"
    assert [left for left in survivors(tmp_path, counted, both, other) if "without" in left] == []


def test_the_summary_says_how_many_were_noticed(tmp_path: Path) -> None:
    summary = mutation_summary(mutants(compiled(tmp_path, PROBE, MATCH)))
    assert (summary["mutants"], summary["noticed"], summary["percent"]) == (8, 4, 50.0)


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)])
def test_the_command_lists_survivors_and_fails_only_when_strict(tmp_path: Path, options: list[str], code: int) -> None:
    compiled(tmp_path, PROBE, MATCH)
    result = CliRunner().invoke(app, ["test", str(tmp_path), "--mutate", *options, "--format", "json"])
    assert result.exit_code == code
    answer = json.loads(result.stdout)["mutation"]
    assert answer["survivors"][0]["change"] == "`gen_ai.request.max_tokens: 1` always holds"
    assert answer["survivors"][0]["position"].endswith("rule.yaml:5:11")
    shown = CliRunner().invoke(app, ["test", str(tmp_path), "--mutate", *options, "--format", "text"]).stdout
    assert "no test notices: `account.trusted: true` never holds" in shown
    assert "4 of 8 changes noticed (50%)" in shown


def test_no_rule_is_changed_while_a_test_fails(tmp_path: Path) -> None:
    compiled(tmp_path, PROBE, MATCH.replace("expect: signal", "expect: none"))
    result = CliRunner().invoke(app, ["test", str(tmp_path), "--mutate", "--format", "json"])
    assert result.exit_code == 1
    assert "mutation" not in json.loads(result.stdout)
    assert "tests fail" in result.stderr


def test_no_change_of_the_starter_pack_goes_unnoticed() -> None:
    pack = compile_paths([Path(__file__).parents[2] / "rules"])
    found = list(mutants(pack))
    assert len(found) >= 150
    assert [(mutant.title, mutant.change) for mutant in found if mutant.noticed_by is None] == []


def test_the_least_limit_and_threshold_are_changed_too(tmp_path: Path) -> None:
    limit = LIMIT.replace("max: 5", "max: 1")
    tests = [
        "name: one, request: {account.plan: free}, expect: allowed",
        "name: two, request: {account.plan: free}, times: 2, expect: throttled",
    ]
    assert not any("max" in change for change in survivors(tmp_path, limit, *tests))
    once = PROBE + KEEPS.replace("gte: 4", "gte: 1")
    assert "`gte: 2` for 1" not in survivors(tmp_path, once, f"name: one, request: {{{BOTH}}}, expect: signal")
