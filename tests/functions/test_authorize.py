"""The authorizer's handler from event to policy, over the real Judge and a store in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.local.handlers import load
from ostiary.ruleset.artefact import dump, sealed
from ostiary.settings import Settings
from ostiary.stores.memory import MemoryStateStore
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.plain import from_plain
from ostiary.vocabulary.plan import Equals
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.rule import Counter, Limit, Rule, Ruleset
from ostiary.vocabulary.state import Enforcement
from ostiary.vocabulary.verdict import Verdict

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events" / "rest_authorizer"
NOW = 1_769_600_720.0
RULES = sealed(
    Ruleset(
        (
            Rule(
                0,
                "get-limit",
                "Reads a minute",
                "v1",
                "low",
                "request",
                plan=Equals("http.request.method", ("GET",)),
                mode="enforce",
                action="throttle",
                limit=Limit(2, 60, ("account.id",), counter="c0"),
                clause="T-2.1",
            ),
            Rule(
                1,
                "no-delete",
                "No deleting",
                "v1",
                "low",
                "request",
                plan=Equals("http.request.method", ("DELETE",)),
                mode="enforce",
                action="deny",
            ),
        ),
        (Counter("c0", "limit", 60, 20, ("account.id",), (0,)),),
    )
)
FORBIDDEN = ("pydantic", "sigma", "yaml", "durable", "boto3", "botocore", "aws_lambda_powertools")


@dataclass
class StillClock:
    time: float = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def offset(self) -> float:
        return 0.0


class BrokenStore(MemoryStateStore):
    """Answers nothing."""

    def write(self, write: object) -> Any:
        raise StoreError("the store does not answer")

    def control(self, address: object, default: object) -> Any:
        raise StoreError("the store does not answer")


@dataclass
class Gate:
    """An assembled authorizer and what it logged."""

    settings: Settings = field(
        default_factory=lambda: Settings(mode="enforce", identifier_key="a key for tests only", appeal="mailto:a@example.org")
    )
    clock: StillClock = field(default_factory=StillClock)
    logged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MemoryStateStore(clock=self.clock)
        self.use(self.store)

    def use(self, store: MemoryStateStore) -> None:
        self.handle = load("authorize").assemble(self.settings, ruleset=RULES, store=store, clock=self.clock, log=self.logged.append)

    def ask(self, name: str = "plain_get", **changes: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.handle({**json.loads((EVENTS / f"{name}.json").read_text()), **changes}, None)
        json.dumps(answer)
        return answer

    def lines(self) -> list[dict[str, Any]]:
        assert all("\n" not in line for line in self.logged)
        return [json.loads(line) for line in self.logged]


def effect(answer: dict[str, Any]) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    return str(statement["Effect"])


def test_requests_within_the_limit_are_allowed_and_the_next_is_refused_with_the_wait() -> None:
    gate = Gate()
    assert [effect(gate.ask("client_certificate")) for _ in range(3)] == ["Allow", "Allow", "Deny"]
    context = gate.ask("client_certificate")["context"]
    assert (context["reason"], context["status"]) == ("limit_exceeded", 429)
    assert context["retry_after"] >= 1
    assert json.loads(context["problem"])["clause"] == "T-2.1"


def test_a_suspended_account_is_refused_until_the_time_of_its_case() -> None:
    gate = Gate()
    account = Principal("account", "acct-7f3a")
    gate.store.enforce(account, Enforcement("suspend", "case-1", 4, NOW, NOW + 3600, deny=True, reason="suspended"))
    answer = gate.ask("jwt_claims")
    assert effect(answer) == "Deny"
    assert (answer["context"]["reason"], answer["context"]["status"]) == ("suspended", 403)
    assert answer["context"]["appeal"] == "mailto:a@example.org"


def test_in_monitor_mode_nothing_is_refused() -> None:
    gate = Gate(Settings(mode="monitor", identifier_key="a key for tests only"))
    assert {effect(gate.ask("client_certificate")) for _ in range(5)} == {"Allow"}


@pytest.mark.parametrize("name", ["anthropic_messages", "openai_chat", "missing_identity", "behind_proxies"])
def test_every_ordinary_event_is_answered_with_an_allowing_policy_for_itself(name: str) -> None:
    answer = Gate().ask(name)
    event = json.loads((EVENTS / f"{name}.json").read_text())
    assert answer["policyDocument"]["Statement"][0]["Resource"] == [event["methodArn"]]
    assert effect(answer) == "Allow"


def test_a_preflight_passes_without_a_verdict() -> None:
    gate = Gate()
    gate.use(BrokenStore(clock=gate.clock))
    assert effect(gate.ask("preflight")) == "Allow"
    assert gate.logged == []


@pytest.mark.parametrize(("on_error", "policy"), [("open", "Allow"), ("closed", "Deny")])
def test_a_partial_event_gets_the_configured_fail_mode_and_one_line_in_the_log(on_error: str, policy: str) -> None:
    gate = Gate(replace(Gate().settings, on_error=on_error))  # type: ignore[arg-type]
    answer = gate.ask(path=None)
    assert effect(answer) == policy
    (line,) = gate.lines()
    assert line["ostiary.error"] == {"kind": "EventError", "message": "the event's path is missing"}
    verdict = from_plain(Verdict, line["ostiary.verdict"])
    assert verdict.degraded and verdict.id == answer["context"]["verdict"]
    assert answer["context"].get("status") == (200 if on_error == "open" else 503)


@pytest.mark.parametrize("name", ["token", "http_api"])
def test_another_kind_of_event_gets_a_clear_error_and_no_policy_beyond_its_own_resource(name: str) -> None:
    gate = Gate()
    answer = gate.ask(name)
    (resource,) = answer["policyDocument"]["Statement"][0]["Resource"]
    assert "*" not in resource
    assert gate.lines()[0]["ostiary.error"]["kind"] == "EventError"
    assert "sk-" not in gate.logged[0]


@pytest.mark.parametrize(
    ("mode", "on_error", "policy"), [("enforce", "open", "Deny"), ("monitor", "open", "Allow"), ("monitor", "closed", "Deny")]
)
def test_what_is_past_a_limit_is_refused_while_the_kill_switch_says_enforce(mode: str, on_error: str, policy: str) -> None:
    gate = Gate(replace(Gate().settings, mode="monitor", on_error=on_error))  # type: ignore[arg-type]
    gate.store.set_mode(mode)  # type: ignore[arg-type]
    answer = gate.ask(multiValueHeaders={"x-a": ["1"] * 201})
    assert effect(answer) == policy
    assert gate.lines()[0]["ostiary.verdict"]["would"]["reason"] == "request_refused"
    if policy == "Deny":
        assert (answer["context"]["reason"], answer["context"]["status"]) == ("request_refused", 400)


@pytest.mark.parametrize("on_error", ["open", "closed"])
def test_a_store_that_fails_gives_an_answer_and_a_logged_degraded_verdict(on_error: str) -> None:
    gate = Gate(replace(Gate().settings, on_error=on_error))  # type: ignore[arg-type]
    gate.use(BrokenStore(clock=gate.clock))
    assert effect(gate.ask("jwt_claims")) in ("Allow", "Deny")
    assert any(line.get("ostiary.verdict", {}).get("degraded") for line in gate.lines())


@pytest.mark.parametrize(
    "event", [{}, {"type": "REQUEST"}, {"requestContext": None, "headers": 3}, {"type": "REQUEST", "methodArn": "x" * 99_999}]
)
def test_an_event_that_is_nothing_gets_a_policy_for_nothing(event: dict[str, Any]) -> None:
    gate = Gate()
    answer = gate.handle(event, None)
    assert answer["policyDocument"]["Statement"][0]["Resource"] == ["arn:aws:execute-api:::none/none/NONE/"]
    assert len(gate.logged) == 1


def test_no_planted_secret_is_in_an_answer_or_a_log_line() -> None:
    gate = Gate()
    gate.use(BrokenStore(clock=gate.clock))
    planted = {"x-api-key": ["planted-1"], "Authorization": ["Bearer planted-2"]}
    for method in ("GET", None):
        answer = gate.ask(httpMethod=method, multiValueHeaders=planted, multiValueQueryStringParameters={"api_key": ["planted-3"]})
        assert "planted" not in json.dumps(answer)
    assert "planted" not in "".join(gate.logged)
    assert len(gate.logged) >= 2


def test_answering_an_event_imports_none_of_the_heavy_packages(tmp_path: Path) -> None:
    artefact = tmp_path / "rules.ostiary"
    artefact.write_bytes(dump(RULES))
    script = f"""
        import importlib.util, json, sys
        from pathlib import Path
        spec = importlib.util.spec_from_file_location("app", {str(ROOT / "functions" / "authorize" / "app.py")!r})
        app = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(app)
        from ostiary.ruleset import artefact
        from ostiary.settings import Settings
        from ostiary.stores.clock import SystemClock
        from ostiary.stores.memory import MemoryStateStore
        import ostiary.stores.dynamodb
        clock = SystemClock()
        settings = Settings(identifier_key="a key for tests only")
        rules = artefact.load(Path({str(artefact)!r}).read_bytes())
        handle = app.assemble(settings, ruleset=rules, store=MemoryStateStore(clock=clock), clock=clock, log=print)
        answer = handle(json.loads(Path({str(EVENTS / "plain_get.json")!r}).read_text()), None)
        assert answer["context"]["outcome"] == "allowed", answer
        print(json.dumps([name for name in {FORBIDDEN!r} if name in sys.modules]))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_a_damaged_artefact_never_becomes_active_and_requests_get_the_fail_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = bytearray(dump(RULES))
    damaged[-1] ^= 1
    path = tmp_path / "rules.ostiary"
    path.write_bytes(bytes(damaged))
    settings = replace(Gate().settings, ruleset=path, on_error="closed")
    app = load("authorize")
    app.handler_of_process.cache_clear()
    logged: list[str] = []
    monkeypatch.setattr(app, "settings_of_process", lambda: settings)
    monkeypatch.setattr(app, "write_line", logged.append)
    answer = app.handler(json.loads((EVENTS / "plain_get.json").read_text()), None)
    assert effect(answer) == "Deny"
    assert answer["context"]["reason"] == "service_unavailable"
    assert json.loads(logged[0])["ostiary.error"]["kind"] == "ArtefactError"
