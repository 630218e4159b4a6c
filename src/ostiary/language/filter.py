"""``filter:`` documents: conditions that are added to rules (pySigma's reading: the rule *and* the filter's condition must hold).

Source: SigmaHQ specification v2.1, "Sigma Filters"; where its example and pySigma differ, pySigma as it runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as NameMap
from collections.abc import Sequence as Items
from dataclasses import dataclass, field

from ostiary.language.condition import MAX_CONDITION_LEAVES
from ostiary.language.detection import leaves, read_detection
from ostiary.language.document import RULE_KEYS, Options, RuleDocument, check_keys, logsource_of, read_metadata
from ostiary.language.entry import Detection
from ostiary.language.item import every
from ostiary.language.lists import ValueLists
from ostiary.language.mistake import did_you_mean
from ostiary.language.nodes import Mapping, Node, Scalar, Sequence
from ostiary.language.rule_test import suggest_field
from ostiary.language.scalars import value_of
from ostiary.language.source import Source
from ostiary.vocabulary.fields import known
from ostiary.vocabulary.plan import Plan

_KEYS = (RULE_KEYS - {"detection", "correlation", "generate", "ostiary", "tests"}) | {"filter"}
_NEGATED = re.compile(r"\s*(not\b|$)")
_LOGSOURCE = ("category", "product", "service")


@dataclass(slots=True)
class FilterDocument:
    """A filter as written. ``plan`` is None when it has mistakes."""

    source: Source
    node: Mapping
    id: str
    logsource: dict[str, str]
    detection: Detection
    rules: list[Scalar] | None = None
    """References to rules; None: every rule of the log source."""
    plan: Plan | None = None
    applied: list[int] = field(default_factory=list)
    """Indexes of the rules that it was added to."""

    @property
    def ours(self) -> bool:
        """About our own log source: what would be a warning in others is a mistake."""
        return self.logsource.get("product") == "ostiary"

    def covers(self, rule: RuleDocument) -> bool:
        """Whether a rule is of this filter's log source, or of a part of it."""
        other = logsource_of(rule.node)
        return all(other.get(key) == self.logsource[key] for key in _LOGSOURCE if key in self.logsource)


def read_filter(node: Mapping, source: Source, lists: ValueLists) -> FilterDocument:
    """A filter document. Mistakes go to the source."""
    before = len(source.mistakes)
    check_keys(node, source, _KEYS)
    for key in (key for name in ("ostiary", "tests") if (key := node.key(name))):
        source.refuse(key.mark, "filter-key", f"a filter has no `{key.value}`", "it belongs to the rules")
    metadata = read_metadata(node, source)
    logsource = logsource_of(node)
    given = node.get("logsource")
    if not any(logsource.get(key) for key in _LOGSOURCE):
        message, hint = "`logsource` must name a category, product or service", "write the one of the rules that it filters"
        source.refuse(given.mark if given else node.mark, "logsource", message, hint)
    detection = Detection(source, lists, logsource.get("product") == "ostiary")
    body = node.get("filter")
    assert body is not None
    read_detection(body, detection, word="filter", other=frozenset({"rules"}))
    identity = (metadata.id or metadata.title) if metadata else ""
    found = FilterDocument(source, node, identity, logsource, detection)
    if isinstance(body, Mapping):
        found.rules = _references(body, source)
        _warn_of_keeping(body, source)
    found.plan = detection.plan if len(source.mistakes) == before else None
    return found


def _references(body: Mapping, source: Source) -> list[Scalar] | None:
    rules = body.get("rules")
    if rules is None:
        source.refuse(body.mark, "missing-key", "`filter.rules` is missing", "write `rules: any`, or name the rules")
        return []
    nodes: tuple[Node, ...] = rules.items if isinstance(rules, Sequence) else (rules,)
    found = [node for node in nodes if isinstance(node, Scalar) and isinstance(value_of(node), str) and node.value]
    if len(found) < len(nodes):
        source.refuse(rules.mark, "filter-rules", "`rules` must be `any`, or ids and names of rules")
        return []
    if not found or (isinstance(rules, Scalar) and rules.value.lower() == "any"):
        return None
    return found


def _warn_of_keeping(body: Mapping, source: Source) -> None:
    condition = body.get("condition")
    if isinstance(condition, Scalar) and not _NEGATED.match(condition.value):
        message = f"this filter leaves out what does not match `{condition.value}`"
        source.warn(condition.mark, "filter-keeps", message, "to leave out what matches, start the condition with `not`")


def apply_filters(filters: Items[FilterDocument], documents: Items[RuleDocument], names: NameMap[str, int], options: Options) -> None:
    """Adds every filter to the plans of its rules. Mistakes and warnings go to the filters' sources."""
    for found in filters:
        for index in _targets(found, documents, names):
            if found.plan is None:
                documents[index].unfiltered = True
            else:
                found.applied.append(index)
                _apply(found, documents[index], options)
        if found.rules is None and found.plan is not None and not found.applied:
            found.source.warn(found.node.mark, "filter-nothing", "no rule has this filter's log source")


def _targets(found: FilterDocument, documents: Items[RuleDocument], names: NameMap[str, int]) -> list[int]:
    if found.rules is None:
        return [index for index, rule in enumerate(documents) if not rule.is_correlation and found.covers(rule)]
    targets: dict[int, None] = {}
    note = found.source.refuse if found.ours else found.source.warn
    for reference in found.rules:
        index = names.get(reference.value)
        if index is None:
            hint = did_you_mean(reference.value, names)
            note(reference.mark, "filter-unknown-rule", f"there is no rule with the id or name `{reference.value}`", hint)
        elif documents[index].is_correlation:
            message = f"`{reference.value}` is a correlation: a filter changes what rules match, and never a correlation"
            found.source.refuse(reference.mark, "filter-correlation", message, "filter the rules that it names")
        elif not found.covers(documents[index]):
            note(reference.mark, "filter-logsource", f"`{reference.value}` has another log source, so the filter leaves it as it is")
        else:
            targets[index] = None
    return list(targets)


def _apply(found: FilterDocument, rule: RuleDocument, options: Options) -> None:
    assert found.plan is not None
    if rule.plan is not None:
        rule.plan = every([rule.plan, found.plan])
        if leaves(rule.plan) > MAX_CONDITION_LEAVES:
            message = f"with this filter, rule `{rule.id}` asks more than {MAX_CONDITION_LEAVES} questions"
            found.source.refuse(found.node.mark, "condition-size", message, "put long lists into `lists/`")
    if found.detection.missing:
        rule.never("list", *dict.fromkeys(found.detection.missing))
    strange = [name for name in found.detection.fields if known(name) is None]
    if rule.category != "request" or options.foreign_fields or not strange:
        return
    if rule.is_sigma_s:
        rule.never("field", *strange)
        return
    for name in strange:
        mark = found.detection.fields[name]
        found.source.refuse(mark, "unknown-field", f"no request has a field `{name}`", suggest_field(name))
