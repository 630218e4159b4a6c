"""``windash``: a dash or slash before a word may be any of ``-``, ``/``, en dash, em dash and horizontal bar."""

from __future__ import annotations

import itertools
import re

from ostiary.language.draft import Draft, Forms, Text, named
from ostiary.language.encoding import ENCODINGS
from ostiary.language.item import Context, Item, ItemError

DASHES = "-/\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}"
MAX_DASHES = 4
"""Of one value: each has five forms, so that this makes 625."""
_DASH = re.compile(rf"\B[{DASHES}]\b")


def apply(item: Item, _context: Context) -> Item:
    """Makes every form of each text. The dash within ``-param-name`` stays as it is."""
    if ENCODINGS & set(item.applied):
        raise ItemError("modifier-order", "`windash` stands before an encoding", "write `|windash|base64offset|contains`")
    return item.each(_forms)


def _forms(value: Draft, index: int) -> Draft:
    if not isinstance(value, Text):
        raise ItemError("modifier-value", f"`windash` needs text, not {named(value)}", value=index)
    between = _DASH.split(value.written)
    dashes = len(between) - 1
    if dashes > MAX_DASHES:
        raise ItemError(
            "windash-size", f"the text has {dashes} dashes; `windash` takes {MAX_DASHES}", "split it, and join by `all`", value=index
        )
    if not dashes:
        return value
    found = (_DASH.findall(value.written), *itertools.product(DASHES, repeat=dashes))
    written = dict.fromkeys("".join(part + dash for part, dash in zip(between, (*chosen, ""), strict=True)) for chosen in found)
    return Forms(tuple(value.rewritten(text) for text in written))
