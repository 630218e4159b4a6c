import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ostiary.cli import app

RULES = """\
title: Forbidden door
logsource: {product: ostiary, category: request}
detection: {door: {url.path: /forbidden}, condition: door}
ostiary: {mode: enforce, action: deny, clause: T-1}
tests:
  - {name: the door, request: {url.path: /forbidden}, expect: denied}
  - {name: another, request: {url.path: /forbidden/not}, expect: allowed}
"""


@pytest.fixture
def rules(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "door.yaml").write_text(RULES, encoding="utf-8")
    return folder


@pytest.fixture
def traffic(tmp_path):
    path = tmp_path / "traffic.jsonl"
    lines = [json.dumps({"time": n, "account": f"acct-{n % 2}", "path": "/forbidden" if n == 3 else "/"}) for n in range(5)]
    path.write_text("\n".join([*lines, "{oops", '{"time": 9, "path": "/", "adress": "192.0.2.1"}']), encoding="utf-8")
    return path


def run(*words, **options):
    return CliRunner().invoke(app, ["play", *map(str, words)], **options)


def test_the_last_line_of_json_is_the_report_and_bad_lines_are_named_on_stderr(rules, traffic):
    result = run(traffic, "--rules", rules, "--format", "json")
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    report = json.loads(line)
    assert (report["requests"], report["verdicts"], report["allowed"], report["denied"], report["bad_lines"]) == (6, 6, 5, 1, 1)
    assert report["accounts"]["acct-1"]["denied"] == 1
    assert report["signals"] == {"Forbidden door": 1}
    assert "line 6: not JSON" in result.stderr
    assert "line 7: the key 'adress'" in result.stderr


def test_text_shows_tables_with_the_titles_of_rules(rules, traffic):
    result = run(traffic, "--rules", rules, "--format", "text")
    assert result.exit_code == 0
    for words in ("Verdicts", "Signals", "Forbidden door", "Accounts", "acct-1", "denied", "6 requests, 6 verdicts"):
        assert words in result.stdout


def test_a_pipe_gets_json_without_being_asked(rules, traffic):
    command = [sys.executable, "-m", "ostiary.cli", "play", traffic, "--rules", rules]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(found.stdout)["requests"] == 6


def test_traffic_can_come_from_stdin(rules):
    result = run("-", "--rules", rules, "--format", "json", input='{"time": 0, "path": "/forbidden"}\n')
    assert json.loads(result.stdout)["denied"] == 1


def test_monitor_mode_lets_everything_through(rules, traffic):
    report = json.loads(run(traffic, "--rules", rules, "--format", "json", "--mode", "monitor").stdout)
    assert (report["allowed"], report["denied"], report["signals"]) == (6, 0, {"Forbidden door": 1})


def test_mistakes_in_the_rules_end_with_exit_code_1_before_anything_is_played(rules, traffic):
    (rules / "bad.yaml").write_text("title: Bad\ndetection: {a: {b: c}, condition: nowhere}\n", encoding="utf-8")
    result = run(traffic, "--rules", rules, "--format", "json")
    mistakes = json.loads(result.stdout)["mistakes"]
    assert result.exit_code == 1
    assert {mistake["line"] for mistake in mistakes} <= {1, 2}
    assert "bad.yaml:" in result.stderr and "nothing was run" in result.stderr


def test_traffic_that_is_not_there_is_a_usage_error(rules, tmp_path):
    result = run(tmp_path / "missing.jsonl", "--rules", rules)
    assert result.exit_code == 2 and "missing.jsonl" in result.stderr


def test_a_store_that_is_none_is_said_so(rules, traffic):
    result = run(traffic, "--rules", rules, "--store", "postgres")
    assert (result.exit_code, result.stderr.strip().splitlines()[-1][:25]) == (2, "ostiary: --store is 'post")


def test_without_rules_the_folder_here_is_taken_else_the_starter_pack(rules, traffic, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert json.loads(run(traffic, "--format", "json").stdout)["denied"] == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert json.loads(run(Path("..") / traffic.name, "--format", "json").stdout)["denied"] == 0


def test_a_request_without_its_verdict_ends_with_exit_code_1(rules, traffic, monkeypatch):
    from ostiary.local import services

    monkeypatch.setattr(services._MemoryLedger, "everything", lambda ledger: [])
    result = run(traffic, "--rules", rules, "--format", "json")
    assert result.exit_code == 1
    assert "6 requests without a verdict: play-1" in result.stderr
