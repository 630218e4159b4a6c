"""API Gateway REST API, Lambda authorizer of type REQUEST.

Sources: Amazon API Gateway developer guide, "Input to an API Gateway Lambda authorizer", "Output from an API Gateway Lambda
authorizer", "Gateway response types"; AWS IAM user guide, "IAM policy elements: variables and tags" (special characters). It never
sees a body, and refuses by a policy: the status and text of the refusal are those of the gateway response ``ACCESS_DENIED``, whose
template may name what stands in ``context``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from ostiary.actions.answer import Answer, allowed_origin
from ostiary.gateways import rest_event
from ostiary.gateways.answering import answer, origin_of
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.verdict import Verdict

GATEWAY = "rest_authorizer"
NOWHERE = "arn:aws:execute-api:::none/none/NONE/"
"""A resource that no request has: the policy for an event without a usable ARN, which so denies by saying nothing."""
MAX_ARN_CHARACTERS = 12_288
_ARN = re.compile(r"arn:[a-z0-9-]+:execute-api:[a-z0-9-]*:\d*:[A-Za-z0-9-]+/[^/]+/(?P<method>[^/]+)(?:/.*)?", re.DOTALL)
_SPECIAL = re.compile(r"[*?$]")
_UNQUOTABLE = str.maketrans({'"': "'", "\\": "/", **dict.fromkeys((*range(32), 127), " ")})

is_preflight = rest_event.is_preflight


@dataclass(frozen=True, slots=True)
class AuthorizedRequest(Request):
    """A Request that remembers the resource for which its policy is made."""

    method_arn: str = NOWHERE


def to_request(event: Mapping[str, object], settings: Settings, now: float) -> AuthorizedRequest:
    """Reads an authorizer's event. Raises ``EventError`` for a TOKEN authorizer's, a WebSocket or HTTP API's, or a partial one."""
    kind = event.get("type")
    if kind != "REQUEST":
        raise EventError(f"the authorizer event has type {str(kind)[:16]!r}; configure a REQUEST authorizer")
    arn = _arn_of(event)
    if arn is None:
        raise EventError("the event's methodArn is missing, or is not that of its method")
    seen = rest_event.seen(event, settings)
    return AuthorizedRequest(seen.id, now, GATEWAY, seen.account, seen.address, seen.fields, seen.facts, method_arn=arn)


def with_arn(request: Request, event: Mapping[str, object]) -> AuthorizedRequest:
    """A Request that could not be read in full, with the resource that its event names (``NOWHERE`` when it names none)."""
    members = {f.name: getattr(request, f.name) for f in fields(Request)}
    return AuthorizedRequest(**members, method_arn=_arn_of(event) or NOWHERE)


def _arn_of(event: Mapping[str, object]) -> str | None:
    arn = event.get("methodArn")
    match = _ARN.fullmatch(arn) if isinstance(arn, str) and len(arn) <= MAX_ARN_CHARACTERS else None
    if match is None or match["method"] != event.get("httpMethod"):
        return None
    return match[0]


def to_answer(verdict: Verdict, request: Request, settings: Settings) -> dict[str, object]:
    """The policy for exactly the request that was judged, and a context that tells the verdict."""
    found = answer(verdict, request, settings)
    context = _context(verdict, request, found, settings)
    return _policy(verdict.account or verdict.principal, request, allow=found.problem is None, context=context)


def to_preflight_answer(event: Mapping[str, object]) -> dict[str, object]:
    """Lets a CORS preflight pass: it gets no verdict."""
    request = with_arn(Request("preflight", 0.0, GATEWAY, None, None, {}), event)
    return _policy("preflight", request, allow=True, context={"outcome": "preflight"})


def _policy(principal: str, request: Request, *, allow: bool, context: dict[str, object]) -> dict[str, object]:
    arn = request.method_arn if isinstance(request, AuthorizedRequest) else NOWHERE
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow" if allow else "Deny", "Resource": [literal(arn)]}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "context": context}


def literal(arn: str) -> str:
    """An ARN as a policy resource that matches nothing else: a client's ``*`` or ``?`` in the path is no wildcard.

    ``${*}`` stands for an asterisk in policies of version 2012-10-17. A gateway that does not know that form matches nothing,
    which denies: the policy never covers more than one request.

    >>> literal("arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/GET/files/*")
    'arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/GET/files/${*}'
    """
    return _SPECIAL.sub(lambda match: f"${{{match[0]}}}", arn)


def _context(verdict: Verdict, request: Request, found: Answer, settings: Settings) -> dict[str, object]:
    """Strings, numbers and booleans only, no quotes in them: a gateway response's template pastes them as they are.

    ``problem`` is the exception: a whole JSON text, for a template that is nothing but ``$context.authorizer.problem``.
    """
    headers = dict(found.headers)
    problem = found.problem or {}
    error = problem.get("error")
    error = error if isinstance(error, Mapping) else {}
    said: dict[str, object] = {
        "verdict": verdict.id,
        "outcome": verdict.effect.outcome,
        "reason": verdict.effect.reason,
        "status": found.status,
        "retry_after": problem.get("retry_after"),
        "should_retry": headers.get("x-should-retry"),
        "until": problem.get("until"),
        "appeal": problem.get("appeal"),
        "clause": problem.get("clause"),
        "title": problem.get("title"),
        "message": error.get("message"),
        "error_type": error.get("type"),
        # Always there: the integration maps it to a header, and an absent one would let the client's own pass.
        "withhold": ", ".join(verdict.effect.withhold) or "none",
        "ratelimit": headers.get("ratelimit"),
        "ratelimit_policy": headers.get("ratelimit-policy"),
        "allow_origin": allowed_origin(origin_of(request), settings) if found.problem is not None else None,
    }
    context = {key: value.translate(_UNQUOTABLE) if isinstance(value, str) else value for key, value in said.items() if value is not None}
    if found.problem is not None:
        context["problem"] = found.body
    return context
