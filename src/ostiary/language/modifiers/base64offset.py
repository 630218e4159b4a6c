"""``base64offset``: the text as it may stand within a longer text that base64 encoded (RFC 4648)."""

from __future__ import annotations

from base64 import b64encode

from ostiary.language.draft import Draft, Forms, Text
from ostiary.language.encoding import encoded_bytes
from ostiary.language.item import Context, Item, ItemError


def apply(item: Item, _context: Context) -> Item:
    """Encodes at each of the three offsets, and leaves out the letters at both edges that neighbours have a part in."""
    item.before("base64offset", frozenset({"cased", "windash", "expand", "wide", "utf16be", "utf16"}), "write `|base64offset|contains`")
    return item.each(_offsets)


def _offsets(value: Draft, index: int) -> Draft:
    data, cased = encoded_bytes(value, index, "base64offset")
    texts = [_at(data, offset) for offset in range(3)]
    if not all(texts):
        raise ItemError("base64-short", "the text is too short to be found in base64", "use at least two bytes", value=index)
    return Forms(tuple(Text(text, (text,), cased) for text in texts))


def _at(data: bytes, offset: int) -> str:
    """The letters of base64 that depend on ``data`` alone when ``offset`` bytes (modulo three) stand before it.

    >>> [_at(b"foobar", offset) for offset in range(3)]
    ['Zm9vYmFy', 'Zvb2Jhc', 'mb29iYX']
    """
    first = -(-offset * 8 // 6)
    bits = (offset + len(data)) * 8
    return b64encode(bytes(offset) + data).decode()[first : bits // 6]
