"""``utf16``: the text in UTF-16 with a byte order mark, little-endian."""

from __future__ import annotations

import codecs

from ostiary.language.encoding import widened
from ostiary.language.item import Context, Item


def apply(item: Item, _context: Context) -> Item:
    """Makes bytes, for ``base64`` or ``base64offset`` after it."""
    return widened(item, "utf16", "utf-16-le", prefix=codecs.BOM_UTF16_LE)
