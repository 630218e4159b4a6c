"""Amazon API Gateway's REST APIs: what the events of authorizers and proxy integrations have in common (payload format 1.0).

Sources: Amazon API Gateway developer guide, "Input to an API Gateway Lambda authorizer", "Input format of a Lambda function for
proxy integration", "Variables for data models, authorizers, mapping templates".
"""

from __future__ import annotations

from collections.abc import Mapping
from os import urandom
from typing import NamedTuple

from ostiary.gateways import identity
from ostiary.gateways.body import Body
from ostiary.gateways.headers import Headers, pairs
from ostiary.gateways.http import Parts, fields_of
from ostiary.gateways.limits import MAX_ID_CHARACTERS
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError
from ostiary.vocabulary.request import Fields, Scalar

Event = Mapping[str, object]


class Seen(NamedTuple):
    """What a Request is made of."""

    id: str
    account: str | None
    address: str | None
    fields: Fields
    facts: Mapping[str, Scalar]


def context_of(event: Event) -> Event:
    """``requestContext``, which only the gateway writes; raises ``EventError`` where it is missing or the event is another format."""
    version = event.get("version")
    if version not in (None, "1.0"):
        raise EventError(f"the event has payload format {str(version)[:16]!r}; a REST API sends 1.0")
    context = event.get("requestContext")
    if not isinstance(context, Mapping):
        raise EventError("the event has no requestContext")
    if "connectionId" in context or "eventType" in context:
        raise EventError("the event is of a WebSocket API; a REST API's is needed")
    return context


def request_id(context: Event) -> str:
    """``extendedRequestId``, which no caller can choose; where the gateway makes none (local stacks), a fresh random one.

    Never ``requestId``: a client can override it by the header x-amzn-RequestId ("Set up CloudWatch logging for REST APIs"), and so
    could write over another request's verdict.
    """
    id = context.get("extendedRequestId")
    if isinstance(id, str) and 0 < len(id) <= MAX_ID_CHARACTERS and id.isprintable():
        return id
    return urandom(16).hex()


def text(event: Event, name: str) -> str:
    """A member that must be a string."""
    value = event.get(name)
    if not isinstance(value, str):
        raise EventError(f"the event's {name} is {'missing' if value is None else 'no string'}")
    return value


def query_of(event: Event) -> list[tuple[str, str]]:
    """Decoded pairs; a REST API keeps no raw query, and no order between keys."""
    return pairs(event.get("multiValueQueryStringParameters"), event.get("queryStringParameters"))


def seen(event: Event, settings: Settings, body: Body | None = None, headers: Headers | None = None) -> Seen:
    """Reads an event. Raises ``EventError``, of a client's doing ``RequestRefused``."""
    context = context_of(event)
    id = request_id(context)
    caller = context.get("identity")
    host = context.get("domainName")
    route = event.get("resource")
    parts = Parts(
        method=text(event, "httpMethod"),
        path=text(event, "path"),
        query=query_of(event),
        headers=headers or Headers.of_event(event),
        peer=caller.get("sourceIp") if isinstance(caller, Mapping) else None,
        body=body or Body(),
        host=host if isinstance(host, str) else None,
        route=route if isinstance(route, str) else None,
    )
    fields, address = fields_of(parts, settings)
    account = identity.account(context, settings.account_claims)
    if account:
        fields["account.id"] = account
    return Seen(id, account, address, fields, identity.facts(context))


def is_preflight(event: Event) -> bool:
    """A CORS preflight (Fetch standard, "CORS-preflight request"): it carries no credentials by design, so it gets no verdict."""
    if event.get("httpMethod") != "OPTIONS":
        return False
    names = {name.lower() for name, _ in pairs(event.get("multiValueHeaders"), event.get("headers"))}
    return {"origin", "access-control-request-method"} <= names
