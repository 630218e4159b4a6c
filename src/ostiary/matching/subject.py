"""Subject: the fields of one request or event as leaves read them, each prepared once however many leaves ask."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

from ostiary.text.fold import fold
from ostiary.text.normalise import forms
from ostiary.vocabulary.fields import REQUEST_FIELDS, SIGMA_TAXONOMY
from ostiary.vocabulary.plan import RAW_SUFFIX, is_fact, is_normalised
from ostiary.vocabulary.request import Fields, Scalar, Value

_MAX_BITS = 8192
"""An integer beyond this is written in hexadecimal: Python refuses to write very long decimal numbers."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)

_SENT_TEXT = ("url.", "http.request.header.", "user_agent.", "server.address", "body.", "gen_ai.prompt", "gen_ai.system_instructions")
_KEYWORD_FIELDS_LEFT_OUT = frozenset(
    name for name in REQUEST_FIELDS if not name.startswith(_SENT_TEXT) or name.startswith(("body.truncated", "body.invalid"))
)
"""Fields of a Request that nobody sent as text: what we found out about it. Keywords would match ``account`` in a principal's id."""
_REQUEST_MARK = "principal.id"
"""Every Request has this field when it is evaluated; other events are taken whole."""


def canonical(value: Scalar) -> str | None:
    """A value as text compares it: 5.0 as ``5``, True as ``true``; None for null, which is no text.

    >>> canonical("5.0"), canonical(5.0), canonical(0.25), canonical(True), canonical(None)
    ('5.0', '5', '0.25', 'true', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not value.is_integer():
            return repr(value)
        value = int(value)
    return str(value) if value.bit_length() <= _MAX_BITS else hex(value)


def number(value: Scalar) -> int | float | None:
    """The number that a value is or that its text writes (ASCII digits, no spaces, no underscores); None for anything else.

    >>> number(5), number("5e2"), number("１"), number(" 5"), number(True)
    (5, 500.0, None, None, None)
    """
    if isinstance(value, bool) or value is None:
        return None
    if not isinstance(value, str):
        return value
    if _WHOLE.fullmatch(value):
        return int(value)
    return float(value) if _NUMBER.fullmatch(value) else None


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The network address that a text writes, an IPv4-mapped one as IPv4; None for text that is none.

    >>> address("::ffff:192.0.2.1"), address("192.0.2.999")
    (IPv4Address('192.0.2.1'), None)
    """
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


class Subject:
    """Fields, resolved and prepared for comparison.

    A name resolves to the field itself; else, for a name of Sigma's web taxonomy, to the fields that it stands for; else ``X.raw``
    to X. Account facts come from ``facts`` alone: a request cannot state them, and settling later must find the same.
    Not for two threads at once: it remembers what it prepared.
    """

    __slots__ = ("_bytes", "_cased", "_fields", "_folded", "_keywords", "_networks", "facts")

    def __init__(self, fields: Fields, facts: Fields | None) -> None:
        self._fields = fields
        self.facts = facts
        self._folded: dict[str, tuple[str, ...]] = {}
        self._cased: dict[str, tuple[str, ...]] = {}
        self._bytes: dict[str, tuple[bytes, ...]] = {}
        self._networks: dict[str, tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]] = {}
        self._keywords: tuple[str, ...] | None = None

    def present(self, name: str) -> bool:
        """Whether the field is there, whatever it holds."""
        if name in self._source(name):
            return True
        if name in SIGMA_TAXONOMY:
            return any(target in self._fields for target in SIGMA_TAXONOMY[name])
        return name.endswith(RAW_SUFFIX) and self.present(name.removesuffix(RAW_SUFFIX))

    def values(self, name: str) -> tuple[Scalar, ...]:
        """Every value of the field, null among them; empty for an absent field, or one that holds an empty list."""
        source = self._source(name)
        if name in source:
            return _members(source[name])
        if name in SIGMA_TAXONOMY:
            return tuple(member for target in SIGMA_TAXONOMY[name] if target in self._fields for member in _members(self._fields[target]))
        if name.endswith(RAW_SUFFIX):
            return self.values(name.removesuffix(RAW_SUFFIX))
        return ()

    def cased(self, name: str) -> tuple[str, ...]:
        """The field's texts, normalised where the field is; two forms of one value where that replaced look-alikes."""
        known = self._cased.get(name)
        if known is None:
            known = self._cased[name] = self.texts(name, normalised=is_normalised(name))
        return known

    def folded(self, name: str) -> tuple[str, ...]:
        """``cased``, with case folded."""
        known = self._folded.get(name)
        if known is None:
            known = self._folded[name] = tuple([fold(text) for text in self.cased(name)])
        return known

    def texts(self, name: str, *, normalised: bool) -> tuple[str, ...]:
        """The canonical text of every value that is not null."""
        found = [text for value in self.values(name) if (text := canonical(value)) is not None]
        return tuple([form for text in found for form in forms(text)] if normalised else found)

    def encoded(self, name: str) -> tuple[bytes, ...]:
        """``cased`` in UTF-8 for regular expressions; a lone surrogate, which UTF-8 cannot write, becomes a question mark."""
        known = self._bytes.get(name)
        if known is None:
            known = self._bytes[name] = tuple([text.encode("utf-8", "replace") for text in self.cased(name)])
        return known

    def addresses(self, name: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]:
        """The values that are network addresses; what is none is left out."""
        known = self._networks.get(name)
        if known is None:
            parsed = [address(text) for text in self.texts(name, normalised=False)]
            known = self._networks[name] = tuple([found for found in parsed if found is not None])
        return known

    def keywords(self) -> tuple[str, ...]:
        """Every text of a Request that was sent, folded: path and query, header values, body strings, prompts. Of an event every text.

        Texts of normalised fields are there normalised *and* as they came, so that a keyword finds what a field item finds.
        """
        if self._keywords is None:
            found: dict[str, None] = {}
            left_out = _KEYWORD_FIELDS_LEFT_OUT if _REQUEST_MARK in self._fields else frozenset[str]()
            for name, value in self._fields.items():
                if name in left_out:
                    continue
                prepare: Callable[[str], tuple[str, ...]] = forms if is_normalised(name) else _as_it_is
                for member in _members(value):
                    if isinstance(member, str):
                        found.update(dict.fromkeys(fold(text) for text in prepare(member)))
            self._keywords = tuple(found)
        return self._keywords

    def _source(self, name: str) -> Mapping[str, Value]:
        if is_fact(name):
            return self.facts or {}
        return self._fields


def _members(value: Value) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else (value,)


def _as_it_is(text: str) -> tuple[str, ...]:
    return (text,)
