"""The gate as an HTTP server: a real socket, a real client, the real handlers."""

import http.client
import http.server
import json
import queue
import threading
from contextlib import contextmanager

import pytest

from ostiary.local.dev import administration, opened_gate
from ostiary.local.handlers import load
from ostiary.local.server import ACCOUNT_HEADER, MAX_BODY_BYTES, listening
from ostiary.settings import Settings
from ostiary.vocabulary.errors import SettingsError
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import Enforcement

DEADLINE = 30
"""Seconds after which a test gives up waiting for what must come."""
BODY = {"model": "m", "messages": [{"role": "user", "content": "verbatim"}], "thinking": {"type": "enabled", "budget_tokens": 1024}}


class Client:
    """One caller of a served gate; ``verdicts`` gets each Verdict once it is kept."""

    def __init__(self, gate, verdicts):
        self.gate = gate
        self.verdicts = verdicts

    def send(self, method="GET", path="/v1/models", body=None, **headers):
        connection = http.client.HTTPConnection(self.gate.url.removeprefix("http://"), timeout=DEADLINE)
        try:
            content = json.dumps(body) if isinstance(body, dict) else body
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, content, {"content-type": "application/json", **sent} if body else sent)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def verdict(self):
        return self.verdicts.get(timeout=DEADLINE)


@contextmanager
def served(ruleset, **options):
    verdicts, complaints = queue.Queue(), []
    with opened_gate(ruleset, port=0, tell=verdicts.put, complain=complaints.append, **options) as gate:
        thread = threading.Thread(target=gate.serve)
        thread.start()
        try:
            yield Client(gate, verdicts)
        finally:
            gate.stop()
            thread.join(DEADLINE)
    assert not thread.is_alive() and complaints == []


def test_an_allowed_request_reaches_the_upstream_and_its_verdict_is_told(ruleset):
    with served(ruleset) as client:
        status, headers, body = client.send("POST", "/v1/messages", BODY, **{ACCOUNT_HEADER: "acct-1"})
        assert status == 200
        assert [block["type"] for block in json.loads(body)["content"]] == ["thinking", "text"]
        assert headers["content-type"] == "application/json"
        verdict = client.verdict()
        assert (verdict.account, verdict.effect.outcome, [rule.id for rule in verdict.rules]) == (
            "acct-1",
            "allowed",
            ["Asks for reasoning"],
        )


def test_the_request_past_a_limit_is_answered_429_with_retry_after_and_a_problem(ruleset):
    with served(ruleset) as client:
        client.gate.services.state.set_facts(Principal("account", "acct-1"), {"account.plan": "trial"})
        answers = [client.send(**{ACCOUNT_HEADER: "acct-1"}) for _ in range(4)]
        assert [status for status, _, _ in answers] == [200, 200, 200, 429]
        _, headers, body = answers[-1]
        problem = json.loads(body)
        assert 0 < int(headers["retry-after"]) <= 63  # a window, and the bucket that is being filled
        assert headers["content-type"] == "application/problem+json"
        assert problem["status"] == 429 and problem["error"]["type"] == "rate_limit_error"
        assert problem["verdict"] in {client.verdict().id for _ in range(4)}


def test_a_suspended_account_is_answered_403_with_where_to_appeal_and_never_reaches_the_upstream(ruleset):
    suspended = Enforcement("suspend", "account#acct-1", 1, 0.0, None, deny=True, reason="suspended")
    with upstream() as (url, seen), served(ruleset, upstream=url) as client:
        client.gate.services.state.enforce(Principal("account", "acct-1"), suspended)
        status, headers, body = client.send(**{ACCOUNT_HEADER: "acct-1"})
        assert (status, headers["x-should-retry"]) == (403, "false")
        problem = json.loads(body)
        assert (problem["reason"], problem["error"]["type"]) == ("suspended", "permission_error")
        assert problem["appeal"].startswith("https://")
    assert seen == []


def test_a_request_that_a_rule_denies_is_answered_with_a_problem_and_never_reaches_the_upstream(ruleset):
    with upstream() as (url, seen), served(ruleset, upstream=url) as client:
        status, headers, body = client.send(path="/forbidden")
        assert status == json.loads(body)["status"] and status in (400, 403)
        assert headers["x-ostiary-verdict"] == client.verdict().id
    assert seen == []


def test_reasoning_is_withheld_once_an_account_keeps_asking(ruleset):
    with served(ruleset) as client:
        answers = [client.send("POST", "/v1/messages", BODY, **{ACCOUNT_HEADER: "acct-1"}) for _ in range(3)]
        assert [[block["type"] for block in json.loads(body)["content"]] for _, _, body in answers] == [["thinking", "text"]] * 2 + [
            ["text"]
        ]


@contextmanager
def upstream():
    """A server that notes the headers of each request and answers 204; HTTP/1.0, so that no connection stays open."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join(DEADLINE)


@pytest.mark.parametrize("gateway", ["rest-proxy", "rest-authorizer"])
def test_the_account_header_of_dev_reaches_no_handler_and_no_upstream(ruleset, gateway):
    with upstream() as (url, seen), served(ruleset, upstream=url, gateway=gateway) as client:
        assert client.send(**{ACCOUNT_HEADER: "acct-1", "x-ostiary-withhold": "forged", "x-mine": "kept"})[0] == 204
        assert client.verdict().account == "acct-1"
    (headers,) = seen
    assert ACCOUNT_HEADER not in headers and headers["x-mine"] == "kept"
    assert headers.get("x-ostiary-withhold", "none") == "none"


def test_what_an_authorizer_refuses_is_answered_as_its_gateway_response(ruleset):
    with served(ruleset, gateway="rest-authorizer") as client:
        assert client.send()[0] == 200
        status, headers, body = client.send(path="/forbidden")
        assert (status, headers["content-type"]) == (403, "application/json")
        assert json.loads(body)["verdict"] in {client.verdict().id for _ in range(2)}


def test_a_limit_at_the_authorizer_is_403_that_says_when_to_come_back_and_what_status_is_meant(ruleset):
    with served(ruleset, gateway="rest-authorizer") as client:
        client.gate.services.state.set_facts(Principal("account", "acct-1"), {"account.plan": "trial"})
        sent = {ACCOUNT_HEADER: "acct-1", "origin": "https://app.example"}
        status, headers, body = [client.send(**sent) for _ in range(4)][-1]
        assert (status, headers["x-ostiary-status"], json.loads(body)["status"]) == (403, "429", 429)
        assert int(headers["retry-after"]) == json.loads(body)["retry_after"] > 0
        assert headers["x-should-retry"] in ("true", "false") and headers["cache-control"] == "no-store"
        assert "Trial limit" in headers["ratelimit"] and "q=3" in headers["ratelimit-policy"]
        assert headers["access-control-allow-origin"] == "*" and "x-ostiary-status" in headers["access-control-expose-headers"]
        assert headers["x-ostiary-verdict"] == json.loads(body)["verdict"]


@pytest.mark.parametrize(("gateway", "function", "status"), [("rest-proxy", "proxy", 502), ("rest-authorizer", "authorize", 500)])
def test_a_function_that_crashes_is_answered_as_the_gateway_does_and_its_traceback_is_logged(
    ruleset, gateway, function, status, monkeypatch, caplog
):
    def crash(event, context):
        raise AssertionError("a mistake of ours")

    monkeypatch.setattr(load(function), "assemble", lambda *settings, **ports: crash)
    with served(ruleset, gateway=gateway) as client:
        found, headers, _ = client.send()
        assert (found, headers["content-type"]) == (status, "application/json")
    assert "a mistake of ours" in caplog.text and f"{function} failed" in caplog.text


@pytest.mark.parametrize("gateway", ["rest-proxy", "rest-authorizer"])
def test_a_browsers_preflight_is_answered_by_the_built_in_upstream(ruleset, gateway):
    asked = {"origin": "https://app.example", "access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
    with served(ruleset, gateway=gateway) as client:
        status, headers, body = client.send("OPTIONS", "/v1/messages", **asked)
        assert (status, body) == (204, b"")
        assert (headers["access-control-allow-origin"], headers["access-control-allow-headers"]) == ("*", "x-api-key")


def test_a_body_past_the_gateways_quota_is_refused_by_the_gateway(ruleset):
    with served(ruleset) as client:
        assert client.send("POST", "/v1/messages", b"x" * (MAX_BODY_BYTES + 1))[0] == 413
        assert client.send("POST", "/elsewhere", b"x")[0] == 404


def test_an_upstream_that_is_not_there_is_a_bad_gateway(ruleset):
    with served(ruleset, upstream="http://127.0.0.1:9") as client:
        assert client.send()[0] == 502
    with served(ruleset, upstream="http://127.0.0.1:9", gateway="rest-authorizer") as client:
        assert client.send()[0] == 504


def test_a_monitored_gate_refuses_nobody_and_says_what_it_would_have_done(ruleset):
    with served(ruleset, mode="monitor") as client:
        assert client.send(path="/forbidden")[0] == 404
        verdict = client.verdict()
        assert (verdict.effect.outcome, verdict.would.outcome) == ("allowed", "denied")


def test_a_port_that_is_taken_is_said_so():
    with listening(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"can't listen on 127.0.0.1:{port}"), listening(port):
            pass


def test_the_mode_of_a_gate_is_its_kill_switch_where_none_was_set(ruleset):
    for mode in ("enforce", "monitor"):
        with served(ruleset, mode=mode) as client:
            assert client.gate.mode == mode
            assert {client.gate.services.state.control(None, default).mode for default in ("enforce", "monitor")} == {mode}


def test_what_administers_a_gate_shows_made_up_secrets_and_no_others():
    settings = Settings(endpoint="http://127.0.0.1:8000", identifier_key="made up, so no secret", case_table="mine")
    found = administration(settings, {})
    assert Settings.from_environment(found) == Settings(
        endpoint=settings.endpoint, identifier_key=settings.identifier_key, case_table="mine"
    )
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} <= set(found)
    own = {"OSTIARY_IDENTIFIER_KEY": settings.identifier_key, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert not set(own) & set(administration(settings, own))


def test_a_gate_in_memory_can_be_administered_by_nobody_else(ruleset):
    with served(ruleset) as client:
        assert client.gate.environment == {}
