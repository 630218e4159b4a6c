"""Placeholders: ``%name%`` in a text under ``|expand``. ``\\%`` is a percent sign."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from ostiary.language.item import Context, Draft, Item, ItemError, Networks, Text
from ostiary.language.lists import ValueList, check_networks
from ostiary.language.mistake import did_you_mean
from ostiary.language.strings import joined, tokens
from ostiary.vocabulary.plan import Pattern

MAX_EXPANDED_VALUES = 100_000
"""Values that one text may stand for."""

_PLACEHOLDER = re.compile(r"(?<!\\)%([A-Za-z0-9_.-]+)%")


def has_placeholder(written: str) -> bool:
    """Whether a text holds a placeholder."""
    return _PLACEHOLDER.search(written) is not None


def expanded(value: Text, index: int, item: Item, context: Context) -> list[Draft]:
    """What a text stands for: networks where its list or field is about addresses, else texts. Raises ``ItemError``."""
    names = _PLACEHOLDER.findall(value.written)
    if not names:
        context.notes.append(("no-placeholder", f"`expand` finds no `%name%` in `{value.written}`"))
        return [value]
    lists = [_list(name, index, context) for name in names]
    networks = context.address or "cidr" in item.applied or any(found.networks for found in lists)
    if networks:
        if len(names) > 1 or value.written != f"%{names[0]}%":
            raise ItemError("expand-network", "a list of networks stands alone in its value", f"write '%{names[0]}%'", value=index)
        return [Networks(check_networks(lists[0]))] if lists[0].values else []
    return _texts(value, index, lists)


def _list(name: str, index: int, context: Context) -> ValueList:
    found = context.lists.by_name.get(name)
    if found is None:
        hint = did_you_mean(name, context.lists.by_name) or f"write `lists/{name}.yaml`, `.txt` or `.cidr`"
        raise ItemError("unknown-list", f"there is no list `{name}`", hint, value=index)
    if not found.values and not found.broken:
        context.notes.append(("empty-list", f"list `{name}` is empty: this matches nothing"))
    return found


def _texts(value: Text, index: int, lists: list[ValueList]) -> list[Draft]:
    total = 1
    for found in lists:
        total *= len(found.values)
    if total > MAX_EXPANDED_VALUES:
        raise ItemError("expand-size", f"the value stands for {total} texts; at most {MAX_EXPANDED_VALUES}", value=index)
    # The wildcards that modifiers before `expand` added stand around the written text.
    written = tokens(value.written)
    front = value.pattern[:1] if value.pattern[:1] != written[:1] else ()
    back = value.pattern[-1:] if value.pattern[-1:] != written[-1:] else ()
    pieces = [tokens(piece.replace("\\%", "%")) for piece in _PLACEHOLDER.split(value.written)[::2]]
    texts: list[Draft] = []
    for choice in itertools.product(*(found.values for found in lists)):
        inner: list[Pattern] = [pieces[0]]
        for found, chosen, piece in zip(lists, choice, pieces[1:], strict=True):
            inner += [((chosen,) if chosen else ()) if found.literal else tokens(chosen), piece]
        texts.append(replace(value, pattern=joined(_wild(front), *inner, _wild(back))))
    return texts


def _wild(part: Pattern) -> Pattern:
    return tuple(token for token in part if not isinstance(token, str))
