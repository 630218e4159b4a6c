"""``detection:`` → a plan: selections of items, joined by the condition."""

from __future__ import annotations

from dataclasses import dataclass, field

from ostiary.language.condition import ConditionError, Selection, parse_condition
from ostiary.language.item import (
    Boolean,
    Context,
    Draft,
    Item,
    ItemError,
    Nothing,
    Number,
    Reference,
    Text,
    every,
    plan_of,
    some,
)
from ostiary.language.lists import ValueLists
from ostiary.language.mistake import did_you_mean
from ostiary.language.modifiers import ALIASES, NOT_EVALUATED_YET, REGISTRY
from ostiary.language.nodes import Mapping, Mark, Node, Scalar, Sequence
from ostiary.language.scalars import other_reading, value_of
from ostiary.language.source import Source
from ostiary.vocabulary.fields import known
from ostiary.vocabulary.plan import All, Not, Plan, Some

_RESERVED_NAMES = frozenset({"and", "or", "not", "them", "of"})


@dataclass(slots=True)
class Detection:
    """What was found while a detection was read."""

    source: Source
    lists: ValueLists
    ours: bool
    """One of our rules: what other tools would read differently is a mistake, not a warning."""
    fields: dict[str, Mark] = field(default_factory=dict)
    """Field names, with the place where each stands first."""
    keywords: bool = False
    plan: Plan | None = None


def read_detection(node: Node, detection: Detection) -> Detection:
    """Reads ``detection:``; ``plan`` stays None when its condition cannot be compiled. Mistakes go to the source."""
    source = detection.source
    if not isinstance(node, Mapping):
        source.refuse(node.mark, "detection-shape", "`detection` must be a map of selections and a condition")
        return detection
    conditions = _conditions(node, source)
    selections: dict[str, Selection] = {}
    complete = True
    for key, value in node:
        if key.value == "condition":
            continue
        if key.value == "timeframe":
            source.refuse(key.mark, "timeframe", "`timeframe` is obsolete", "use a correlation with a `timespan`")
            complete = False
            continue
        if key.value in _RESERVED_NAMES or not key.value:
            source.refuse(key.mark, "selection-name", f"a selection cannot be called `{key.value}`")
        plan = _selection(key, value, detection)
        if plan is None:
            complete = False
            # An undefined selection would be reported a second time.
            plan = All(())
        selections[key.value] = Selection(plan, leaves(plan))
    if conditions is None:
        return detection
    if not selections:
        source.refuse(node.mark, "no-selection", "the detection has no selection")
        return detection
    plan = _joined(conditions, selections, source)
    if complete and plan is not None:
        detection.plan = plan
    return detection


def leaves(plan: Plan) -> int:
    """How many leaves a plan has."""
    match plan:
        case All(children) | Some(children):
            return sum(map(leaves, children))
        case Not(child):
            return leaves(child)
        case _:
            return 1


def _conditions(node: Mapping, source: Source) -> list[Scalar] | None:
    condition = node.get("condition")
    if condition is None:
        key = next((key for key, _ in node if did_you_mean(key.value, ["condition"])), None)
        hint = f"did you mean `condition` by `{key.value}`?" if key else "name what must hold, such as `condition: selection`"
        source.refuse(key.mark if key else node.mark, "no-condition", "the detection has no `condition`", hint)
        return None
    parts = condition.items if isinstance(condition, Sequence) else (condition,)
    found = [part for part in parts if isinstance(part, Scalar) and isinstance(value_of(part), str)]
    if len(found) != len(parts) or not found:
        source.refuse(condition.mark, "condition-shape", "`condition` must be text, or a list of texts of which any may hold")
        return None
    return found


def _joined(conditions: list[Scalar], selections: dict[str, Selection], source: Source) -> Plan | None:
    used: set[str] = set()
    plans: list[Plan] = []
    for condition in conditions:
        try:
            plans.append(parse_condition(condition.value, selections, used))
        except ConditionError as error:
            source.refuse(source.inside(condition, error.offset), error.kind, error.message, error.hint)
    if len(plans) < len(conditions):
        return None
    for name in selections:
        if name not in used and not name.startswith("_"):
            source.warn(conditions[0].mark, "unused-selection", f"selection `{name}` is not used by the condition")
    return some(plans)


def _selection(key: Scalar, node: Node, detection: Detection) -> Plan | None:
    match node:
        case Mapping():
            return _items(node, detection)
        case Sequence(items) if items and all(isinstance(item, Mapping) for item in items):
            return _either([_items(item, detection) for item in items if isinstance(item, Mapping)])
        case Sequence(items) if items and any(isinstance(item, Mapping) for item in items):
            plans = [_items(item, detection) if isinstance(item, Mapping) else _keywords((item,), detection) for item in items]
            return _either(plans)
        case Sequence(items) if items:
            return _keywords(items, detection)
        case Scalar() if value_of(node) is not None:
            return _keywords((node,), detection)
    detection.source.refuse(key.mark, "selection-empty", f"selection `{key.value}` is empty", "write `field: value`")
    return None


def _either(plans: list[Plan | None]) -> Plan | None:
    found = [plan for plan in plans if plan is not None]
    return some(found) if len(found) == len(plans) else None


def _items(node: Mapping, detection: Detection) -> Plan | None:
    if not node.entries:
        detection.source.refuse(node.mark, "selection-empty", "a map of items is empty", "write `field: value`")
        return None
    plans = [_item(key, value, detection) for key, value in node]
    found = [plan for plan in plans if plan is not None]
    return every(found) if len(found) == len(plans) else None


def _keywords(nodes: tuple[Node, ...], detection: Detection) -> Plan | None:
    return _compiled(None, [], Mark(0, 0), nodes, detection)


def _item(key: Scalar, node: Node, detection: Detection) -> Plan | None:
    name, *words = key.value.split("|")
    if isinstance(node, Mapping):
        detection.source.refuse(node.mark, "value-shape", f"the value of `{name}` is a map", "write `field.key: value` on the level above")
        return None
    nodes: tuple[Node, ...]
    if isinstance(node, Sequence):
        nodes = node.items
        if not nodes and detection.ours:
            detection.source.refuse(
                node.mark, "no-values", f"`{name or key.value}` has an empty list of values", "remove it, or write null"
            )
            return None
        if not nodes:
            # pySigma's reading: an empty list is null.
            detection.source.warn(node.mark, "no-values", f"`{name or key.value}` has an empty list of values: it is read as null")
            nodes = (Scalar("", node.mark),)
    else:
        nodes = (node,)
    if name:
        detection.fields.setdefault(name, key.mark)
    return _compiled(name or None, words, key.mark, nodes, detection)


def _compiled(name: str | None, words: list[str], at: Mark, nodes: tuple[Node, ...], detection: Detection) -> Plan | None:
    source = detection.source
    values = _values(nodes, detection)
    if name is None:
        detection.keywords = True
    if values is None:
        return None
    info = known(name) if name else None
    context = Context(detection.lists, address=info is not None and info.kind == "address")
    marks = tuple(node.mark for node in nodes)
    item = Item(name, values, marks)
    column = at.column + len(name or "") + 1
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
    try:
        return plan_of(item)
    except ItemError as error:
        source.refuse(marks[0] if marks else at, error.kind, error.message, error.hint)
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
        if word in NOT_EVALUATED_YET:
            source.refuse(place, "modifier-not-yet", f"modifier `{word}` is not evaluated yet", "leave the rule out for now")
        else:
            words = [*REGISTRY.words(), *ALIASES, *NOT_EVALUATED_YET]
            hint = f"write `{word.lower()}`" if word.lower() in words else did_you_mean(word, words)
            source.refuse(place, "unknown-modifier", f"unknown modifier `{word}`", hint)
        return None
    canonical = ALIASES.get(word, word)
    try:
        if canonical in item.applied:
            raise ItemError("modifier-twice", f"modifier `{word}` is there twice")
        if "exists" in item.applied:
            raise ItemError("modifier-order", f"`exists` stands alone, not beside `{word}`")
        changed = modifier(item, context)
    except ItemError as error:
        at = place if error.value is None or error.value >= len(item.marks) else item.marks[error.value]
        source.refuse(at, error.kind, error.message, error.hint)
        return None
    return Item(changed.field, changed.values, changed.marks, changed.every, changed.negated, (*item.applied, canonical))


def _values(nodes: tuple[Node, ...], detection: Detection) -> tuple[Draft, ...] | None:
    values: list[Draft] = []
    for node in nodes:
        if not isinstance(node, Scalar):
            shape = "a map" if isinstance(node, Mapping) else "a list"
            detection.source.refuse(node.mark, "value-shape", f"a value must be text, a number, true, false or null, not {shape}")
            continue
        check_reading(node, detection.source, detection.ours)
        values.append(_draft(node))
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
