"""What all gateways share: the parts of an HTTP request → the fields of a Request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from ostiary.gateways import address, credential, path
from ostiary.gateways.body import Body
from ostiary.gateways.headers import Headers
from ostiary.gateways.limits import MAX_QUERY_PARAMETERS, past
from ostiary.providers import recognise
from ostiary.settings import Settings
from ostiary.vocabulary.request import Value

_QUERY_SAFE = "-._~!$'()*,;:@/?"


@dataclass(frozen=True, slots=True)
class Parts:
    """An HTTP request as an adapter took it out of its event; nothing interpreted yet.

    ``query``: pairs, percent-decoded, in order. ``raw_query``: as sent; None where the gateway tells only the decoded pairs, and
    then it is written anew (RFC 3986 encoding), so that one request gives the same fields at each gateway.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Headers
    peer: object
    """The address that the gateway saw."""
    body: Body = field(default_factory=Body)
    raw_query: str | None = None
    host: str | None = None
    """The host name that the gateway vouches for."""
    route: str | None = None


def fields_of(parts: Parts, settings: Settings) -> tuple[dict[str, Value], str | None]:
    """The fields, and the client's address. Raises ``RequestRefused`` past a limit. No field holds a credential."""
    if len(parts.query) > MAX_QUERY_PARAMETERS:
        raise past("MAX_QUERY_PARAMETERS", len(parts.query), MAX_QUERY_PARAMETERS)
    fields: dict[str, Value] = {"http.request.method": parts.method}
    _put(fields, "http.route", parts.route)
    fields["http.request.headers.count"] = parts.headers.count
    _add_url(fields, parts)
    client = _add_client(fields, parts, settings)
    for name, values in parts.headers.items():
        if name not in credential.SECRET_HEADERS:
            fields[f"http.request.header.{name}"] = _one_or_all(values)
    _put(fields, "user_agent.original", parts.headers.first("user-agent"))
    found = credential.find(parts.headers, parts.query, settings.identifier_key)
    _put(fields, "credential.id", found.id)
    if found.conflict:
        fields["credential.conflict"] = True
    fields.update(parts.body.fields)
    if isinstance(parts.body.json, (Mapping, list)):
        fields.update(recognise(parts.body.json, str(fields["url.path"])))
    return fields, client.address


def _add_url(fields: dict[str, Value], parts: Parts) -> None:
    raw = path.checked(parts.path)
    fields["url.path"] = path.normalised(raw)
    fields["url.path.raw"] = raw
    shown = [(key, credential.MASK if _secret(key) else value) for key, value in parts.query]
    original = raw
    if shown:
        written = parts.raw_query is None or any(_secret(key) for key, _ in parts.query)
        raw_query = encoded(shown) if written else parts.raw_query or ""
        fields["url.query"] = "&".join(f"{key}={value}" if value else key for key, value in shown)
        fields["url.query.raw"] = raw_query
        original = f"{raw}?{raw_query}"
        grouped: dict[str, list[str]] = {}
        for key, value in parts.query:
            if key and not _secret(key):
                grouped.setdefault(key, []).append(value)
        fields.update({f"url.query.{key}": _one_or_all(tuple(values)) for key, values in grouped.items() if key != "raw"})
    fields["url.original"] = original
    host = parts.host or parts.headers.first("host")
    if host:
        fields["server.address"] = host.partition(":")[0] if not host.startswith("[") else host.partition("]")[0].lstrip("[")
        scheme = (parts.headers.first("x-forwarded-proto") or "https").lower()
        fields["url.full"] = f"{scheme if scheme in ('http', 'https') else 'https'}://{host}{original}"


def _add_client(fields: dict[str, Value], parts: Parts, settings: Settings) -> address.Client:
    client = address.client(parts.peer, parts.headers.elements("x-forwarded-for"), settings.trusted_proxies)
    _put(fields, "client.address", client.address)
    _put(fields, "client.address.invalid", client.invalid)
    if client.through_trusted:
        # Anybody can send these headers; only a proxy in front that is trusted overwrites them (Amazon CloudFront, "viewer headers").
        _put(fields, "client.country", parts.headers.first("cloudfront-viewer-country"))
        number = parts.headers.first("cloudfront-viewer-asn") or ""
        if number.isascii() and number.isdigit() and len(number) <= 10:
            fields["client.asn"] = int(number)
    return client


def encoded(query: Sequence[tuple[str, str]]) -> str:
    """A query string of decoded pairs, each octet outside RFC 3986's query set percent-encoded.

    >>> encoded([("q", "a b&c"), ("flag", "")])
    'q=a%20b%26c&flag='
    """
    return "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in query)


def _quoted(text: str) -> str:
    return quote(text, safe=_QUERY_SAFE, errors="replace")


def _secret(key: str) -> bool:
    return key.lower() in credential.SECRET_PARAMETERS


def _put(fields: dict[str, Value], name: str, value: str | None) -> None:
    if value:
        fields[name] = value


def _one_or_all(values: tuple[str, ...]) -> Value:
    return values[0] if len(values) == 1 else values
