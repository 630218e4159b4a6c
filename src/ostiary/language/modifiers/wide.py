"""``wide``: the text in UTF-16, little-endian, without a byte order mark (also called ``utf16le``)."""

from __future__ import annotations

from ostiary.language.encoding import widened
from ostiary.language.item import Context, Item


def apply(item: Item, _context: Context) -> Item:
    """Makes bytes, for ``base64`` or ``base64offset`` after it."""
    return widened(item, "wide", "utf-16-le")
