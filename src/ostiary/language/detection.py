"""``detection:`` → a plan: selections of items, joined by the condition."""

from __future__ import annotations

from ostiary.language.condition import ConditionError, Selection, parse_condition
from ostiary.language.entry import Detection, read_item, read_keywords
from ostiary.language.item import every, some
from ostiary.language.mistake import did_you_mean
from ostiary.language.nodes import Mapping, Node, Scalar, Sequence
from ostiary.language.scalars import value_of
from ostiary.language.source import Source
from ostiary.vocabulary.plan import All, Member, Not, Plan, Some

_RESERVED_NAMES = frozenset({"and", "or", "not", "them", "of"})


def read_detection(node: Node, detection: Detection, *, word: str = "detection", other: frozenset[str] = frozenset()) -> None:
    """Reads ``detection:`` (or, by ``word``, a filter's body); ``plan`` stays None when it cannot be compiled.

    ``other``: keys that are no selections. Mistakes go to the source.
    """
    source = detection.source
    if not isinstance(node, Mapping):
        source.refuse(node.mark, "detection-shape", f"`{word}` must be a map of selections and a condition")
        return
    conditions = _conditions(node, source, word)
    selections: dict[str, Selection] = {}
    complete = True
    for key, value in node:
        if key.value == "condition" or key.value in other:
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
        return
    if not selections:
        source.refuse(node.mark, "no-selection", f"the {word} has no selection")
        return
    plan = _joined(conditions, selections, source)
    if complete and plan is not None:
        detection.plan = plan


def leaves(plan: Plan) -> int:
    """How many leaves a plan has."""
    match plan:
        case All(children) | Some(children):
            return sum(map(leaves, children))
        case Not(child) | Member(_, child):
            return leaves(child)
        case _:
            return 1


def _conditions(node: Mapping, source: Source, word: str) -> list[Scalar] | None:
    condition = node.get("condition")
    if condition is None:
        key = next((key for key, _ in node if did_you_mean(key.value, ["condition"])), None)
        hint = f"did you mean `condition` by `{key.value}`?" if key else "name what must hold, such as `condition: selection`"
        source.refuse(key.mark if key else node.mark, "no-condition", f"the {word} has no `condition`", hint)
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
            for one in (error, *error.others):
                source.refuse(source.inside(condition, one.offset), one.kind, one.message, one.hint)
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
            plans = [_items(item, detection) if isinstance(item, Mapping) else read_keywords((item,), detection) for item in items]
            return _either(plans)
        case Sequence(items) if items:
            return read_keywords(items, detection)
        case Scalar() if value_of(node) is not None:
            return read_keywords((node,), detection)
    detection.source.refuse(key.mark, "selection-empty", f"selection `{key.value}` is empty", "write `field: value`")
    return None


def _either(plans: list[Plan | None]) -> Plan | None:
    found = [plan for plan in plans if plan is not None]
    return some(found) if len(found) == len(plans) else None


def _items(node: Mapping, detection: Detection) -> Plan | None:
    if not node.entries:
        detection.source.refuse(node.mark, "selection-empty", "a map of items is empty", "write `field: value`")
        return None
    plans = [read_item(key, value, detection) for key, value in node]
    found = [plan for plan in plans if plan is not None]
    return every(found) if len(found) == len(plans) else None
