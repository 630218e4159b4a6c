"""Placeholders: ``%name%`` in a text under ``|expand``. ``\\%`` is a percent sign."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from ostiary.language.draft import Draft, Expression, Networks, Text
from ostiary.language.expressions import check_expression
from ostiary.language.item import Context, Item, ItemError
from ostiary.language.lists import ValueList, check_networks
from ostiary.language.mistake import did_you_mean
from ostiary.language.source import Source
from ostiary.language.strings import joined, tokens
from ostiary.vocabulary.plan import Pattern

MAX_EXPANDED_VALUES = 100_000
"""Values that one text may stand for."""

_PLACEHOLDER = re.compile(r"(?<!\\)%([A-Za-z0-9_.-]+)%")


def has_placeholder(written: str) -> bool:
    """Whether a text holds a placeholder."""
    return _PLACEHOLDER.search(written) is not None


def expanded(value: Text | Expression, index: int, item: Item, context: Context) -> list[Draft]:
    """What a value stands for: networks where its list or field is about addresses, else texts. Raises ``ItemError``."""
    written = value.written if isinstance(value, Text) else value.pattern
    names = _PLACEHOLDER.findall(written)
    if not names:
        context.notes.append(("no-placeholder", f"`expand` finds no `%name%` in `{written}`"))
        return [value]
    lists = [_list(name, index, context) for name in names]
    if isinstance(value, Expression):
        return [replace(value, pattern=text) for text in _expressions(value.pattern, lists, index)]
    networks = (context.info is not None and context.info.kind == "address") or "cidr" in item.applied
    if networks or any(found.networks for found in lists):
        if len(names) > 1 or written != f"%{names[0]}%":
            raise ItemError("expand-network", "a list of networks stands alone in its value", f"write '%{names[0]}%'", value=index)
        return [Networks(check_networks(lists[0]))] if lists[0].values else []
    return _texts(value, index, lists)


def _list(name: str, index: int, context: Context) -> ValueList:
    found = context.lists.by_name.get(name)
    if found is not None:
        if not found.values and not found.broken:
            context.notes.append(("empty-list", f"list `{name}` is empty: this matches nothing"))
        return found
    hint = did_you_mean(name, context.lists.by_name) or f"write `lists/{name}.yaml`, `.txt` or `.cidr`"
    if context.ours:
        raise ItemError("unknown-list", f"there is no list `{name}`", hint, value=index)
    # Published rules leave their lists to the operator: such a rule is never evaluated, and says so.
    context.missing.append(name)
    context.notes.append(("unknown-list", f"there is no list `{name}`: the rule is never evaluated"))
    return ValueList(name, (), (), Source(name), broken=True)


def _texts(value: Text, index: int, lists: list[ValueList]) -> list[Draft]:
    _check_size(lists, index)
    front, back = value.around()
    pieces = [tokens(piece.replace("\\%", "%")) for piece in _PLACEHOLDER.split(value.written)[::2]]
    texts: list[Draft] = []
    for choice in itertools.product(*(found.values for found in lists)):
        inner: list[Pattern] = [pieces[0]]
        for found, chosen, piece in zip(lists, choice, pieces[1:], strict=True):
            inner += [((chosen,) if chosen else ()) if found.literal else tokens(chosen), piece]
        texts.append(replace(value, pattern=joined(front, *inner, back)))
    return texts


def _expressions(pattern: str, lists: list[ValueList], index: int) -> list[str]:
    """The pattern with the lists' values in it, each as plain text."""
    _check_size(lists, index)
    pieces = [piece.replace("\\%", "%") for piece in _PLACEHOLDER.split(pattern)[::2]]
    texts: list[str] = []
    for choice in itertools.product(*(found.values for found in lists)):
        quoted = [pieces[0]]
        for chosen, piece in zip(choice, pieces[1:], strict=True):
            quoted += [re.escape(chosen), piece]
        texts.append("".join(quoted))
        check_expression(texts[-1], index)
    return texts


def _check_size(lists: list[ValueList], index: int) -> None:
    total = 1
    for found in lists:
        total *= len(found.values)
    if total > MAX_EXPANDED_VALUES:
        raise ItemError("expand-size", f"the value stands for {total} texts; at most {MAX_EXPANDED_VALUES}", value=index)
