"""Credentials: found, hashed with a key, and kept out of every field."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple

from ostiary.gateways.headers import Headers

CREDENTIAL_ID_CHARACTERS = 32
KEY_HEADERS = ("x-api-key", "api-key", "x-goog-api-key")
"""Headers that hold an API key and nothing else, the first wins."""
KEY_PARAMETERS = ("api_key", "api-key", "apikey", "key", "access_token")
"""Query parameters that hold one, by lower-case name, the first wins."""
SECRET_HEADERS = frozenset({*KEY_HEADERS, "authorization", "proxy-authorization", "x-amz-security-token"})
"""Headers that never become fields."""
SECRET_PARAMETERS = frozenset({*KEY_PARAMETERS, "x-amz-security-token", "x-amz-signature"})
"""Query parameters that never become fields, and are masked where the query is shown."""
MASK = "REDACTED"


class Credential(NamedTuple):
    """``id`` is None without a credential; ``conflict``: the request carries two that differ."""

    id: str | None
    conflict: bool = False


def credential_id(secret_key: str, credential: str) -> str:
    """The keyed hash by which a credential is known: HMAC-SHA256 (RFC 2104), its first 32 hex digits.

    Keyed, so that nobody who reads a table can try keys against it.

    >>> credential_id("a secret of some length", "sk-example")
    '54a4fc6a0e6322cb917e30ba7d83073c'
    """
    return hmac.new(secret_key.encode(), credential.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:CREDENTIAL_ID_CHARACTERS]


def find(headers: Headers, query: Sequence[tuple[str, str]], secret_key: str) -> Credential:
    """One documented precedence: the key headers, then ``Authorization`` (a Bearer token, else its whole value), then the query."""
    found: list[str] = []
    for name in KEY_HEADERS:
        found += headers.values(name)
    for value in headers.values("authorization"):
        scheme, _, token = value.strip().partition(" ")
        found.append(token if scheme.lower() == "bearer" else value)
    for name in KEY_PARAMETERS:
        found += [value for key, value in query if key.lower() == name]
    found = [value.strip() for value in found if value.strip()]
    if not found:
        return Credential(None)
    return Credential(credential_id(secret_key, found[0]), conflict=len(set(found)) > 1)
