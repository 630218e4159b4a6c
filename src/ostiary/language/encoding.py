"""What ``wide``, ``utf16…`` and ``base64…`` share: texts become bytes, and never with wildcards."""

from __future__ import annotations

from typing import Literal

from ostiary.language.draft import Draft, Encoded, Number, Text, canonical, named
from ostiary.language.item import Item, ItemError
from ostiary.language.strings import literal

ENCODINGS = frozenset({"wide", "utf16be", "utf16", "base64", "base64offset"})


def widened(item: Item, word: Literal["wide", "utf16be", "utf16"], codec: str, *, prefix: bytes = b"") -> Item:
    """The Item with its texts as bytes. Raises ``ItemError`` for what is no text, and after another encoding."""
    item.before(word, frozenset({"cased", "windash", "expand"}), f"write `|{word}|base64offset|contains`")

    def encoded(value: Draft, index: int) -> Draft:
        text, cased = _text(value, index, word)
        return Encoded(prefix + text.encode(codec, "surrogatepass"), word, cased)

    return item.each(encoded)


def encoded_bytes(value: Draft, index: int, word: str) -> tuple[bytes, bool]:
    """What ``base64`` encodes, and whether it compares by case."""
    if isinstance(value, Encoded):
        return value.data, value.cased
    text, cased = _text(value, index, word)
    return text.encode("utf-8", "surrogatepass"), cased


def _text(value: Draft, index: int, word: str) -> tuple[str, bool]:
    if isinstance(value, Number):
        value = Text.of(canonical(value.number))
    if not isinstance(value, Text):
        raise ItemError("modifier-value", f"`{word}` needs text, not {named(value)}", value=index)
    text = literal(value.pattern)
    if text is None:
        raise ItemError("encoding-wildcard", f"`{word}` takes no wildcards", "write `\\*` for a star, and `contains` after it", value=index)
    return text, value.cased
