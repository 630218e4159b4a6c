"""What Amazon API Gateway does around the handlers, for requests that reach this machine.

Events have the shapes of the API Gateway developer guide: "Input format of a Lambda function for proxy integration" and "Input to
an API Gateway Lambda authorizer" (REQUEST, REST API). Answers: "Output format of a Lambda function for proxy integration" and "Set
up gateway responses".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
"""What API Gateway answers to a proxy integration whose result it can't read."""
CRASHED = Answer(500, (("content-type", "application/json"),), b'{"message": null}')
"""What API Gateway answers when the authorizer fails ("AUTHORIZER_FAILURE")."""


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


def denied(policy: Mapping[str, Any]) -> Answer | None:
    """The answer to a policy that denies, as the gateway response ACCESS_DENIED of ``template.yaml`` words it; None: it allows."""
    if any(statement.get("Effect") == "Allow" for statement in policy["policyDocument"]["Statement"]):
        return None
    problem = policy.get("context", {}).get("problem", "")
    return Answer(403, (("content-type", "application/json"), ("x-amzn-errortype", "AccessDeniedException")), str(problem).encode())


def upstream_failed(*, timeout: bool) -> Answer:
    """What API Gateway answers when an HTTP integration fails ("INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE")."""
    message = b'{"message": "Endpoint request timed out"}' if timeout else b'{"message": "Internal server error"}'
    return Answer(504, (("content-type", "application/json"),), message)
