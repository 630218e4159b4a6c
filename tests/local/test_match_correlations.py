"""``ostiary match`` over rules with correlations: the order of time, what speaks, and where a closed window is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.local.events import moment_of

LOGIN = """\
title: Failed login
name: failed
logsource: {product: linux}
detection: {a: {event: failed}, condition: a}
"""
GUESSING = "title: Guessing\ncorrelation: {type: event_count, rules: [failed], group-by: [user], timespan: 1m, condition: {gte: 3}}\n"
FEW = "title: Few\ncorrelation: {type: event_count, rules: [failed], group-by: [user], timespan: 1m, condition: {lt: 3}}\n"


def match(tmp_path: Path, rules: str, events: list[dict[str, Any]], *options: str) -> tuple[list[list[str]], str]:
    file = tmp_path / "rules.yaml"
    file.write_text(rules, encoding="utf-8")
    lines = "".join(json.dumps(event) + "\n" for event in events)
    result = CliRunner().invoke(app, ["match", str(file), "-", *options], input=lines)
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["index"] for answer in answers] == list(range(len(events)))
    return [answer["signals"] for answer in answers], result.stderr


def failed(second: int, user: str = "root", **more: Any) -> dict[str, Any]:
    return {"@timestamp": f"2026-01-05T00:00:{second:02d}Z", "event": "failed", "user": user, **more}


def test_events_are_correlated_in_order_of_time_and_answered_in_order_of_lines(tmp_path: Path) -> None:
    events = [failed(30), failed(10), failed(20, "bob"), failed(20)]
    signals, _ = match(tmp_path, f"{LOGIN}---\n{GUESSING}", events)
    assert signals == [["Failed login", "Guessing"], ["Failed login"], ["Failed login"], ["Failed login"]]


def test_rules_that_generate_nothing_speak_only_through_their_correlation(tmp_path: Path) -> None:
    silent = GUESSING.replace("{gte: 3}}", "{gte: 3}, generate: false}")
    signals, _ = match(tmp_path, f"{LOGIN}---\n{silent}", [failed(1), failed(2), failed(3)])
    assert signals == [[], [], ["Guessing"]]


def test_what_is_decided_when_a_window_closes_is_named_at_the_last_event_of_its_group(tmp_path: Path) -> None:
    events = [failed(1), failed(2, "bob"), failed(3), failed(4, "ann"), failed(5, "ann"), failed(6, "ann"), {"event": "other"}]
    signals, _ = match(tmp_path, f"{LOGIN}---\n{FEW}", events)
    assert ["Few" in found for found in signals] == [False, True, True, False, False, False, False]


def test_the_time_may_stand_in_another_field(tmp_path: Path) -> None:
    events = [
        {"event": "failed", "user": "root", "when": {"ms": when}} for when in (1767571230000, 1767571300000, "1767571200", 1767571210.5)
    ]
    signals, warned = match(tmp_path, f"{LOGIN}---\n{GUESSING}", events, "--time-field", "when.ms")
    assert ["Guessing" in found for found in signals] == [True, False, False, False]
    assert warned == ""


def test_events_without_a_time_come_with_the_one_before_them_and_are_told_once(tmp_path: Path) -> None:
    without = {"event": "failed", "user": "root"}
    signals, warned = match(tmp_path, f"{LOGIN}---\n{GUESSING}", [without, failed(50), without, {**without, "@timestamp": "soon"}])
    assert ["Guessing" in found for found in signals] == [False, False, True, True]
    assert warned.count("no time") == 1 and "line 1" in warned


def test_a_bad_line_keeps_its_place(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(f"{LOGIN}---\n{GUESSING}", encoding="utf-8")
    result = CliRunner().invoke(app, ["match", str(file), "-"], input=f"{json.dumps(failed(1))}\nnonsense\n{json.dumps(failed(2))}\n")
    assert result.exit_code == 1
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["index"] for answer in answers] == [0, 1, 2]
    assert "not JSON" in answers[1]["error"] and answers[2]["signals"] == ["Failed login"]


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-01-05T00:00:00Z", 1767571200.0),
        ("2026-01-05 01:00:00+01:00", 1767571200.0),
        ("2026-01-05T00:00:00", 1767571200.0),
        ("2026-01-05T00:00:00.123456789Z", 1767571200.123456),
        (1767571200, 1767571200.0),
        (1767571200123, 1767571200.123),
        (1767571200123456, 1767571200.123456),
        ("1767571200.25", 1767571200.25),
        ((1767571200, 5), 1767571200.0),
        (True, None),
        (None, None),
        ((), None),
        ("yesterday", None),
        (float("inf"), None),
        ("2026-13-01T00:00:00Z", None),
    ],
)
def test_times(value: Any, time: float | None) -> None:
    assert moment_of(value) == time
