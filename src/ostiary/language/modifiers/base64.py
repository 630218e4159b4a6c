"""``base64``: the text as base64 writes it (RFC 4648)."""

from __future__ import annotations

from base64 import b64encode

from ostiary.language.draft import Draft, Text
from ostiary.language.encoding import encoded_bytes
from ostiary.language.item import Context, Item


def apply(item: Item, _context: Context) -> Item:
    """Encodes whole values; within a longer encoded text ``base64offset`` finds them."""
    item.before("base64", frozenset({"cased", "windash", "expand", "wide", "utf16be", "utf16"}), "write `|base64|contains`")
    return item.each(_base64)


def _base64(value: Draft, index: int) -> Draft:
    data, cased = encoded_bytes(value, index, "base64")
    text = b64encode(data).decode()
    return Text(text, (text,) if text else (), cased)
