"""The body of a request: content codings undone within bounds, JSON read within bounds, every oddity a field."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass, field

from ostiary.gateways.headers import Headers
from ostiary.gateways.json_body import Parsed, leaves, parse
from ostiary.gateways.limits import MAX_BODY_BYTES, MAX_CONTENT_CODINGS, RequestRefused
from ostiary.vocabulary.request import Value

_IDENTITY = frozenset({"identity", ""})
_GZIP = frozenset({"gzip", "x-gzip"})
_WINDOW_GZIP = 31
"""zlib's ``wbits`` for a gzip header with the largest window (zlib manual, inflateInit2)."""


@dataclass(frozen=True, slots=True)
class Body:
    """What was read. ``sent``: the octets as the client sent them; ``json``: what they say, None when they are no JSON."""

    sent: bytes = b""
    json: object = None
    fields: dict[str, Value] = field(default_factory=dict)


def read(text: object, encoded: bool, headers: Headers) -> Body:
    """A body as an event carries it: a string, in base64 when ``encoded``.

    Raises ``RequestRefused`` for one that inflates past ``MAX_BODY_BYTES`` and for a content coding that nobody here can undo:
    a rule can't read those, and an upstream could. Everything else that is wrong becomes ``body.invalid`` or ``body.truncated``.
    """
    if not isinstance(text, str) or not text:
        return Body(fields={} if text is None else {"http.request.body.size": 0})
    fields: dict[str, Value] = {}
    sent = text.encode("utf-8", "surrogatepass")
    if encoded:
        try:
            sent = base64.b64decode(sent, validate=True)
        except binascii.Error:
            return Body(sent, fields={"http.request.body.size": len(sent), "body.invalid": "base64"})
    if len(sent) > MAX_BODY_BYTES:
        return Body(sent, fields={"http.request.body.size": len(sent), "body.truncated": True})
    try:
        plain = inflated(sent, headers.elements("content-encoding"))
    except zlib.error:
        return Body(sent, fields={"http.request.body.size": len(sent), "body.invalid": "encoding"})
    fields["http.request.body.size"] = len(plain)
    declared = _declares_json(headers)
    if not declared and not _looks_like_json(plain):
        return Body(sent, fields=fields)
    parsed = parse(plain)
    if _mismatched(parsed, declared, headers):
        fields["body.content_type.mismatch"] = True
    if not parsed.ok and not declared:
        return Body(sent, fields=fields)
    found, excess = leaves(parsed.value)
    fields.update(found)
    if parsed.duplicates:
        fields["body.duplicate_keys"] = True
    invalid = parsed.invalid or excess
    if invalid:
        fields["body.invalid"] = invalid
    return Body(sent, parsed.value, fields)


def inflated(data: bytes, codings: tuple[str, ...]) -> bytes:
    """``data`` with its content codings undone, the last applied first (RFC 9110, 8.4).

    Raises ``zlib.error`` for damaged data and ``RequestRefused`` past ``MAX_BODY_BYTES`` or for an unknown coding.

    >>> inflated(zlib.compress(b"hello"), ("deflate",))
    b'hello'
    """
    names = [coding.lower() for coding in codings if coding.lower() not in _IDENTITY]
    if len(names) > MAX_CONTENT_CODINGS:
        raise RequestRefused(f"MAX_CONTENT_CODINGS: the body has {len(names)}, at most {MAX_CONTENT_CODINGS} are undone")
    for name in reversed(names):
        if name in _GZIP:
            data = _inflate(data, _WINDOW_GZIP)
        elif name == "deflate":
            # RFC 9110, 8.4.1.2: zlib format; some clients send the bare deflate stream.
            data = _inflate(data, zlib.MAX_WBITS if _has_zlib_header(data) else -zlib.MAX_WBITS)
        else:
            shown = name if name in {"br", "zstd", "compress"} else "of this name"
            raise RequestRefused(f"the content coding {shown} can't be undone here; send the body as it is, or with gzip")
    return data


def _has_zlib_header(data: bytes) -> bool:
    """RFC 1950, 2.2: method 8, and the first two octets are a multiple of 31."""
    return len(data) >= 2 and data[0] & 0x0F == 8 and (data[0] * 256 + data[1]) % 31 == 0


def _inflate(data: bytes, window: int) -> bytes:
    whole = bytearray()
    while data:
        stream = zlib.decompressobj(window)
        whole += stream.decompress(data, MAX_BODY_BYTES + 1 - len(whole))
        if len(whole) > MAX_BODY_BYTES or stream.unconsumed_tail:
            raise RequestRefused(f"MAX_BODY_BYTES: the body inflates past {MAX_BODY_BYTES} bytes")
        if not stream.eof:
            raise zlib.error("the compressed body ends too early")
        # A gzip file may have several members, one after the other (RFC 1952, 2.2).
        data = stream.unused_data if window == _WINDOW_GZIP else b""
    return bytes(whole)


def _declares_json(headers: Headers) -> bool:
    for value in headers.values("content-type"):
        kind = value.partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            return True
    return False


def _looks_like_json(data: bytes) -> bool:
    start = data[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
    return start[:1] in (b"{", b"[")


def _mismatched(parsed: Parsed, declared: bool, headers: Headers) -> bool:
    kinds = {value.partition(";")[0].strip().lower() for value in headers.values("content-type")}
    return parsed.ok is not declared or len(kinds) > 1
