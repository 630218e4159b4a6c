"""The proxy's handler from event to answer: what is forwarded, what is refused, what a broken upstream looks like."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.gateways.forward import ForwardedAnswer, ForwardedRequest, UpstreamError
from ostiary.local.handlers import load
from ostiary.ruleset.artefact import sealed
from ostiary.settings import Settings
from ostiary.stores.memory import MemoryStateStore
from ostiary.vocabulary.plan import Equals, Glob, Wild
from ostiary.vocabulary.rule import Counter, Limit, Rule, Ruleset

EVENTS = Path(__file__).parents[2] / "events" / "rest_proxy"
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
                limit=Limit(2, 60, ("client.address",), counter="c0"),
            ),
            Rule(
                1,
                "asks",
                "Asks for the trace",
                "v1",
                "low",
                "request",
                plan=Glob("gen_ai.prompt.last", (Wild.ANY, "chain of thought", Wild.ANY)),
                mode="enforce",
                action="withhold",
                withhold=("reasoning",),
            ),
            Rule(
                2,
                "morning",
                "Says good morning",
                "v1",
                "low",
                "request",
                plan=Glob("gen_ai.prompt.last", (Wild.ANY, "good morning", Wild.ANY)),
                mode="enforce",
                action="deny",
            ),
        ),
        (Counter("c0", "limit", 60, 20, ("client.address",), (0,)),),
    )
)


@dataclass
class StillClock:
    time: float = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def offset(self) -> float:
        return 0.0


@dataclass
class Gate:
    """An assembled proxy, what it forwarded and what it logged."""

    settings: Settings = field(
        default_factory=lambda: Settings(mode="enforce", identifier_key="a key for tests only", appeal="mailto:a@example.org")
    )
    clock: StillClock = field(default_factory=StillClock)
    logged: list[str] = field(default_factory=list)
    forwarded: list[ForwardedRequest] = field(default_factory=list)
    broken: UpstreamError | None = None

    def __post_init__(self) -> None:
        self.store = MemoryStateStore(clock=self.clock)
        self.handle = load("proxy").assemble(
            self.settings, ruleset=RULES, store=self.store, clock=self.clock, log=self.logged.append, forward=self.forward
        )

    def forward(self, request: ForwardedRequest) -> ForwardedAnswer:
        self.forwarded.append(request)
        if self.broken:
            raise self.broken
        return ForwardedAnswer(201, (("content-type", "application/json"), ("x-ostiary-verdict", "fake")), b'{"ok": true}')

    def ask(self, name: str = "plain_get", **changes: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.handle({**json.loads((EVENTS / f"{name}.json").read_text()), **changes}, None)
        json.dumps(answer)
        return answer


def test_an_allowed_request_is_forwarded_whole_and_its_answer_comes_back() -> None:
    gate = Gate()
    answer = gate.ask("openai_chat")
    assert (answer["statusCode"], answer["body"]) == (201, '{"ok": true}')
    (sent,) = gate.forwarded
    event = json.loads((EVENTS / "openai_chat.json").read_text())
    assert (sent.method, sent.target, sent.body.decode()) == ("POST", "/v1/chat/completions", event["body"])
    headers = dict(sent.headers)
    assert headers["authorization"] == "Bearer sk-example-0002"
    assert headers["x-ostiary-verdict"] == event["requestContext"]["extendedRequestId"]
    assert "x-ostiary-verdict" not in answer["multiValueHeaders"]


def test_the_upstream_is_told_what_to_withhold_though_the_client_says_otherwise() -> None:
    gate = Gate()
    event = json.loads((EVENTS / "text_split_over_blocks.json").read_text())
    answer = gate.ask("text_split_over_blocks", multiValueHeaders={**event["multiValueHeaders"], "X-Ostiary-Withhold": ["nothing"]})
    assert answer["statusCode"] == 201
    assert [value for name, value in gate.forwarded[0].headers if name == "x-ostiary-withhold"] == ["reasoning"]


def test_a_throttled_request_is_not_forwarded_and_is_told_when_to_come_again() -> None:
    gate = Gate()
    answers = [gate.ask() for _ in range(3)]
    assert [answer["statusCode"] for answer in answers] == [201, 201, 429]
    assert len(gate.forwarded) == 2
    assert answers[0]["multiValueHeaders"]["ratelimit"] == ['"get-limit";r=1']
    headers = answers[2]["multiValueHeaders"]
    assert int(headers["retry-after"][0]) >= 1
    assert headers["content-type"] == ["application/problem+json"]
    assert json.loads(answers[2]["body"])["error"]["type"] == "rate_limit_error"


def test_a_compressed_body_is_judged_by_what_it_says_and_forwarded_as_sent() -> None:
    gate = Gate()
    assert gate.ask("base64_gzip_body")["statusCode"] == 403
    other = gzip.compress(b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}')
    assert gate.ask("base64_gzip_body", body=base64.b64encode(other).decode())["statusCode"] == 201
    assert gate.forwarded[0].body == other


def test_the_upstream_gets_the_path_that_rules_saw() -> None:
    gate = Gate()
    gate.ask("plain_get")
    assert gate.forwarded[0].target == "/v1/files/list?q=%C3%A9tat%20des%20lieux&tag=a&tag=b%20c&api_key=sk-query-0003"


def test_a_preflight_is_forwarded_without_a_verdict() -> None:
    gate = Gate()
    assert gate.ask("preflight")["statusCode"] == 201
    assert [request.method for request in gate.forwarded] == ["OPTIONS"]
    assert not any(name.startswith("x-ostiary") for name, _ in gate.forwarded[0].headers)
    assert gate.logged == []


@pytest.mark.parametrize(("timeout", "status"), [(False, 502), (True, 504)])
@pytest.mark.parametrize("name", ["openai_chat", "preflight"])
def test_an_upstream_that_fails_is_told_as_such(name: str, timeout: bool, status: int) -> None:
    gate = Gate(broken=UpstreamError("the upstream did not answer", timeout=timeout))
    answer = gate.ask(name)
    assert answer["statusCode"] == (status if name == "openai_chat" else answer["statusCode"])
    assert answer["statusCode"] >= 500
    assert json.loads(answer["body"])["reason"] == "service_unavailable"
    assert json.loads(gate.logged[0])["ostiary.upstream"]["message"] == "the upstream did not answer"


def test_a_bomb_is_refused_while_the_gate_enforces_and_passes_while_it_monitors() -> None:
    bomb = base64.b64encode(gzip.compress(b" " * 50_000_000)).decode()
    gate = Gate()
    answer = gate.ask("base64_gzip_body", body=bomb)
    assert (answer["statusCode"], json.loads(answer["body"])["reason"]) == (400, "request_refused")
    assert "MAX_BODY_BYTES" in json.loads(answer["body"])["detail"]
    assert gate.forwarded == []
    monitor = Gate(replace(gate.settings, mode="monitor"))
    assert monitor.ask("base64_gzip_body", body=bomb)["statusCode"] == 201
    assert json.loads(monitor.logged[0])["ostiary.error"]["kind"] == "RequestRefused"


@pytest.mark.parametrize(
    "changes",
    [
        {"multiValueHeaders": {"x-a": ["1"] * 201}},
        {"path": "/" + "a" * 8192},
        {"multiValueQueryStringParameters": {"a": ["1"] * 1001}},
    ],
)
def test_what_is_past_a_limit_still_passes_while_the_gate_monitors(changes: dict[str, Any]) -> None:
    gate = Gate(replace(Gate().settings, mode="monitor"))
    assert gate.ask(**changes)["statusCode"] == 201
    assert json.loads(gate.logged[0])["ostiary.verdict"]["would"]["outcome"] == "denied"


@pytest.mark.parametrize(("on_error", "status"), [("open", 201), ("closed", 503)])
def test_a_partial_event_gets_the_fail_mode(on_error: str, status: int) -> None:
    gate = Gate(replace(Gate().settings, on_error=on_error))  # type: ignore[arg-type]
    answer = gate.ask(requestContext=None)
    assert answer["statusCode"] == status
    assert len(gate.forwarded) == (1 if status == 201 else 0)


@pytest.mark.parametrize(
    "event", [{}, {"httpMethod": "GET"}, {"httpMethod": "OPTIONS", "headers": {"origin": "x", "access-control-request-method": "y"}}]
)
def test_what_cannot_even_be_forwarded_is_refused_and_logged(event: dict[str, Any]) -> None:
    gate = Gate()
    assert gate.handle(event, None)["statusCode"] == 503
    assert gate.forwarded == []
    assert len(gate.logged) == 1


def test_a_websocket_event_is_an_error() -> None:
    gate = Gate()
    assert gate.ask("websocket")["statusCode"] == 503
    assert "WebSocket" in json.loads(gate.logged[0])["ostiary.error"]["message"]


def test_a_refusal_can_be_read_by_a_browser() -> None:
    gate = Gate()
    event = json.loads((EVENTS / "base64_gzip_body.json").read_text())
    answer = gate.ask("base64_gzip_body", multiValueHeaders={**event["multiValueHeaders"], "Origin": ["https://app.example"]})
    assert answer["multiValueHeaders"]["access-control-allow-origin"] == ["*"]


def test_no_planted_secret_is_in_a_refusal_or_a_log_line() -> None:
    gate = Gate(replace(Gate().settings, on_error="closed"))
    for name in ("plain_get", "base64_gzip_body", "conflicting_credentials"):
        assert "sk-" not in json.dumps({**gate.ask(name), "forwarded": None})
    assert "sk-" not in "".join(gate.logged)
