"""The path of a request, decoded once."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from ostiary.gateways.limits import MAX_PATH_BYTES, past

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNRESERVED_IN_PATH = "/:@!$&'()*+,;=-._~"


def normalised(raw: str) -> str:
    """Percent-decoded once, dot segments removed (RFC 3986, 5.2.4 and 6.2.2): what a server behind the gateway would serve.

    Control characters stay percent-encoded, so that text about the path is one line. Octets that are no UTF-8 become U+FFFD.
    Empty segments stay: RFC 3986 gives them a meaning. Look-alikes of slash and dot are no separators.

    >>> normalised("/v1/%2e%2e/admin"), normalised("/v1/%252e%252e/x"), normalised("/a%0d%0ab"), normalised("/v1/..;/admin")
    ('/admin', '/v1/%2e%2e/x', '/a%0D%0Ab', '/v1/..;/admin')
    """
    if raw.startswith("/") and raw.isascii() and raw.isprintable() and "%" not in raw and "/." not in raw:
        return raw
    decoded = unquote_to_bytes(raw.encode("utf-8", "replace")).decode("utf-8", "replace")
    return _CONTROL.sub(lambda match: quote(match[0], safe=""), without_dot_segments(decoded))


def without_dot_segments(path: str) -> str:
    """RFC 3986, 5.2.4, of an absolute path; a relative one is taken from the root.

    >>> without_dot_segments("/a/./b/../c/.."), without_dot_segments("/../x"), without_dot_segments("")
    ('/a/', '/x', '/')
    """
    kept: list[str] = []
    segments = path.removeprefix("/").split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def forwardable(raw: str) -> str:
    """The path to send upstream: as it was sent, or, where dot segments would lead elsewhere, as rules saw it.

    >>> forwardable("/v1/messages"), forwardable("/v1/%2e%2e/admin"), forwardable("/a b")
    ('/v1/messages', '/admin', '/a%20b')
    """
    decoded = unquote_to_bytes(raw.encode("utf-8", "replace")).decode("utf-8", "replace")
    safe = without_dot_segments(decoded)
    if safe != decoded:
        return quote(safe, safe=_UNRESERVED_IN_PATH)
    return quote(raw, safe=_UNRESERVED_IN_PATH + "%", errors="replace")


def checked(raw: str) -> str:
    """The path itself; raises ``RequestRefused`` past ``MAX_PATH_BYTES``."""
    size = len(raw) if raw.isascii() else len(raw.encode("utf-8", "replace"))
    if size > MAX_PATH_BYTES:
        raise past("MAX_PATH_BYTES", size, MAX_PATH_BYTES)
    return raw
