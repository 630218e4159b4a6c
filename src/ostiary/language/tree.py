"""YAML text → trees of nodes, built from the parser's events.

From events, not from composed nodes: composing recurses in C, and a file of a hundred thousand brackets ends the process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import CSafeLoader

from ostiary.language.nodes import Mapping, Mark, Node, Scalar, Sequence
from ostiary.language.source import Source

MAX_DEPTH = 64
"""Lists and maps within each other."""
MAX_DOCUMENT_NODES = 200_000
"""Nodes of one document, each alias counted with all that it stands for."""

_BRACKETED = re.compile(r"[{,]\s*([\w.-]+)\[\]?\|?\Z")


class _TooMuch(Exception):
    """The rest of the file is not read."""


@dataclass(slots=True)
class _Open:
    """A list or map that is being read."""

    mapping: bool
    mark: Mark
    anchor: str | None
    before: int
    """Nodes of the document before this one."""
    nodes: list[Node] = field(default_factory=list)
    height: int = 1


@dataclass(frozen=True, slots=True)
class _Anchored:
    node: Node
    size: int
    height: int


def parse(source: Source, text: str) -> list[Node]:
    """All documents of a file that are not empty. What is wrong goes to the ``source``; nothing of YAML's is raised."""
    documents: list[Node] = []
    try:
        for document in _Builder(source).documents(text):
            if not (isinstance(document, Scalar) and document.plain and document.value in ("", "~", "null")):
                documents.append(document)
    except yaml.YAMLError as error:
        _refuse_yaml(source, error)
    except _TooMuch:
        pass
    return documents


class _Builder:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._count = 0

    def documents(self, text: str) -> Iterator[Node]:
        for event in _events(text):
            done: Node | None = None
            kind = type(event)
            if kind is yaml.ScalarEvent:
                done = self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, kind is yaml.MappingStartEvent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                done = self._close()
            elif kind is yaml.AliasEvent:
                done = self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self._anchors, self._count = {}, 0
            if done is not None:
                if self._stack:
                    self._stack[-1].nodes.append(done)
                else:
                    yield done

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        mark = _mark(event)
        self._counted(1, mark)
        if event.tag is not None:
            self._refuse_tag(event.tag, mark)
        node = Scalar(event.value, mark, event.style or "")
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(node, 1, 0)
        return node

    def _open(self, event: yaml.CollectionStartEvent, mapping: bool) -> None:
        mark = _mark(event)
        if event.tag is not None:
            self._refuse_tag(event.tag, mark)
        self._stack.append(_Open(mapping, mark, event.anchor, self._count))
        self._counted(1, mark)
        if len(self._stack) > MAX_DEPTH:
            self._too_deep(mark)

    def _close(self) -> Node:
        done = self._stack.pop()
        node = self._mapping(done) if done.mapping else Sequence(tuple(done.nodes), done.mark)
        if done.anchor:
            self._anchors[done.anchor] = _Anchored(node, self._count - done.before, done.height)
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, done.height + 1)
        return node

    def _mapping(self, done: _Open) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        pairs = iter(done.nodes)
        for key, value in zip(pairs, pairs, strict=True):
            if not isinstance(key, Scalar):
                self._source.refuse(key.mark, "key-not-text", "a key must be text, not a list or a map")
            elif key.plain and key.value == "<<":
                self._source.refuse(key.mark, "merge-key", "merge keys (`<<`) are not read", "write the keys out")
            elif key.value in entries:
                first = entries[key.value][0].mark
                self._source.refuse(
                    key.mark,
                    "duplicate-key",
                    f"key `{key.value}` is there twice; the first is on line {first.line}",
                    "remove or rename one",
                )
            else:
                entries[key.value] = (key, value)
        return Mapping(tuple(entries.values()), done.mark)

    def _alias(self, event: yaml.AliasEvent) -> Node:
        mark = _mark(event)
        anchored = self._anchors.get(event.anchor or "")
        if anchored is None:
            self._counted(1, mark)
            self._source.refuse(mark, "unknown-alias", f"alias `*{event.anchor}` has no anchor before it, or stands within it")
            return Scalar("", mark, "'")
        self._counted(anchored.size, mark)
        if len(self._stack) + anchored.height > MAX_DEPTH:
            self._too_deep(mark)
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, anchored.height + 1)
        return anchored.node

    def _counted(self, nodes: int, mark: Mark) -> None:
        self._count += nodes
        if self._count > MAX_DOCUMENT_NODES:
            self._source.refuse(
                mark,
                "too-many-nodes",
                f"the document has more than {MAX_DOCUMENT_NODES} nodes, aliases counted with what they stand for",
                "split it, or put long lists into `lists/`",
            )
            raise _TooMuch

    def _too_deep(self, mark: Mark) -> None:
        self._source.refuse(mark, "too-deep", f"lists and maps are nested more than {MAX_DEPTH} deep")
        raise _TooMuch

    def _refuse_tag(self, tag: str, mark: Mark) -> None:
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        self._source.refuse(mark, "yaml-tag", f"tags such as `{shown}` are not read", "write the plain value")


def _events(text: str) -> Iterator[Any]:
    """The parser's events. Asked for one by one: ``yaml.parse`` asks twice for each."""
    loader = CSafeLoader(text)
    event = loader.get_event()
    while event is not None:
        yield event
        event = None if type(event) is yaml.StreamEndEvent else loader.get_event()


def _mark(event: yaml.Event) -> Mark:
    at = event.start_mark
    assert at is not None  # the C parser marks every event
    return Mark(at.line + 1, at.column + 1)


def _refuse_yaml(source: Source, error: yaml.YAMLError) -> None:
    at = (error.problem_mark or error.context_mark) if isinstance(error, yaml.MarkedYAMLError) else None
    if not isinstance(error, yaml.MarkedYAMLError) or at is None:
        source.refuse(_unacceptable(source), "yaml-character", "a character that YAML does not allow", "remove control characters")
        return
    mark = Mark(at.line + 1, at.column + 1)
    line = source.lines[at.line] if at.line < len(source.lines) else ""
    problem = (error.problem or error.context or "cannot be read").strip()
    if "\t" in line[: at.column + 1]:
        source.refuse(mark, "yaml-tab", "a tab where YAML wants spaces", "indent with spaces")
    else:
        context = f" {error.context.strip()}" if error.context and error.problem else ""
        source.refuse(mark, "yaml-syntax", f"this is no YAML: {problem}{context}", _quoting(line[: at.column + 1]))


def _quoting(line: str) -> str:
    """A hint where a key within braces ends in brackets, which YAML reads as a list."""
    found = _BRACKETED.search(line)
    return f"quote the key: `'{found[1]}[]'`" if found else ""


def _unacceptable(source: Source) -> Mark:
    for number, line in enumerate(source.lines, start=1):
        for column, char in enumerate(line, start=1):
            if char != "\t" and (ord(char) < 0x20 or (0x7F <= ord(char) < 0xA0 and char != "\x85") or ord(char) in (0xFFFE, 0xFFFF)):
                return Mark(number, column)
    return Mark(1, 1)
