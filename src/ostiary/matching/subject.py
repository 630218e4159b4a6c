"""Subject: the fields of one request or event as leaves read them, each prepared once however many leaves ask."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

from ostiary.text.fold import fold
from ostiary.text.leet import leet
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

    __slots__ = ("_bytes", "_cased", "_fields", "_folded", "_keywords", "_leet", "_members", "_networks", "facts")

    def __init__(self, fields: Fields, facts: Fields | None) -> None:
        self._fields = fields
        self.facts = facts
        self._folded: dict[str, tuple[str, ...]] = {}
        self._cased: dict[str, tuple[str, ...]] = {}
        self._bytes: dict[str, tuple[bytes, ...]] = {}
        self._networks: dict[str, tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]] = {}
        self._leet: dict[tuple[str, bool], tuple[str, ...]] = {}
        self._keywords: dict[tuple[bool, bool], tuple[str, ...]] = {}
        self._members: dict[str, tuple[Subject, ...]] = {}

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

    def leet(self, name: str, *, cased: bool) -> tuple[str, ...]:
        """``cased`` or ``folded``, with digits and signs that stand for letters as letters."""
        known = self._leet.get((name, cased))
        if known is None:
            texts = self.cased(name) if cased else self.folded(name)
            known = self._leet[name, cased] = tuple([leet(text) for text in texts])
        return known

    def members(self, collection: str) -> tuple[Subject, ...]:
        """Each member of a collection by itself: the n-th value of each of its fields; null is a field that this member lacks."""
        known = self._members.get(collection)
        if known is None:
            prefix = f"{collection}."
            columns = {name: _members(value) for name, value in self._fields.items() if name.startswith(prefix)}
            rows: list[dict[str, Value]] = [{} for _ in range(max(map(len, columns.values()), default=0))]
            for name, values in columns.items():
                for row, value in zip(rows, values, strict=False):
                    if value is not None:
                        row[name] = value
            known = self._members[collection] = tuple([Subject(row, None) for row in rows])
        return known

    def texts(self, name: str, *, normalised: bool) -> tuple[str, ...]:
        """The canonical text of every value that is not null."""
        found = [text for value in self.values(name) if (text := canonical(value)) is not None]
        return tuple([form for text in found for form in forms(text)] if normalised else found)

    def encoded(self, name: str) -> tuple[bytes, ...]:
        """What regular expressions search, in UTF-8; a lone surrogate, which UTF-8 cannot write, becomes a question mark.

        Of a normalised field also the texts as they came: a literal goes through the same normalising as the text, an expression
        cannot, and words with accents, or letters that have a compatibility form (Thai ำ), would be found by none.
        """
        known = self._bytes.get(name)
        if known is None:
            texts = self.cased(name)
            if is_normalised(name):
                texts = tuple(dict.fromkeys((*texts, *self.texts(name, normalised=False))))
            known = self._bytes[name] = tuple([text.encode("utf-8", "replace") for text in texts])
        return known

    def addresses(self, name: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]:
        """The values that are network addresses; what is none is left out."""
        known = self._networks.get(name)
        if known is None:
            parsed = [address(text) for text in self.texts(name, normalised=False)]
            known = self._networks[name] = tuple([found for found in parsed if found is not None])
        return known

    def keywords(self, *, normalised: bool, cased: bool) -> tuple[str, ...]:
        """Every text of a Request that was sent: path and query, header values, body strings, prompts. Of an event every text.

        Those of normalised fields, normalised, or those of all others.
        """
        known = self._keywords.get((normalised, cased))
        if known is None:
            texts = [text for name, text in self.sent() if is_normalised(name) is normalised]
            found = dict.fromkeys([form for text in texts for form in forms(text)] if normalised else texts)
            known = self._keywords[normalised, cased] = tuple(found if cased else dict.fromkeys(map(fold, found)))
        return known

    def sent(self) -> Iterator[tuple[str, str]]:
        """What keywords read, as it came: the name of each field that was sent, with each of its texts."""
        left_out = _KEYWORD_FIELDS_LEFT_OUT if _REQUEST_MARK in self._fields else frozenset[str]()
        for name, value in self._fields.items():
            if name not in left_out:
                yield from ((name, member) for member in _members(value) if isinstance(member, str))

    def _source(self, name: str) -> Mapping[str, Value]:
        if is_fact(name):
            return self.facts or {}
        return self._fields


def _members(value: Value) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else (value,)
