"""Folders of YAML → a Ruleset, with every mistake in them at once."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.language import escalation
from ostiary.language.document import Options, Reason, RuleDocument, read_rule
from ostiary.language.exemption import read_exemption
from ostiary.language.files import read_source, rule_files
from ostiary.language.filter import FilterDocument, apply_filters, read_filter
from ostiary.language.linking import link, names_of
from ostiary.language.lists import ValueList, ValueLists, list_files, read_list
from ostiary.language.mistake import Mistake, Position, did_you_mean
from ostiary.language.nodes import Mapping as MappingNode
from ostiary.language.nodes import Mark, Node
from ostiary.language.reading import place, plain
from ostiary.language.rule_test import RuleTest
from ostiary.language.source import Source
from ostiary.language.tree import parse
from ostiary.ruleset.artefact import sealed
from ostiary.vocabulary.rule import Exemption, Rule, Ruleset

__all__ = ["Compiled", "Mistake", "Position", "Reason", "RuleTest", "Summary", "compile_paths"]


@dataclass(frozen=True, slots=True)
class Summary:
    """How far the documents came. A rule parses (grammar), loads (we can evaluate it), applies (requests have its fields)."""

    files: int = 0
    parsed: int = 0
    """Documents that are rules, correlations, exemptions or policies."""
    loaded: int = 0
    """Rules and correlations without a mistake."""
    applies: int = 0
    """Loaded rules that can match requests or windows."""
    refused: int = 0
    """Rules and correlations with a mistake."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of some folders. ``ruleset`` is None when there are mistakes."""

    ruleset: Ruleset | None
    linked: Ruleset
    """All rules in their places, those with mistakes too: to look at the ones that load when others do not. Never to be served."""
    incomplete: frozenset[str]
    """Ids of the rules in ``linked`` that have mistakes, or lack what has some: a rule that they name, or a filter."""
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]
    tests: tuple[RuleTest, ...]
    decided: Mapping[str, str]
    """Rule id → ``request path`` or ``record``; not of a rule that never applies, or whose place mistakes of others leave open."""
    because: Mapping[str, str]
    """Rule id → why ``record`` decides it, of the correlations among them."""
    never: Mapping[str, Reason]
    """Rule id → why a rule that loads never applies."""
    places: Mapping[str, Position] = field(default_factory=dict)
    """Id of a rule that loads, or of one of the filters below → where its document starts."""
    filters: frozenset[str] = frozenset()
    """Ids of the filters that changed a rule which applies."""
    own_keys: frozenset[str] = frozenset()
    """Ids of the rules that have `ostiary:`."""
    summary: Summary = Summary()


def compile_paths(paths: Sequence[Path], *, foreign_fields: bool = False, now: float | None = None) -> Compiled:
    """Compiles all rules, correlations, exemptions and policies below some folders (or in some files) into one Ruleset.

    ``foreign_fields``: any field name is allowed and every rule applies (``ostiary match``). ``now`` (epoch seconds, default: the
    clock's) decides what has expired. Nothing is raised for what an author wrote: it is in ``mistakes``, sorted by place.
    """
    pack = _Pack(Options(foreign_fields, time.time() if now is None else now))
    with _no_garbage_collection():
        pack.read_lists(list_files(list(paths)))
        for file in rule_files(paths, pack.sources):
            pack.read_file(file.path, file.topic)
        return pack.compiled()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Trees of nodes hold no circles, and looking for some in millions of them takes 40 % of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(slots=True)
class _Pack:
    """Everything read so far."""

    options: Options
    sources: list[Source] = field(default_factory=list)
    lists: ValueLists = field(default_factory=ValueLists)
    rules: list[RuleDocument] = field(default_factory=list)
    filters: list[FilterDocument] = field(default_factory=list)
    exemptions: list[tuple[MappingNode, Source]] = field(default_factory=list)
    escalation: str = ""
    escalated: Position | None = None
    files: int = 0
    parsed: int = 0

    def read_lists(self, files: Iterable[Path]) -> None:
        found: dict[str, ValueList] = {}
        for file in files:
            source, text = read_source(file, "")
            self.sources.append(source)
            if text is None:
                continue
            documents = parse(source, text) if file.suffix in (".yaml", ".yml") else None
            if file.stem in found:
                first = found[file.stem].source.path
                source.refuse(Mark(1, 1), "duplicate-list", f"list `{file.stem}` is there twice; the first is {first}")
            else:
                found[file.stem] = read_list(source, text, documents, self.options.now)
        self.lists = ValueLists(found)

    def read_file(self, file: Path, topic: str) -> None:
        source, text = read_source(file, topic)
        self.sources.append(source)
        self.files += 1
        if text is None:
            return
        documents = parse(source, text)
        if not documents and not source.mistakes:
            source.warn(Mark(1, 1), "empty-file", "the file holds no document")
        for node in documents:
            self._read_document(node, source)

    def _read_document(self, node: Node, source: Source) -> None:
        if not isinstance(node, MappingNode):
            source.refuse(node.mark, "document-shape", "a document must be a map", "start with `title:`")
            return
        kinds = set(node.keys())
        if "exemption" in kinds:
            self.exemptions.append((node, source))
        elif "escalation" in kinds:
            self._read_escalation(node, source)
        elif ("action" in kinds and not kinds & {"detection", "correlation"}) or _is_global(node):
            at, word = place(node, ("action",), of_key=True), getattr(node.get("action"), "value", "…")
            hint = "write the keys out in every document"
            source.refuse(at, "collection-action", f"collections (`action: {word}`) are obsolete and not read", hint)
            return
        elif "filter" in kinds and not kinds & {"detection", "correlation"}:
            self.filters.append(read_filter(node, source, self.lists))
        elif kinds & {"detection", "correlation"}:
            self.rules.append(read_rule(node, source, self.lists, self.options))
        else:
            words = ("detection", "correlation", "exemption", "escalation", "filter")
            near = next((key for key, _ in node if did_you_mean(key.value, words)), None)
            at = near.mark if near else node.mark
            hint = did_you_mean(near.value, words) if near else "a rule has `detection:`, `correlation:`, `exemption:` or `escalation:`"
            source.refuse(at, "unknown-document", "this is no rule, correlation, exemption or escalation policy", hint)
            return
        self.parsed += 1

    def _read_escalation(self, node: MappingNode, source: Source) -> None:
        if self.escalated is not None:
            source.refuse(node.mark, "duplicate-escalation", f"there is an escalation policy already, at {self.escalated}")
            return
        self.escalated = source.position(node.mark)
        data = plain(node)
        problems = escalation.validate(data)
        for path, message, hint in problems:
            source.refuse(place(node, path), "escalation", message, hint)
        if not problems:
            self.escalation = escalation.canonical(data)

    def compiled(self) -> Compiled:
        names = names_of(self.rules)
        self._check_filter_ids()
        apply_filters(self.filters, self.rules, names, self.options)
        linked = link(self.rules, names, self.options)
        ids = {name: self.rules[index].id for name, index in names.items()}
        exemptions = self._exemptions(ids)
        mistakes = tuple(sorted({mistake for source in self.sources for mistake in source.mistakes}))
        warnings = tuple(sorted({warning for source in self.sources for warning in source.warnings}))
        everything = Ruleset(tuple(linked.rules), tuple(linked.counters.by_id.values()), tuple(exemptions), self.escalation)
        ruleset = None if mistakes else sealed(everything)
        loaded = [rule for rule in self.rules if not rule.refused]
        applying = [rule for rule in loaded if rule.category != "foreign"]
        filters = [one for one in self.filters if any(self.rules[index] in applying for index in one.applied)]
        return Compiled(
            ruleset=ruleset,
            linked=ruleset or everything,
            incomplete=self._incomplete(linked.rules),
            mistakes=mistakes,
            warnings=warnings,
            tests=tuple(test for rule in self.rules for test in rule.tests),
            decided={rule.id: rule.decided if rule.category == "request" else "record" for rule in applying if rule.decided},
            because={rule.id: rule.because for rule in applying if rule.because},
            never={rule.id: rule.why for rule in loaded if rule.why is not None},
            places={rule.id: rule.source.position(rule.node.mark) for rule in loaded}
            | {one.id: one.source.position(one.node.mark) for one in filters},
            filters=frozenset(one.id for one in filters),
            own_keys=frozenset(rule.id for rule in self.rules if rule.node.get("ostiary") is not None),
            summary=Summary(self.files, self.parsed, len(loaded), len(applying), len(self.rules) - len(loaded)),
        )

    def _incomplete(self, rules: Sequence[Rule]) -> frozenset[str]:
        """Ids of the rules with mistakes, and of those that name them."""
        found = {rule.index for rule, document in zip(rules, self.rules, strict=True) if document.refused or document.unfiltered}
        before = -1
        while before < len(found):
            before = len(found)
            found |= {rule.index for rule in rules if rule.correlation is not None and found.intersection(rule.correlation.rules)}
        return frozenset(rules[index].id for index in found)

    def _check_filter_ids(self) -> None:
        """A filter's id is its own: neither a rule nor another filter has it."""
        seen = {rule.id: rule.source.position(rule.node.mark) for rule in self.rules}
        for found in self.filters:
            key = "id" if found.node.get("id") is not None else "title"
            if found.id in seen and key == "id":
                message = f"id `{found.id}` is taken by the document at {seen[found.id]}"
                found.source.refuse(place(found.node, (key,)), "duplicate-id", message, "give this one another id")
            seen.setdefault(found.id, found.source.position(found.node.mark))

    def _exemptions(self, ids: Mapping[str, str]) -> list[Exemption]:
        found: dict[str, Exemption] = {}
        for node, source in self.exemptions:
            exemption = read_exemption(node, source, ids, self.options.now)
            if exemption is None:
                continue
            if exemption.name in found:
                source.refuse(place(node, ("exemption",)), "duplicate-exemption", f"exemption `{exemption.name}` is there twice")
            found[exemption.name] = exemption
        return list(found.values())


def _is_global(node: MappingNode) -> bool:
    action = node.get("action")
    return action is not None and getattr(action, "value", "") in ("global", "repeat", "reset")
