"""``ostiary case`` over memory stores."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

import ostiary.cli.deployed as deployment
from ostiary.actions.sinks import MemorySink
from ostiary.cli import app
from ostiary.cli.deployed import Deployed
from ostiary.enforcement.durable import DurableEngine
from ostiary.enforcement.outbox import Outbox
from ostiary.enforcement.policy import Policy
from ostiary.enforcement.process import Escalator
from ostiary.settings import Settings
from ostiary.stores.clock import SystemClock
from ostiary.stores.memory import MemoryCaseStore, MemoryStateStore, MemoryVerdictStore
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.request import Principal

SETTINGS = Settings(identifier_key="0123456789abcdef", mode="enforce", appeal="https://appeal.example")
ANNA = Principal("account", "acct-7")


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch, policy: Policy, engine: DurableEngine, finding: Callable[..., Finding]) -> Deployed:
    """A gate where acct-7 is suspended and an address is restricted."""
    clock = SystemClock()
    found = Deployed(
        SETTINGS, MemoryStateStore(SETTINGS, clock=clock), MemoryVerdictStore(SETTINGS), MemoryCaseStore(SETTINGS, clock=clock)
    )
    outbox = Outbox(policy, found.cases, found.state, MemorySink(), clock, lambda line: None, "enforce")
    for one in (finding(), finding(rule="steals-logits", level="critical"), finding(account="address#192.0.2.7")):
        Escalator(outbox, engine).take(one)
    monkeypatch.setattr(deployment, "deployed", lambda: found)
    return found


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["case", *arguments])
    return result.exit_code, result.output


def test_list_shows_the_cases_and_a_stage_picks_some(stores: Deployed) -> None:
    code, text = run("list", "--format", "json")
    assert code == 0
    assert {case["account"]: case["stage"] for case in json.loads(text)} == {ANNA.id: "suspend", "address#192.0.2.7": "restrict"}
    assert [case["account"] for case in json.loads(run("list", "--stage", "restrict", "--format", "json")[1])] == ["address#192.0.2.7"]


def test_a_stage_that_does_not_exist_is_refused(stores: Deployed) -> None:
    code, text = run("list", "--stage", "banned")
    assert code == 2
    assert "banned" in text


def test_show_has_the_history_and_says_that_its_chain_holds(stores: Deployed) -> None:
    code, text = run("show", "acct-7", "--format", "json")
    shown = json.loads(text)
    assert code == 0
    assert [step["stage"] for step in shown["case"]["steps"]] == ["restrict", "suspend"]
    assert (shown["chain_broken_at"], shown["waiting"]) == (None, [])
    assert "the chain holds" in run("show", "acct-7", "--format", "text")[1]


def test_an_address_is_given_by_its_key(stores: Deployed) -> None:
    assert json.loads(run("show", "address#192.0.2.7", "--format", "json")[1])["case"]["stage"] == "restrict"


def test_showing_an_account_without_a_case_exits_with_one(stores: Deployed) -> None:
    code, text = run("show", "nobody")
    assert code == 1
    assert "no case" in text


def test_release_ends_the_suspension_at_once_and_says_by_whom(stores: Deployed) -> None:
    code, text = run("release", "acct-7", "--by", "dana", "--note", "contract 4411", "--format", "json")
    assert code == 0
    assert (json.loads(text)["stage"], json.loads(text)["version"]) == ("none", 3)
    state = stores.state.read(ANNA)
    assert state is None or state.enforcement is None or state.enforcement.stage == "none"
    case = stores.cases.load(ANNA.key)
    assert case is not None
    assert (case.steps[-1].by, case.steps[-1].note) == ("dana", "contract 4411")
    assert stores.cases.waiting(ANNA.key) == []


def test_release_needs_a_name_and_a_note(stores: Deployed) -> None:
    assert run("release", "acct-7", "--note", "why")[0] == 2
    assert run("release", "acct-7", "--by", " ", "--note", "why")[0] == 2
    case = stores.cases.load(ANNA.key)
    assert case is not None
    assert case.stage == "suspend"


def test_releasing_an_account_without_a_case_exits_with_two(stores: Deployed) -> None:
    code, text = run("release", "nobody", "--by", "dana", "--note", "why")
    assert code == 2
    assert "has no case" in text
