import json

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.local.demo import NO_ACCOUNT, benign_refused, by_kind
from ostiary.local.play import AccountReport, Report
from ostiary.local.traffic import Day


def account(requests, throttled=0, denied=0, withheld=0, stage="none"):
    return AccountReport(requests, requests - throttled - denied, throttled, denied, withheld, stage, ())


def report(**accounts):
    return Report(0, 0, 0, 0, 0, 0, {}, accounts, (), 0.0)


def test_callers_are_summed_by_kind_and_refused_benign_ones_are_counted():
    day = Day((), {"a": "chat", "b": "chat", "c": "harvest"})
    kinds = by_kind(day, report(a=account(5, throttled=1), b=account(4, denied=2), c=account(9, denied=9, stage="suspend"), d=account(1)))
    assert [(one.kind, one.accounts, one.requests, one.refused, one.benign) for one in kinds] == [
        ("chat", 2, 9, 3, True),
        ("harvest", 1, 9, 9, False),
        (NO_ACCOUNT, 1, 1, 0, False),
    ]
    assert kinds[1].stages == ("suspend",)
    assert benign_refused(kinds) == 3


@pytest.fixture(scope="module")
def demo():
    """One run of the demo, on the memory store: moto's is `make demo`, and takes minutes."""
    return CliRunner().invoke(app, ["demo", "--store", "memory", "--format", "json"])


def test_the_demo_stops_the_bad_and_no_benign_request_is_refused(demo):
    assert demo.exit_code == 0, demo.stderr
    found = json.loads(demo.stdout.splitlines()[-1])
    assert found["benign_refused"] == 0
    assert found["requests"] == found["verdicts"] >= 2000
    assert found["throttled"] > 0 and found["denied"] > 0 and found["degraded"] == 0
    stages = {case["stage"] for case in found["cases"]}
    assert "suspend" in stages, f"nobody was suspended: {stages}"


def test_the_hammering_key_is_throttled_and_harvester_and_probe_are_restricted_or_withheld_from(demo):
    accounts = json.loads(demo.stdout.splitlines()[-1])["accounts"]
    by_name = {kind: next(found for name, found in accounts.items() if kind in name) for kind in ("hammer", "harvest", "probe")}
    assert by_name["hammer"]["throttled"] > 0
    for kind in ("harvest", "probe"):
        assert by_name[kind]["withheld"] > 0 or by_name[kind]["stage"] in ("restrict", "suspend")


def test_each_step_of_the_demo_is_announced_on_stderr(demo):
    for words in ("checked and compiled", "generated a day of", "played it on memory"):
        assert words in demo.stderr


def test_text_shows_the_harvesters_case_with_its_evidence_and_how_to_go_on(monkeypatch):
    from ostiary.local import traffic

    day = traffic.generate(7)
    harvest = tuple(line for line in day.requests if day.kinds.get(line.get("account", "")) == "harvest")
    monkeypatch.setattr(traffic, "generate", lambda seed: Day(harvest, day.kinds))
    result = CliRunner().invoke(app, ["demo", "--store", "memory", "--format", "text"])
    assert result.exit_code == 0
    for words in (
        "Callers, by kind",
        "The Case of acct-harvest",
        "evidence",
        " of ",
        "steps in a hash chain",
        "How to go on",
        "ostiary play",
    ):
        assert words in result.stdout
