"""``utf16be``: the text in UTF-16, big-endian, without a byte order mark."""

from __future__ import annotations

from ostiary.language.encoding import widened
from ostiary.language.item import Context, Item


def apply(item: Item, _context: Context) -> Item:
    """Makes bytes, for ``base64`` or ``base64offset`` after it."""
    return widened(item, "utf16be", "utf-16-be")
