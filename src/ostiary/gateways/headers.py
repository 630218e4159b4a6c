"""Header fields: names without case, values in order of arrival."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ostiary.gateways.limits import MAX_HEADER_BYTES, MAX_HEADERS, RequestRefused, past

OURS = "x-ostiary-"
"""Names that only this gate sets; from a client they are dropped."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Headers:
    """The header fields of one request, by lower-case name. A name that is no token (RFC 9110, 5.6.2) is refused.

    >>> Headers([("Accept", "text/html"), ("ACCEPT", "*/*"), ("X-Ostiary-Verdict", "allowed")]).values("accept")
    ('text/html', '*/*')
    """

    def __init__(self, lines: list[tuple[str, str]], *, limited: bool = True) -> None:
        """Raises ``RequestRefused`` for a name that is no token, and, when ``limited``, past ``MAX_HEADERS`` or ``MAX_HEADER_BYTES``."""
        if limited and len(lines) > MAX_HEADERS:
            raise past("MAX_HEADERS", len(lines), MAX_HEADERS)
        self._values: dict[str, tuple[str, ...]] = {}
        self.count = 0
        for name, value in lines:
            if not is_token(name):
                raise RequestRefused("a header name is no token (RFC 9110, 5.6.2)")
            size = len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
            if limited and size > MAX_HEADER_BYTES:
                raise past("MAX_HEADER_BYTES", size, MAX_HEADER_BYTES)
            key = name.lower()
            self.count += 1
            if not key.startswith(OURS):
                self._values[key] = (*self._values.get(key, ()), value)

    @staticmethod
    def of_event(event: Mapping[str, object], *, limited: bool = True) -> Headers:
        """From ``multiValueHeaders``, which wins, or ``headers``, of an event in API Gateway's payload format 1.0."""
        return Headers(pairs(event.get("multiValueHeaders"), event.get("headers")), limited=limited)

    def first(self, name: str) -> str | None:
        """The first value; None when the header is absent."""
        found = self._values.get(name)
        return found[0] if found else None

    def values(self, name: str) -> tuple[str, ...]:
        return self._values.get(name, ())

    def items(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        return iter(self._values.items())

    def elements(self, name: str) -> tuple[str, ...]:
        """The members of a comma-separated list header, of all its lines, in order (RFC 9110, 5.6.1)."""
        return tuple(part.strip() for value in self.values(name) for part in value.split(",") if part.strip())


def pairs(many: object, single: object) -> list[tuple[str, str]]:
    """(key, value) in order, of a map of lists where it is there, else of a map of single values; anything else is passed over."""
    if isinstance(many, Mapping) and many:
        return [(str(key), _text(value)) for key, values in many.items() for value in (values if isinstance(values, list) else [values])]
    if isinstance(single, Mapping):
        return [(str(key), _text(value)) for key, value in single.items()]
    return []


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def is_token(text: str) -> bool:
    """A name that HTTP can carry (RFC 9110, 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def sanitised(value: str) -> str:
    """A value that is safe to send in a header: no control characters, and Latin-1 only (RFC 9110, 5.5).

    >>> sanitised("a\\r\\nset-cookie: b")
    'a  set-cookie: b'
    """
    return _UNSAFE.sub(" ", value).encode("latin-1", "replace").decode("latin-1").strip()
