"""The fields of a Request, by the names that rules use: OpenTelemetry semantic conventions where they exist.

Sources: OpenTelemetry semantic conventions (HTTP, client, user agent, URL, generative AI); Sigma's web server and proxy
taxonomy (SigmaHQ specification, appendix). ``docs/fields.md`` shows this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "boolean", "address"]


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """What a field holds. ``many``: it may have several values, any of which satisfies an item."""

    kind: Kind
    what: str
    unit: str = ""
    many: bool = False


def _text(what: str, *, many: bool = False) -> FieldInfo:
    return FieldInfo("text", what, many=many)


def _number(what: str, unit: str = "") -> FieldInfo:
    return FieldInfo("number", what, unit)


def _boolean(what: str) -> FieldInfo:
    return FieldInfo("boolean", what)


REQUEST_FIELDS: Mapping[str, FieldInfo] = {
    "http.request.method": _text("the method, as sent"),
    "http.route": _text("the route that the gateway matched, such as /v1/{proxy+}"),
    "http.request.body.size": _number("the body's size, after decoding", "bytes"),
    "http.request.headers.count": _number("how many header fields were sent", "1"),
    "url.path": _text("the path, percent-decoded once, dot segments removed, normalised"),
    "url.path.raw": _text("the path as it was sent"),
    "url.query": _text("the query, percent-decoded, normalised"),
    "url.query.raw": _text("the query as it was sent, without the question mark"),
    "url.original": _text("path, question mark and query, as they were sent"),
    "url.full": _text("scheme, host, path and query, as they were sent"),
    "server.address": _text("the Host that the client asked for"),
    "client.address": FieldInfo("address", "the client's address, behind trusted proxies"),
    "client.address.invalid": _text("what the gateway gave as the address, where it is none"),
    "client.asn": _number("the autonomous system of the address, where the gateway says it"),
    "client.country": _text("the country of the address (ISO 3166-1 alpha-2), where the gateway says it"),
    "user_agent.original": _text("the User-Agent header"),
    "principal.id": _text("who is counted: account#… or address#…"),
    "account.id": _text("the verified account"),
    "credential.id": _text("a keyed hash of the API key or bearer token"),
    "credential.conflict": _boolean("the request carries two different credentials"),
    "body.truncated": _boolean("the gateway cut the body, or it is over MAX_BODY_BYTES"),
    "body.invalid": _text("why the body could not be read: encoding, json, depth, size …"),
    "body.duplicate_keys": _boolean("an object in the body names a key twice"),
    "body.content_type.mismatch": _boolean("the body is JSON but is not declared as JSON, or the reverse"),
    "gen_ai.provider.name": _text("whose wire format the body has: anthropic, openai"),
    "gen_ai.operation.name": _text("chat, text_completion …"),
    "gen_ai.request.model": _text("the model asked for"),
    "gen_ai.request.max_tokens": _number("the most tokens to generate", "{token}"),
    "gen_ai.request.temperature": _number("sampling temperature"),
    "gen_ai.request.top_p": _number("nucleus sampling"),
    "gen_ai.request.top_k": _number("top-k sampling"),
    "gen_ai.request.seed": _number("the seed"),
    "gen_ai.request.stream": _boolean("the answer is streamed"),
    "gen_ai.request.choice.count": _number("how many choices are asked for"),
    "gen_ai.request.stop_sequences": _text("stop sequences", many=True),
    "gen_ai.request.logprobs": _boolean("log probabilities are asked for"),
    "gen_ai.request.top_logprobs": _number("how many alternatives for each token"),
    "gen_ai.request.logit_bias.count": _number("how many token ids are biased"),
    "gen_ai.request.logit_bias.tokens": _text("the biased token ids", many=True),
    "gen_ai.request.reasoning": _boolean("a reasoning trace is asked for"),
    "gen_ai.request.user": _text("the end user that the caller names"),
    "gen_ai.system_instructions": _text("system prompt", many=True),
    "gen_ai.prompt": _text("all text sent: every message and block", many=True),
    "gen_ai.prompt.last": _text("the newest user turn, as typed; absent when it holds only results of tools"),
    "gen_ai.prompt.ask": _text("what the newest user turn asks for, without what it quotes: what phrase rules read"),
    "gen_ai.prompt.size": _number("length of all text sent", "{character}"),
    "gen_ai.prompt.messages.count": _number("how many messages were sent"),
    "gen_ai.tool.definitions.count": _number("how many tools are defined"),
    "gen_ai.usage.output_tokens": _number("tokens of the answer, where it is known", "{token}"),
}
"""Fields of ``category: request``."""

FIELD_FAMILIES: Mapping[str, FieldInfo] = {
    "http.request.header.": _text("a header by its lower-case name; credentials are left out", many=True),
    "url.query.": _text("a query parameter by its key, percent-decoded, normalised", many=True),
    "body.": _text("a leaf of a JSON body by its dotted path; list indexes are left out", many=True),
    "account.": _text("a fact about the account, written by `ostiary account set`"),
}
"""Prefixes whose every member is a field."""

COLLECTIONS: Mapping[str, Mapping[str, FieldInfo]] = {
    "gen_ai.messages": {
        "role": _text("who speaks: system, user, assistant, tool"),
        "text": _text("the message's text, normalised"),
        "size": _number("length of its text", "{character}"),
    },
    "gen_ai.tools": {"name": _text("the tool's name"), "description": _text("what the caller says it does"), "type": _text("function …")},
}
"""Collections whose members can be asked together (``gen_ai.messages[]``): their fields are ``<collection>.<name>``, aligned
multi-values with None where a member lacks one."""

SIGMA_TAXONOMY: Mapping[str, tuple[str, ...]] = {
    "c-ip": ("client.address",),
    "src_ip": ("client.address",),
    "c-uri": ("url.original", "url.full"),
    "cs-uri": ("url.original", "url.full"),
    "c-uri-query": ("url.original",),
    "cs-uri-query": ("url.original",),
    "cs-uri-stem": ("url.path.raw",),
    "c-useragent": ("user_agent.original",),
    "cs-user-agent": ("user_agent.original",),
    "cs-method": ("http.request.method",),
    "cs-host": ("server.address",),
    "r-dns": ("server.address",),
    "cs-referer": ("http.request.header.referer",),
    "cs-referrer": ("http.request.header.referer",),
    "cs-cookie": ("http.request.header.cookie",),
    "cs-content-type": ("http.request.header.content-type",),
    "cs-username": ("account.id",),
}
"""Sigma's web field → the Request's fields whose values it has. URL fields bind to the raw target: published values hold
percent escapes, and many ``cs-uri-query`` values start with a slash. An event that has the Sigma field itself wins."""


def known(name: str) -> FieldInfo | None:
    """What a field of ``category: request`` holds; None for a name that no request has.

    >>> known("gen_ai.prompt.last").kind, known("account.plan").kind, known("gen_ai.promt")
    ('text', 'text', None)
    """
    info = REQUEST_FIELDS.get(name)
    if info is None and name in SIGMA_TAXONOMY:
        info = known(SIGMA_TAXONOMY[name][0])
    if info is None and name.endswith(".raw"):
        info = known(name.removesuffix(".raw"))
    if info is None:
        collection, _, member = name.rpartition(".")
        info = COLLECTIONS.get(collection, {}).get(member)
    if info is None:
        info = next((found for prefix, found in FIELD_FAMILIES.items() if name.startswith(prefix) and len(name) > len(prefix)), None)
    return info
