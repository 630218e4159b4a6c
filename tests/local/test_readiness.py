"""Readiness of rules beside others that have mistakes, and of correlations that ``record`` decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.language.compile import Compiled, compile_paths
from ostiary.local.rule_tests import readiness

REQUEST = "logsource: {product: ostiary, category: request}\n"
UNREADY = f"""\
title: Unready
name: unready
{REQUEST}detection: {{sel: {{url.path: /y, http.request.method: GET}}, condition: sel}}
ostiary: {{mode: enforce, action: deny}}
tests:
  - {{name: both, request: {{url.path: /y, http.request.method: GET}}, expect: denied}}
  - {{name: neither, request: {{url.path: /q, http.request.method: POST}}, expect: allowed}}
"""
BROKEN = f"title: Broken\nname: broken\n{REQUEST}detection: {{sel: {{url.path: /b}}, condition: sle}}\n"
BASE = f"title: Base\nname: base\n{REQUEST}detection: {{sel: {{url.path: /a}}, condition: sel}}\n"
RECORDED = """\
---
title: Recorded
correlation: {{type: event_count, rules: [base], group-by: [http.route], timespan: 1h, condition: {{{condition}}}}}
ostiary: {{mode: enforce}}
tests:
"""
HIT = "request: {url.path: /a, http.route: /a}"


def check(folder: Path, **texts: str) -> Compiled:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return compile_paths([folder])


def recorded(condition: str, *tests: str) -> str:
    return BASE + RECORDED.format(condition=condition) + "".join(f"  - {{{test}}}\n" for test in tests)


def test_a_rule_that_loads_is_looked_at_when_others_have_mistakes(tmp_path: Path) -> None:
    result = check(tmp_path, a=UNREADY, b=BROKEN)
    assert result.ruleset is None
    assert [mistake.kind for mistake in readiness(result)] == ["enforce-needs-lookalike"]


def test_check_reports_mistakes_and_what_enforced_rules_lack_together_in_order(tmp_path: Path) -> None:
    check(tmp_path, b=UNREADY, a=BROKEN, c=BROKEN.replace("roken", "roken too"))
    done = CliRunner().invoke(app, ["check", str(tmp_path), "--format", "json"])
    kinds = [(Path(one["path"]).name, one["kind"]) for one in json.loads(done.stdout)["mistakes"]]
    assert done.exit_code == 1
    assert kinds == [("a.yaml", "condition-undefined"), ("b.yaml", "enforce-needs-lookalike"), ("c.yaml", "condition-undefined")]


def test_what_follows_from_a_mistake_elsewhere_is_not_reported(tmp_path: Path) -> None:
    tests = (f"name: a, {HIT}, times: 3, expect: signal", "name: b, request: {url.path: /}, expect: none")
    on_broken = recorded("gte: 3", *tests).replace("[base]", "[broken]")
    filtered = f"title: F\n{REQUEST}filter: {{rules: [unready], sel: {{url.path: /f}}, condition: not sle}}\n"
    result = check(tmp_path, a=UNREADY, b=BROKEN, c=on_broken, d=filtered)
    assert {mistake.kind for mistake in result.mistakes} == {"condition-undefined"}
    assert readiness(result) == ()


def test_of_two_rules_with_one_id_neither_is_looked_at(tmp_path: Path) -> None:
    assert readiness(check(tmp_path, a=UNREADY, b=UNREADY)) == ()


@pytest.mark.parametrize(
    ("condition", "signal", "near", "far", "hint"),
    [
        ("gte: 3", 3, 2, 1, "add a test with `times: 2` that expects none"),
        ("gt: 3", 4, 3, 2, "add a test with `times: 3` that expects none"),
        ("lt: 3", 2, 3, 5, "add a test that a match more, or less, would turn, and that expects none"),
        ("eq: 4", 4, 5, 6, "add a test with `times: 3` that expects none"),
    ],
)
def test_an_enforced_correlation_of_record_needs_a_test_that_one_match_would_turn(
    tmp_path: Path, condition: str, signal: int, near: int, far: int, hint: str
) -> None:
    holds = f"name: holds, {HIT}, times: {signal}, expect: signal"
    ready = check(tmp_path, a=recorded(condition, holds, f"name: near, {HIT}, times: {near}, expect: none"))
    assert ready.ruleset is not None
    assert ready.decided["Recorded"] == "record"
    assert readiness(ready) == ()
    (mistake,) = readiness(check(tmp_path, a=recorded(condition, holds, f"name: far, {HIT}, times: {far}, expect: none")))
    assert (mistake.kind, mistake.hint) == ("enforce-needs-lookalike", hint)


def test_expectations_of_steps_before_the_last_count_too(tmp_path: Path) -> None:
    steps = f"[{{{HIT}, times: 2, expect: none}}, {{{HIT}, expect: signal}}]"
    whole = f"name: in steps, sequence: {steps}"
    assert check(tmp_path, a=recorded("gte: 3", whole)).mistakes == ()
