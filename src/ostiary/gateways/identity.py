"""The verified account behind a request, and what the gateway vouches for about it."""

from __future__ import annotations

from collections.abc import Mapping

from ostiary.gateways.limits import MAX_ACCOUNT_BYTES
from ostiary.vocabulary.errors import EventError
from ostiary.vocabulary.request import Scalar

FACT_PREFIX = "account."


def account(context: Mapping[str, object], claims: tuple[str, ...]) -> str | None:
    """The account that the gateway verified: the first of ``claims`` in the authorizer's context, else the certificate's subject.

    ``context`` is the event's ``requestContext``, which no client can write. A claim is a dotted path (``claims.sub``); a context
    key that has the dots in its own name is found too. Raises ``EventError`` for an id past ``MAX_ACCOUNT_BYTES``: it must not be
    cut, since the rest could be another account's.
    """
    authorizer = context.get("authorizer")
    for claim in claims if isinstance(authorizer, Mapping) else ():
        found = _text(_at(authorizer, claim))
        if found:
            return _checked(found)
    found = _text(_at(context, "identity.clientCert.subjectDN"))
    return _checked(found) if found else None


def facts(context: Mapping[str, object]) -> dict[str, Scalar]:
    """Keys of the authorizer's context that start with ``account.`` (``account.plan``): facts that the operator's authorizer sets."""
    authorizer = context.get("authorizer")
    if not isinstance(authorizer, Mapping):
        return {}
    return {
        key: value
        for key, value in authorizer.items()
        if isinstance(key, str) and key.startswith(FACT_PREFIX) and key != "account.id" and isinstance(value, (str, int, float, bool))
    }


def _at(tree: object, path: str) -> object:
    if isinstance(tree, Mapping) and path in tree:
        return tree[path]
    for part in path.split("."):
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(part)
    return tree


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value).strip()


def _checked(found: str) -> str:
    size = len(found.encode("utf-8", "replace"))
    if size > MAX_ACCOUNT_BYTES:
        raise EventError(f"the account id that the gateway gave has {size} bytes; at most {MAX_ACCOUNT_BYTES} are an account's id")
    return found
