"""What a refused caller is told, and what an allowed one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import ostiary.actions
from ostiary.actions.answer import MAX_OBEYED_RETRY_SECONDS, WORDINGS, Answer
from ostiary.gateways.answering import action_of, answer
from ostiary.settings import Settings
from ostiary.vocabulary.case import Action
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.rule import ActionName
from ostiary.vocabulary.verdict import Count, Effect, Reason, RuleRef, Verdict

SHARED = {"__init__", "answer", "sinks"}
"""Files of the room that are no action: what a request's actions and a Case's actions each have in common."""
SETTINGS = Settings(identifier_key="a key for tests only", appeal="https://example.org/appeal")
REQUEST = Request("id-1", 1_769_600_720.0, "rest_proxy", "acct-1", "203.0.113.7", {"http.request.header.origin": "https://app.example"})
RULES = (RuleRef("free-limit", "v1", "low", "enforce"), RuleRef("trial", "v1", "low", "monitor"))
COUNTS = (Count("free-limit", 61, 60, 60, 11.2, "limit"), Count("trial", 1, 5, 60, 0, "limit"), Count("keeps", 3, 30, 86400, 0, "matches"))
THROTTLED = Effect("throttled", reason="limit_exceeded", rule="free-limit", retry_after=12, clause="T-2.1")
SUSPENDED = Effect("denied", reason="suspended", until=1_769_700_000.0, clause="T-4.1")


def verdict(effect: Effect) -> Verdict:
    return Verdict(
        "id-1",
        1_769_600_720.0,
        "account#acct-1",
        "acct-1",
        "203.0.113.7",
        "rest_proxy",
        "POST",
        "/v1/messages",
        effect,
        effect,
        RULES,
        COUNTS,
        "d" * 64,
        "enforce",
    )


def told(effect: Effect, settings: Settings = SETTINGS) -> tuple[Answer, dict[str, str], dict[str, object]]:
    found = answer(verdict(effect), REQUEST, settings)
    return found, dict(found.headers), json.loads(found.body or "{}")


def test_the_files_of_the_room_are_the_actions_words() -> None:
    files = {path.stem for path in Path(ostiary.actions.__file__).parent.glob("*.py")} - SHARED
    case_actions = get_args(get_type_hints(Action)["name"])
    assert files == {*get_args(ActionName), *case_actions}


@pytest.mark.parametrize(
    ("effect", "action"),
    [(Effect(), "allow"), (Effect(withhold=("logprobs",)), "withhold"), (THROTTLED, "throttle"), (SUSPENDED, "deny")],
)
def test_an_effect_asks_for_one_action(effect: Effect, action: str) -> None:
    assert action_of(effect) == action


def test_a_throttled_caller_is_told_when_to_come_again() -> None:
    found, headers, problem = told(THROTTLED)
    assert found.status == problem["status"] == 429
    assert (headers["retry-after"], headers["x-should-retry"]) == ("12", "true")
    assert headers["ratelimit-policy"] == '"free-limit";q=60;w=60'
    assert headers["ratelimit"] == '"free-limit";r=0;t=12'
    assert problem["retry_after"] == 12
    assert problem["until"] == "2026-01-28T11:45:32Z"


def test_a_problem_has_the_members_of_rfc_9457_and_those_that_provider_clients_read() -> None:
    _, headers, problem = told(SUSPENDED)
    assert headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
    assert problem["instance"] == "urn:ostiary:verdict:id-1"
    assert (problem["verdict"], problem["reason"], problem["clause"]) == ("id-1", "suspended", "T-4.1")
    assert (problem["until"], problem["appeal"]) == ("2026-01-29T15:20:00Z", "https://example.org/appeal")
    error = problem["error"]
    assert isinstance(error, dict)
    assert (error["type"], error["code"]) == ("permission_error", "suspended")
    assert "id-1" in error["message"] and "https://example.org/appeal" in error["message"]


@pytest.mark.parametrize(
    ("reason", "status", "retry", "type"),
    [
        ("terms_of_service", 403, "false", "permission_error"),
        ("suspended", 403, "false", "permission_error"),
        ("address_blocked", 403, "false", "permission_error"),
        ("service_unavailable", 503, "true", "api_error"),
        ("request_refused", 400, "false", "invalid_request_error"),
    ],
)
def test_a_denial_has_the_status_of_its_reason_and_says_whether_to_retry(reason: Reason, status: int, retry: str, type: str) -> None:
    found, headers, problem = told(Effect("denied", reason=reason))
    assert (found.status, headers["x-should-retry"], problem["error"]["type"]) == (status, retry, type)  # type: ignore[index]
    assert ("retry-after" in headers) is (status == 503)


def test_a_request_refused_by_a_rule_is_not_permitted_and_one_refused_by_its_form_is_invalid() -> None:
    found, _, problem = told(Effect("denied", reason="request_refused", rule="no-traversal"))
    assert (found.status, problem["error"]["type"]) == (403, "permission_error")  # type: ignore[index]


def test_an_unavailable_gate_says_the_wait_that_was_decided() -> None:
    assert told(Effect("denied", reason="service_unavailable", retry_after=1))[1]["retry-after"] == "1"


@pytest.mark.parametrize(("wait", "retry"), [(MAX_OBEYED_RETRY_SECONDS, "true"), (MAX_OBEYED_RETRY_SECONDS + 1, "false")])
def test_a_client_that_would_not_wait_so_long_is_told_not_to_retry(wait: int, retry: str) -> None:
    assert told(replace(THROTTLED, retry_after=wait))[1]["x-should-retry"] == retry


@pytest.mark.parametrize("wait", [None, 0])
def test_a_throttled_caller_always_waits_a_second(wait: int | None) -> None:
    assert told(replace(THROTTLED, retry_after=wait))[1]["retry-after"] == "1"


def test_every_reason_code_has_words_and_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "refusals.md").read_text()
    assert set(WORDINGS) == set(get_args(Reason))
    assert [reason for reason in get_args(Reason) if reason != "none" and f"`{reason}`" not in page] == []


def test_an_allowed_caller_sees_the_state_of_enforced_limits_and_the_upstream_the_verdict() -> None:
    found = answer(verdict(Effect()), REQUEST, SETTINGS)
    assert found.problem is None
    assert dict(found.headers) == {"ratelimit-policy": '"free-limit";q=60;w=60', "ratelimit": '"free-limit";r=0;t=12'}
    assert found.upstream == (("x-ostiary-verdict", "id-1"),)


def test_in_monitor_mode_no_limit_is_advertised() -> None:
    assert answer(replace(verdict(Effect()), mode="monitor"), REQUEST, SETTINGS).headers == ()


def test_the_upstream_is_told_what_to_withhold() -> None:
    found = answer(verdict(Effect(withhold=("reasoning", "logprobs"))), REQUEST, SETTINGS)
    assert dict(found.upstream)["x-ostiary-withhold"] == "reasoning, logprobs"


def test_no_header_can_be_split_by_what_a_rule_or_an_operator_wrote() -> None:
    rule = 'evil"\r\nset-cookie: x=1'
    hostile = replace(
        verdict(THROTTLED), id="id\r\nx: y", rules=(RuleRef(rule, "v", "low", "enforce"),), counts=(Count(rule, 1, 1, 1, 1, "limit"),)
    )
    found = answer(hostile, REQUEST, SETTINGS)
    assert not any(character in value for _, value in (*found.headers, *found.upstream) for character in "\r\n\x00")
    assert '\\"' in dict(found.headers)["ratelimit"]


@pytest.mark.parametrize(
    ("origins", "sent", "allowed"),
    [
        (("*",), "https://app.example", "*"),
        (("https://app.example",), "https://app.example", "https://app.example"),
        (("https://app.example",), "https://evil.example", None),
        (("*",), None, None),
    ],
)
def test_a_refusal_carries_cors_headers_for_configured_origins(origins: tuple[str, ...], sent: str | None, allowed: str | None) -> None:
    request = replace(REQUEST, fields={"http.request.header.origin": sent} if sent else {})
    headers = dict(answer(verdict(SUSPENDED), request, replace(SETTINGS, allowed_origins=origins)).headers)
    assert headers.get("access-control-allow-origin") == allowed
    assert headers.get("vary") == ("origin" if allowed == sent and sent else None)
    assert not dict(answer(verdict(Effect()), request, SETTINGS).headers).get("access-control-allow-origin")


def test_a_rules_own_message_is_what_the_caller_reads() -> None:
    assert told(replace(SUSPENDED, message="See clause 4."))[2]["detail"] == "See clause 4."
