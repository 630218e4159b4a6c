"""Each named limit at the limit and one past it; headers, paths, queries and credentials as hostile clients send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.gateways import limits, rest_proxy
from ostiary.gateways.credential import credential_id
from ostiary.gateways.limits import RequestRefused
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError
from ostiary.vocabulary.fields import known
from ostiary.vocabulary.request import Value

SETTINGS = Settings(identifier_key="a key for tests only")


def proxy_event(**changes: Any) -> dict[str, Any]:
    event = {
        "resource": "/{proxy+}",
        "path": "/v1/models",
        "httpMethod": "GET",
        "multiValueHeaders": {"Host": ["api.example"]},
        "multiValueQueryStringParameters": None,
        "requestContext": {"extendedRequestId": "id-1", "identity": {"sourceIp": "203.0.113.7"}, "domainName": "api.example"},
        "body": None,
        "isBase64Encoded": False,
    }
    return {**event, **changes}


def read(settings: Settings = SETTINGS, **changes: Any) -> rest_proxy.ProxiedRequest:
    return rest_proxy.to_request(proxy_event(**changes), settings, 1.0)


def field(name: str, **changes: Any) -> Value:
    return read(**changes).fields.get(name)


def with_context(**changes: Any) -> dict[str, Any]:
    return {**proxy_event()["requestContext"], **changes}


@pytest.mark.parametrize(
    ("name", "most", "changes"),
    [
        ("MAX_PATH_BYTES", limits.MAX_PATH_BYTES, lambda n: {"path": "/" + "a" * (n - 1)}),
        ("MAX_HEADERS", limits.MAX_HEADERS, lambda n: {"multiValueHeaders": {"x-a": ["1"] * n}}),
        ("MAX_HEADER_BYTES", limits.MAX_HEADER_BYTES, lambda n: {"multiValueHeaders": {"x-a": ["1" * n]}}),
        ("MAX_QUERY_PARAMETERS", limits.MAX_QUERY_PARAMETERS, lambda n: {"multiValueQueryStringParameters": {"a": ["1"] * n}}),
        (
            "MAX_CONTENT_CODINGS",
            limits.MAX_CONTENT_CODINGS,
            lambda n: {"body": "x", "multiValueHeaders": {"content-encoding": [", ".join(["gzip"] * n)]}},
        ),
    ],
)
def test_a_limit_is_met_and_one_past_it_is_refused_by_its_name(name: str, most: int, changes: Any) -> None:
    assert read(**changes(most)).id == "id-1"
    with pytest.raises(RequestRefused, match=name):
        read(**changes(most + 1))


def test_a_path_past_the_limit_in_octets_is_refused_though_it_has_few_characters() -> None:
    with pytest.raises(RequestRefused, match="MAX_PATH_BYTES"):
        read(path="/" + "é" * (limits.MAX_PATH_BYTES // 2))


def test_an_account_id_may_have_two_kilobytes_and_not_one_more() -> None:
    at = with_context(authorizer={"principalId": "a" * limits.MAX_ACCOUNT_BYTES})
    assert len(read(requestContext=at).account or "") == limits.MAX_ACCOUNT_BYTES
    with pytest.raises(EventError, match="2049 bytes"):
        read(requestContext=with_context(authorizer={"principalId": "a" * (limits.MAX_ACCOUNT_BYTES + 1)}))


def test_a_request_id_past_the_limit_is_no_id() -> None:
    longest = "i" * limits.MAX_ID_CHARACTERS
    assert read(requestContext=with_context(extendedRequestId=longest)).id == longest
    assert len(read(requestContext=with_context(extendedRequestId=longest + "i")).id) == 32


def test_the_id_that_a_client_can_choose_is_never_taken() -> None:
    assert read(requestContext=with_context(requestId="chosen")).id == "id-1"
    first, second = (read(requestContext=with_context(extendedRequestId=None, requestId="chosen")).id for _ in range(2))
    assert "chosen" not in (first, second)
    assert first != second


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("/v1/%2e%2e/admin", "/admin"),
        ("/v1/..;/admin", "/v1/..;/admin"),
        ("/v1//messages", "/v1//messages"),
        ("/v1/%252e%252e/", "/v1/%2e%2e/"),
        ("/v1/%00%0d%0a%1b[31m", "/v1/%00%0D%0A%1B[31m"),
        ("/%ff%fe", "/\ufffd\ufffd"),
        ("/v1\uff0f\u2024\u2024\uff0fadmin", "/v1\uff0f\u2024\u2024\uff0fadmin"),
        ("/a/./b/../c", "/a/c"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("", "/"),
    ],
)
def test_a_path_is_decoded_once_and_kept_as_it_was_sent(raw: str, seen: str) -> None:
    request = read(path=raw)
    assert request.fields["url.path"] == seen
    assert request.fields["url.path.raw"] == raw
    assert request.onward.target.isascii()


@pytest.mark.parametrize("method", ["get", "BREW", "X" * 1024, ""])
def test_a_method_is_kept_as_sent(method: str) -> None:
    assert field("http.request.method", httpMethod=method, multiValueHeaders={"X-HTTP-Method-Override": ["DELETE"]}) == method
    assert field("http.request.header.x-http-method-override", multiValueHeaders={"X-HTTP-Method-Override": ["DELETE"]}) == "DELETE"


def test_values_of_a_header_sent_three_times_in_different_case_keep_their_order() -> None:
    headers = {"X-A": ["1", "2"], "x-a": ["3"]}
    assert field("http.request.header.x-a", multiValueHeaders=headers, headers={"x-a": "other"}) == ("1", "2", "3")


def test_single_headers_serve_where_there_are_no_multi_value_ones() -> None:
    assert field("user_agent.original", multiValueHeaders=None, headers={"User-Agent": "x"}) == "x"


@pytest.mark.parametrize("name", ["a b", "a\x00", "é", "", "a\r\nb"])
def test_a_header_name_that_is_no_token_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(RequestRefused, match="no token") as refusal:
        read(multiValueHeaders={name: ["1"]})
    assert "\n" not in str(refusal.value)


def test_headers_that_only_we_set_are_dropped_from_the_fields_and_on_the_way_on() -> None:
    request = read(multiValueHeaders={"X-Ostiary-Withhold": [""], "x-ostiary-verdict": ["allowed"], "accept": ["*/*"]})
    assert not any("ostiary" in name for name in request.fields)
    assert request.onward.headers == (("accept", "*/*"),)


def test_the_same_key_a_thousand_times_keeps_its_values() -> None:
    values = [str(n) for n in range(1000)]
    assert field("url.query.a[b][c]", multiValueQueryStringParameters={"a[b][c]": values}) == tuple(values)


def test_a_query_parameter_named_raw_does_not_replace_the_raw_query() -> None:
    assert field("url.query.raw", multiValueQueryStringParameters={"raw": ["spoof"]}) == "raw=spoof"


@pytest.mark.parametrize(
    ("headers", "query", "winner", "conflict"),
    [
        ({"x-api-key": ["k1"], "Authorization": ["Bearer k1"]}, {}, "k1", None),
        ({"x-api-key": ["k1"], "Authorization": ["Bearer k2"]}, {}, "k1", True),
        ({"Authorization": ["bearer k2"]}, {"key": ["k3"]}, "k2", True),
        ({"Authorization": ["Bearer k1", "Bearer k2"]}, {}, "k1", True),
        ({}, {"API_KEY": ["k4"]}, "k4", None),
        ({"x-goog-api-key": ["k5"]}, {}, "k5", None),
        ({"Authorization": ["Basic dXNlcjpwYXNz"]}, {}, "Basic dXNlcjpwYXNz", None),
        ({"x-api-key": [" "]}, {}, None, None),
    ],
)
def test_credentials_have_one_precedence_and_a_conflict_is_a_field(
    headers: dict[str, list[str]], query: dict[str, list[str]], winner: str | None, conflict: bool | None
) -> None:
    request = read(multiValueHeaders=headers, multiValueQueryStringParameters=query)
    assert request.fields.get("credential.id") == (credential_id(SETTINGS.identifier_key, winner) if winner else None)
    assert request.fields.get("credential.conflict") is conflict


def test_no_planted_secret_is_in_any_field() -> None:
    planted = "planted-secret"
    headers = {
        name: [f"{prefix}{planted}-{name}"]
        for name, prefix in [
            ("Authorization", "Bearer "),
            ("Proxy-Authorization", "Basic "),
            ("X-API-Key", ""),
            ("api-key", ""),
            ("X-Goog-Api-Key", ""),
            ("X-Amz-Security-Token", ""),
        ]
    }
    query = {name: [f"{planted}-{name}"] for name in ("api_key", "KEY", "access_token", "X-Amz-Signature")}
    request = read(multiValueHeaders=headers, multiValueQueryStringParameters=query)
    assert planted not in json.dumps(dict(request.fields))
    assert str(request.fields["url.original"]).count("REDACTED") == 4


def test_the_keyed_hash_depends_on_the_secret() -> None:
    assert credential_id("secret one", "k") != credential_id("secret two", "k")
    assert len(credential_id("secret one", "k\ud800")) == 32


def test_claims_are_asked_in_order_and_only_of_the_gateways_own_context() -> None:
    context = with_context(authorizer={"claims": {"sub": "from-jwt"}, "principalId": "from-authorizer"})
    assert read(requestContext=context).account == "from-jwt"
    spoofed = {"authorizer": ["principalId=evil"], "principalId": ["evil"], "x-account-id": ["evil"]}
    assert read(multiValueHeaders=spoofed).account is None


@pytest.mark.parametrize(
    "authorizer", [None, "text", [], {"principalId": None}, {"principalId": ""}, {"principalId": True}, {"claims": "x"}]
)
def test_a_broken_authorizer_context_gives_no_account(authorizer: object) -> None:
    assert read(requestContext=with_context(authorizer=authorizer)).account is None


def test_facts_are_what_the_authorizer_says_of_the_account() -> None:
    context = with_context(authorizer={"principalId": "a", "account.plan": "pro", "account.tier": None, "integrationLatency": 1})
    assert read(requestContext=context).facts == {"account.plan": "pro"}


@pytest.mark.parametrize(
    "changes",
    [
        {"path": None},
        {"httpMethod": None},
        {"httpMethod": 7},
        {"requestContext": None},
        {"requestContext": []},
        {"version": "2.0"},
        {"requestContext": {"connectionId": "x", "extendedRequestId": "y"}},
    ],
)
def test_a_partial_or_foreign_event_is_an_error_that_is_not_the_clients(changes: dict[str, Any]) -> None:
    with pytest.raises(EventError) as error:
        read(**changes)
    assert not isinstance(error.value, RequestRefused)


@pytest.mark.parametrize("changes", [{"multiValueHeaders": "x", "headers": 3}, {"multiValueQueryStringParameters": [1]}, {"body": 7}])
def test_members_of_a_wrong_type_count_as_absent(changes: dict[str, Any]) -> None:
    assert read(**changes).id == "id-1"


def test_every_field_is_in_the_vocabulary() -> None:
    request = read(
        body='{"a": {"b": [1, "x"]}, "prompt": "hello"}',
        multiValueHeaders={"content-type": ["text/plain"], "x-api-key": ["a"], "authorization": ["Bearer b"]},
        multiValueQueryStringParameters={"q": ["1"]},
    )
    assert [name for name in request.fields if known(name) is None] == []
