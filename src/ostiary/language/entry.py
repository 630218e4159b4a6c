"""One entry of a selection: a field with its modifiers, or none (keywords), and its values → a plan."""

from __future__ import annotations

from dataclasses import dataclass, field

from ostiary.language.draft import Boolean, Draft, Nothing, Number, Reference, Text
from ostiary.language.item import Context, Item, ItemError, every, plan_of, some
from ostiary.language.lists import ValueLists
from ostiary.language.mistake import did_you_mean
from ostiary.language.modifiers import ALIASES, REGISTRY
from ostiary.language.nodes import Mapping, Mark, Node, Scalar, Sequence
from ostiary.language.scalars import other_reading, value_of
from ostiary.language.source import Source
from ostiary.vocabulary.fields import COLLECTIONS, known
from ostiary.vocabulary.plan import Member, Plan

_OF_KEYWORDS = frozenset({"all", "base64", "base64offset", "cased", "contains", "expand", "neq", "utf16", "utf16be", "wide", "windash"})
"""Modifiers that mean something without a field."""
_BLOCK = "[]"
"""What a key ends in whose map is about one member of a collection."""


@dataclass(slots=True)
class Detection:
    """What was found while a detection was read."""

    source: Source
    lists: ValueLists
    ours: bool
    """One of our rules: what other tools would read differently is a mistake, not a warning."""
    fields: dict[str, Mark] = field(default_factory=dict)
    """Field names, with the place where each stands first."""
    references: list[tuple[str, str, Mark]] = field(default_factory=list)
    """Fields that are compared with each other."""
    missing: list[str] = field(default_factory=list)
    """Lists that it names and the pack does not have."""
    keywords: bool = False
    plan: Plan | None = None


def read_keywords(nodes: tuple[Node, ...], detection: Detection) -> Plan | None:
    """Values without a field. Mistakes go to the detection's source."""
    return _compiled(None, [], Mark(0, 0), nodes, detection)


def read_item(key: Scalar, node: Node, detection: Detection) -> Plan | None:
    """``field|modifier: values``, or a block on one member. Mistakes go to the detection's source."""
    name, *words = key.value.split("|")
    if name.endswith(_BLOCK):
        return _block(key, node, detection)
    nodes = _value_nodes(name or key.value, node, detection)
    if nodes is None:
        return None
    if name:
        detection.fields.setdefault(name, key.mark)
    return _compiled(name or None, words, key.mark, nodes, detection)


def _value_nodes(shown: str, node: Node, detection: Detection) -> tuple[Node, ...] | None:
    source = detection.source
    if isinstance(node, Mapping):
        source.refuse(node.mark, "value-shape", f"the value of `{shown}` is a map", "write `field.key: value` on the level above")
        return None
    if not isinstance(node, Sequence):
        return (node,)
    if node.items:
        return node.items
    if detection.ours:
        source.refuse(node.mark, "no-values", f"`{shown}` has an empty list of values", "remove it, or write null")
        return None
    # pySigma's reading: an empty list is null.
    source.warn(node.mark, "no-values", f"`{shown}` has an empty list of values: it is read as null")
    return (Scalar("", node.mark),)


def _block(key: Scalar, node: Node, detection: Detection) -> Plan | None:
    source = detection.source
    name, *words = key.value.split("|")
    collection = name.removesuffix(_BLOCK)
    if not detection.ours:
        hint = "write `logsource: {product: ostiary, category: request}`"
        source.refuse(key.mark, "ours-only", f"a block on one member (`{name}`) is Ostiary's, not Sigma's", hint)
        return None
    if collection not in COLLECTIONS:
        hint = did_you_mean(collection, COLLECTIONS, cutoff=0.5) or f"there are {', '.join(f'`{one}{_BLOCK}`' for one in COLLECTIONS)}"
        source.refuse(key.mark, "unknown-collection", f"no request has a collection `{collection}`", hint)
        return None
    if words:
        source.refuse(key.mark, "block-shape", "a block on one member takes no modifiers", "write them on the names inside")
        return None
    blocks = node.items if isinstance(node, Sequence) else (node,)
    plans = [_member(collection, block, detection) for block in blocks]
    found = [plan for plan in plans if plan is not None]
    return some(found) if found and len(found) == len(plans) else None


def _member(collection: str, block: Node, detection: Detection) -> Plan | None:
    source = detection.source
    if not isinstance(block, Mapping) or not block.entries:
        hint = f"write `{next(iter(COLLECTIONS[collection]))}: …`"
        source.refuse(block.mark, "block-shape", f"`{collection}{_BLOCK}` needs a map of what one member must satisfy", hint)
        return None
    plans: list[Plan | None] = []
    for key, value in block:
        name, *words = key.value.split("|")
        if name not in COLLECTIONS[collection]:
            hint = did_you_mean(name, COLLECTIONS[collection], cutoff=0.5) or f"it has {', '.join(COLLECTIONS[collection])}"
            source.refuse(key.mark, "unknown-field", f"a member of `{collection}` has no `{name}`", hint)
            plans.append(None)
        elif "fieldref" in words:
            source.refuse(key.mark, "block-shape", "`fieldref` does not go into a block on one member", "write it beside the block")
            plans.append(None)
        else:
            nodes = _value_nodes(name, value, detection)
            plans.append(_compiled(f"{collection}.{name}", words, key.mark, nodes, detection, written=name) if nodes else None)
    found = [plan for plan in plans if plan is not None]
    return Member(collection, every(found)) if len(found) == len(plans) else None


def _compiled(
    name: str | None, words: list[str], at: Mark, nodes: tuple[Node, ...], detection: Detection, *, written: str | None = None
) -> Plan | None:
    source = detection.source
    values = _values(nodes, detection)
    if name is None:
        detection.keywords = True
    if values is None:
        return None
    context = Context(detection.lists, known(name) if name else None, detection.ours, missing=detection.missing)
    marks = tuple(node.mark for node in nodes)
    item = Item(name, values, marks)
    column = at.column + len(written or name or "") + 1
    for word in words:
        # Inside a quoted key the words stand one column further right; keys with a `|` are mostly quoted.
        place = _word_place(source, at, column, word)
        changed = _modified(item, word, place, context, detection)
        if changed is None:
            return None
        item = changed
        column += len(word) + 1
    for kind, message in context.notes:
        source.warn(at, kind, message)
    for value, mark in zip(item.values, item.marks, strict=True):
        if isinstance(value, Reference):
            detection.fields.setdefault(value.other, mark)
            detection.references.append((name or "", value.other, mark))
    try:
        return plan_of(item)
    except ItemError as error:
        where = marks[error.value or 0] if marks else at
        source.refuse(where, error.kind, error.message, error.hint)
        return None


def _word_place(source: Source, at: Mark, column: int, word: str) -> Mark:
    if 0 < at.line <= len(source.lines):
        line = source.lines[at.line - 1]
        for shift in (0, 1):
            if line[column - 1 + shift : column - 1 + shift + len(word)] == word:
                return Mark(at.line, column + shift)
    return at


def _modified(item: Item, word: str, place: Mark, context: Context, detection: Detection) -> Item | None:
    source = detection.source
    modifier = REGISTRY.get(word)
    if modifier is None:
        source.refuse(place, "unknown-modifier", f"unknown modifier `{word}`", _near(word, item))
        return None
    canonical = ALIASES.get(word, word)
    try:
        if canonical in item.applied:
            raise ItemError("modifier-twice", f"modifier `{word}` is there twice")
        if item.field is None and canonical not in _OF_KEYWORDS:
            raise ItemError("keyword-modifier", f"`{word}` does not go with keywords, which are searched for everywhere", "name a field")
        if "exists" in item.applied:
            raise ItemError("modifier-order", f"`exists` stands alone, not beside `{word}`")
        changed = modifier(item, context)
    except ItemError as error:
        at = place if error.value is None or error.value >= len(item.marks) else item.marks[error.value]
        source.refuse(at, error.kind, error.message, error.hint)
        return None
    return Item(changed.field, changed.values, changed.marks, changed.every, changed.negated, (*item.applied, canonical))


def _near(word: str, item: Item) -> str:
    words = [*REGISTRY.words(), *ALIASES]
    if word.lower() in words:
        return f"write `{word.lower()}`"
    if word and item.applied[-1:] == ("re",) and set(word) <= set("ims"):
        return f"write `{'|'.join(word)}`: one flag, one word"
    return did_you_mean(word, words)


def _values(nodes: tuple[Node, ...], detection: Detection) -> tuple[Draft, ...] | None:
    values: list[Draft] = []
    for node in nodes:
        if not isinstance(node, Scalar):
            shape = "a map" if isinstance(node, Mapping) else "a list"
            detection.source.refuse(node.mark, "value-shape", f"a value must be text, a number, true, false or null, not {shape}")
            continue
        check_reading(node, detection.source, detection.ours)
        draft = _draft(node)
        if isinstance(draft, Nothing) and len(nodes) > 1:
            hint = "write a list of maps: `- field: null` and `- field: [others]`"
            detection.source.refuse(node.mark, "null-in-list", "null is a value of its own, and no member of a list", hint)
            continue
        values.append(draft)
    return tuple(values) if len(values) == len(nodes) else None


def check_reading(node: Scalar, source: Source, ours: bool) -> None:
    """A plain scalar that YAML 1.1 and 1.2 read differently: a mistake in our rules, a warning in others."""
    other = other_reading(node)
    if not other:
        return
    message = f"`{node.value}` is {_read(node)} here, and {other} for tools that read YAML 1.1"
    note = source.refuse if ours else source.warn
    note(node.mark, "ambiguous-scalar", message, f"quote it: '{node.value}'")


def _read(node: Scalar) -> str:
    value = value_of(node)
    return "text" if isinstance(value, str) else f"the number {value}"


def _draft(node: Scalar) -> Draft:
    value = value_of(node)
    match value:
        case None:
            return Nothing()
        case bool():
            return Boolean(value)
        case int() | float():
            return Number(value)
        case str():
            return Text.of(value)
