"""What Amazon API Gateway does around the handlers, for requests that reach this machine.

Events have the shapes of the API Gateway developer guide: "Input format of a Lambda function for proxy integration" and "Input to
an API Gateway Lambda authorizer" (REQUEST, REST API). Answers: "Output format of a Lambda function for proxy integration" and "Set
up gateway responses"; the gateway responses are those of ``template.yaml``, and a test holds them together.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from ostiary.local.recorded import RecordedRequest

STAGE = "local"
API_ID = "local000000"
ACCOUNT_ID = "000000000000"
RESOURCE = "/{proxy+}"
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as the gateway took it. ``account`` is verified; ``target`` is path, question mark and query."""

    id: str
    time: float
    method: str
    target: str
    headers: Headers
    body: bytes
    address: str
    account: str | None = None


def call_of(request: RecordedRequest, id: str) -> Call:
    """A recorded request as the gateway would have taken it; its key stands in ``x-api-key``."""
    headers = request.headers
    if request.key is not None:
        headers = (*(pair for pair in headers if pair[0] != "x-api-key"), ("x-api-key", request.key))
    body = b"" if request.body is None else request.body.encode()
    return Call(id, request.time, request.method, request.path, headers, body, request.address, request.account)


def proxy_event(call: Call) -> dict[str, Any]:
    """The event of a REST API's proxy integration. A body that is no UTF-8 text comes in base64."""
    try:
        body, encoded = call.body.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(call.body).decode(), True
    return {**_common(call), "body": body or None, "isBase64Encoded": encoded}


def authorizer_event(call: Call) -> dict[str, Any]:
    """The event of a REST API's REQUEST authorizer: no body, and no authorizer context yet but a verified account."""
    path = call.target.partition("?")[0]
    return {
        "type": "REQUEST",
        "methodArn": f"arn:aws:execute-api:us-east-1:{ACCOUNT_ID}:{API_ID}/{STAGE}/{call.method}/{path.lstrip('/')}",
        **_common(call),
    }


def _common(call: Call) -> dict[str, Any]:
    path, _, query = call.target.partition("?")
    headers = _grouped(call.headers)
    parameters = _grouped(tuple(parse_qsl(query, keep_blank_values=True)))
    context: dict[str, Any] = {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": f"{API_ID}.execute-api.us-east-1.amazonaws.com",
        "httpMethod": call.method,
        "identity": {"sourceIp": call.address, "userAgent": headers["user-agent"][-1] if "user-agent" in headers else None},
        "path": f"/{STAGE}{path}",
        "protocol": "HTTP/1.1",
        "requestId": call.id,
        "extendedRequestId": call.id,
        "requestTime": datetime.fromtimestamp(call.time, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(call.time * 1000),
        "resourceId": "local0",
        "resourcePath": RESOURCE,
        "stage": STAGE,
    }
    if call.account is not None:
        context["authorizer"] = {"principalId": call.account}
    return {
        "resource": RESOURCE,
        "path": path,
        "httpMethod": call.method,
        "headers": {name: values[-1] for name, values in headers.items()} or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": context,
    }


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller sees."""

    status: int
    headers: Headers
    body: bytes


BROKEN = Answer(502, (("content-type", "application/json"),), b'{"message": "Internal server error"}')
"""What API Gateway answers to a proxy integration that fails, or whose result it can't read."""


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """A gateway response in the words of ``template.yaml``: ``'text'`` in quotes is static, ``context.NAME`` a context value."""

    status: int
    template: str
    """The body, for application/json; ``$context.NAME`` in it is replaced."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, context: Mapping[str, object], *more: tuple[str, str]) -> Answer:
        """The answer in this context, ``more`` before its headers. A header whose value the context does not have is left out."""
        said = [("content-type", "application/json"), *more]
        for name, source in self.headers.items():
            value = source[1:-1] if source.startswith("'") else context.get(source.removeprefix("context."))
            if value is not None:
                said.append((name.lower(), _pasted(value)))
        body = CONTEXT_VALUE.sub(lambda found: _pasted(context.get(found[1], "")), self.template)
        return Answer(self.status, tuple(said), body.encode())


CONTEXT_VALUE = re.compile(r"\$context\.([A-Za-z_]+(?:\.[A-Za-z_]+)*)")
ACCESS_DENIED = GatewayResponse(
    403,
    "$context.authorizer.problem",
    {
        "Cache-Control": "'no-store'",
        "Retry-After": "context.authorizer.retry_after",
        "RateLimit": "context.authorizer.ratelimit",
        "RateLimit-Policy": "context.authorizer.ratelimit_policy",
        "X-Should-Retry": "context.authorizer.should_retry",
        "X-Ostiary-Status": "context.authorizer.status",
        "X-Ostiary-Verdict": "context.authorizer.verdict",
        "Access-Control-Allow-Origin": "context.authorizer.allow_origin",
        "Access-Control-Expose-Headers": "'retry-after, ratelimit, ratelimit-policy, x-should-retry, x-ostiary-status, x-ostiary-verdict'",
    },
)
"""The authorizer refused."""
AUTHORIZER_FAILURE = GatewayResponse(
    500,
    '{"type":"urn:ostiary:reason:service_unavailable","title":"Unavailable","status":500,"detail":"The request could not be '
    'checked just now. Try again shortly.","instance":"urn:ostiary:request:$context.requestId","reason":"service_unavailable", '
    '"error":{"type":"api_error","code":"service_unavailable","message":"The request could not be checked just now. Try again '
    'shortly. (request $context.requestId)"}}',
    {"Cache-Control": "'no-store'", "X-Should-Retry": "'true'"},
)
"""The authorizer crashed, or answered no policy."""


def proxy_answer(result: object) -> Answer:
    """The HTTP answer to a proxy integration's result; ``BROKEN`` when it is none."""
    if not isinstance(result, Mapping) or not isinstance(result.get("statusCode"), int):
        return BROKEN
    headers = [(str(name).lower(), str(value)) for name, value in (result.get("headers") or {}).items()]
    several = result.get("multiValueHeaders") or {}
    headers = [pair for pair in headers if pair[0] not in {str(name).lower() for name in several}]
    headers += [(str(name).lower(), str(value)) for name, values in several.items() for value in values]
    body = result.get("body") or ""
    data = base64.b64decode(body) if result.get("isBase64Encoded") else str(body).encode()
    return Answer(result["statusCode"], tuple(headers), data)


def unauthorised(policy: object, call: Call) -> Answer | None:
    """The answer to a policy that denies, or to what is none (an authorizer that failed); None: it allows."""
    if not isinstance(policy, Mapping):
        return AUTHORIZER_FAILURE.answer({"requestId": call.id})
    if any(statement.get("Effect") == "Allow" for statement in policy["policyDocument"]["Statement"]):
        return None
    context = {f"authorizer.{name}": value for name, value in policy.get("context", {}).items()}
    return ACCESS_DENIED.answer({"requestId": call.id, **context}, ("x-amzn-errortype", "AccessDeniedException"))


def _pasted(value: object) -> str:
    """A context value as the gateway writes it: a boolean as JSON does."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def upstream_failed(*, timeout: bool) -> Answer:
    """What API Gateway answers when an HTTP integration fails ("INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE")."""
    message = b'{"message": "Endpoint request timed out"}' if timeout else b'{"message": "Internal server error"}'
    return Answer(504, (("content-type", "application/json"),), message)
