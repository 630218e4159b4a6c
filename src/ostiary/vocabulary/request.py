"""Request: what a gateway saw, as named fields; Principal: who is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, unquote

from ostiary.vocabulary.errors import StoreError

Scalar = str | int | float | bool | None
"""One value of a field."""
Value = Scalar | tuple[Scalar, ...]
"""A field's value: a scalar, or all values of a repeated one, in order of arrival."""
Fields = Mapping[str, Value]
"""Field name (OpenTelemetry semantic conventions where they exist) → value as it arrived. An absent key is an absent field."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is counted: a verified account, else the network address (IPv6: its /64).

    >>> Principal("account", "a#b/ü").key
    'account#a%23b%2F%C3%BC'
    """

    kind: Literal["account", "address"]
    id: str

    @property
    def key(self) -> str:
        """The item key. Percent-encoded, so that no id can reach another principal's item."""
        return f"{self.kind}#{quote(self.id, safe='', errors='surrogatepass')}"

    @staticmethod
    def of_key(key: str) -> Principal:
        """The inverse of ``key``; ``StoreError`` for a text that is none.

        >>> Principal.of_key("account#a%23b").id
        'a#b'
        """
        kind, _, quoted = key.partition("#")
        if kind == "account":
            return Principal("account", unquote(quoted, errors="surrogatepass"))
        if kind == "address":
            return Principal("address", unquote(quoted, errors="surrogatepass"))
        raise StoreError(f"{key!r} is no principal's key (account#… or address#…)")


@dataclass(frozen=True, slots=True)
class Request:
    """One request at a gateway.

    ``id`` is the gateway's own (never one that the client can choose); ``time`` is epoch seconds; ``account`` is a *verified*
    account or None; ``address`` is the client's address after trusted proxies, canonical, or None when the gateway did not
    say. ``fields`` holds values as they arrived: normalisation is the field's business, at evaluation. No field holds a
    credential; ``credential.id`` is a keyed hash.
    """

    id: str
    time: float
    gateway: str
    account: str | None
    address: str | None
    fields: Fields
    facts: Mapping[str, Scalar] = field(default_factory=dict)
    """Account facts that the gateway vouches for (``account.plan`` → ``pro``); the store's facts win over them."""
