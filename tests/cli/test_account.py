"""``ostiary account``, ``verdict`` and ``mode`` against moto's DynamoDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from click.testing import Result
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.cli.deployed import deployed
from ostiary.gateways.credential import credential_id
from ostiary.settings import Settings
from ostiary.stores.schema import create_tables
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import Enforcement, StateWrite
from ostiary.vocabulary.verdict import Count, Effect, RuleRef, Verdict

SECRET = "a secret of some length"
ANNA = Principal("account", "anna")
VERDICT = Verdict(
    id="r1",
    time=1_700_000_000.0,
    principal=ANNA.key,
    account="anna",
    address="192.0.2.7",
    gateway="rest",
    method="POST",
    path="/v1/messages",
    effect=Effect("throttled", reason="limit_exceeded", rule="limit-1", retry_after=7),
    would=Effect("throttled", reason="limit_exceeded", rule="limit-1", retry_after=7),
    rules=(RuleRef("limit-1", "abc", "low", "enforce"),),
    counts=(Count("limit-1", 61, 60, 60, 6.5, "limit"),),
    digest="d" * 64,
    mode="enforce",
    seq=61,
)
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def run(endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Run:
    """Runs the command line in an environment with tables of this test's own."""
    settings = Settings(state_table=f"s-{id(request)}", verdict_table=f"v-{id(request)}", case_table=f"c-{id(request)}", endpoint=endpoint)
    environment = {
        "OSTIARY_STATE_TABLE": settings.state_table,
        "OSTIARY_VERDICT_TABLE": settings.verdict_table,
        "OSTIARY_CASE_TABLE": settings.case_table,
        "OSTIARY_ENDPOINT": endpoint,
        "OSTIARY_IDENTIFIER_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "COLUMNS": "120",
    }
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "OSTIARY_APPEAL", "OSTIARY_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client: Any = boto3.client("dynamodb", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b")
    create_tables(client, settings)

    def invoke(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=input)

    return invoke


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_facts_keep_their_types(run: Run) -> None:
    told = answer(run("account", "set", "anna", "plan=pro", "research=true", "seats=12", "share=0.5", 'code="12"', "--format", "json"))
    facts = {"account.plan": "pro", "account.research": True, "account.seats": 12, "account.share": 0.5, "account.code": "12"}
    assert told == {"account": "anna", "set": facts}
    state = deployed().state.read(ANNA)
    assert state is not None
    assert state.facts == facts
    assert state.facts["account.research"] is True


def test_a_fact_without_a_value_is_removed(run: Run) -> None:
    run("account", "set", "anna", "plan=pro", "org.region=eu")
    result = run("account", "set", "anna", "plan=", "--format", "text")
    assert result.stdout == "account.plan removed\n"
    assert answer(run("account", "show", "anna", "--format", "json"))["facts"] == {"account.org.region": "eu"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plan", "has no ="),
        ("Plan=x", "no fact's name"),
        ("=x", "no fact's name"),
        ("id=x", "names the account itself"),
        ("a=" + "x" * 1025, "1024"),
    ],
)
def test_a_fact_that_is_none_is_refused_and_nothing_is_set(run: Run, text: str, said: str) -> None:
    result = run("account", "set", "anna", "good=1", text)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert deployed().state.read(ANNA) is None


def test_an_account_shows_its_state_and_newest_verdicts(run: Run) -> None:
    stores = deployed()
    stores.state.set_facts(ANNA, {"account.plan": "pro"})
    stores.state.write(StateWrite(ANNA, {"aa.1": 1}, (), "request", "{}", 4_000_000_000))
    stores.state.enforce(ANNA, Enforcement("suspend", ANNA.key, 4, 1_700_000_000.0, 1_700_003_600.0, deny=True))
    stores.verdicts.upsert(VERDICT)
    shown = answer(run("account", "show", "anna", "--format", "json"))
    assert (shown["requests"], shown["facts"], shown["buckets"]) == (1, {"account.plan": "pro"}, {"aa.1": 1})
    assert shown["enforcement"]["stage"] == "suspend"
    assert [verdict["id"] for verdict in shown["verdicts"]] == ["r1"]
    text = run("account", "show", "account#anna", "--format", "text").stdout
    assert "suspend until 2023-11-14T23:13:20Z (case account#anna, version 4)" in text
    assert "limit_exceeded" in text


def test_an_account_that_nobody_met_is_said_on_stderr(run: Run) -> None:
    result = run("account", "show", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing is known of account#nobody" in result.stderr


def test_of_a_key_only_the_keyed_hash_is_stored(run: Run) -> None:
    told = answer(run("account", "key", "anna", "--format", "json", input="sk-example\n"))
    assert told == {"account": "anna", "credential": credential_id(SECRET, "sk-example")}
    assert deployed().state.account_of(told["credential"]) == "anna"


@pytest.mark.parametrize("input", ["", "\n", "two\nlines", "x" * 4097])
def test_a_key_that_is_none_is_refused(run: Run, input: str) -> None:
    assert run("account", "key", "anna", input=input).exit_code == 2


def test_a_verdict_shows_why(run: Run) -> None:
    deployed().verdicts.upsert(VERDICT)
    shown = answer(run("verdict", "show", "r1", "--format", "json"))
    assert (shown["id"], shown["effect"]["rule"], shown["counts"][0]["used"]) == ("r1", "limit-1", 61)
    text = run("verdict", "show", "r1", "--format", "text").stdout
    assert "throttled, limit_exceeded, by limit-1" in text
    assert "6.5 s" in text


def test_a_verdict_that_is_not_there_is_said_on_stderr(run: Run) -> None:
    result = run("verdict", "show", "r404")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no verdict 'r404'" in result.stderr


def test_the_kill_switch_is_shown_and_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_APPEAL", "appeals@example.com")
    assert answer(run("mode", "--format", "json")) == {"mode": "monitor"}
    assert answer(run("mode", "enforce", "--format", "json")) == {"mode": "enforce"}
    assert run("mode", "--format", "text").stdout == "enforce\n"
    assert answer(run("mode", "monitor", "--format", "json")) == {"mode": "monitor"}


def test_enforcing_without_an_appeal_address_is_refused(run: Run) -> None:
    result = run("mode", "enforce")
    assert result.exit_code == 2
    assert "OSTIARY_APPEAL is empty" in result.stderr
    assert deployed().state.control(None, "monitor").mode == "monitor"


def test_a_mode_that_is_none_is_refused(run: Run) -> None:
    assert run("mode", "off").exit_code == 2


def test_a_table_that_is_missing_is_one_line_that_says_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_VERDICT_TABLE", "no-such-table")
    result = run("verdict", "show", "r1")
    assert result.exit_code == 2
    assert result.stderr.startswith("ostiary: GetItem on no-such-table: no such table in us-east-1")
