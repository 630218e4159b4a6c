"""Published rules → a pack of those that apply to requests: the authors' text, with a line about its source and ``mode: monitor``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.language.compile import Compiled, compile_paths
from ostiary.language.files import rule_files
from ostiary.language.lists import list_files
from ostiary.language.nodes import Mapping
from ostiary.language.source import Source
from ostiary.language.tree import parse

HEADER = "# Imported from {source}; the rule and its licence are its authors'. Ostiary added this line and `ostiary:`.\n"
_ADDED = "ostiary: {mode: monitor}\n"
_DOCUMENT = re.compile(r"^---(?=\s|$).*\n?|^\.\.\.(?=\s|$).*\n?", re.MULTILINE)
"""What ends a document: YAML allows these marks nowhere else at the start of a line (YAML 1.2.2, section 9.1.4)."""
_PLACEHOLDER = re.compile(r"%([A-Za-z0-9_.-]+)%")


@dataclass(frozen=True, slots=True)
class Imported:
    """What a folder of rules becomes."""

    compiled: Compiled
    """The folder, as it is."""
    files: dict[Path, str] = field(default_factory=dict)
    """Path in the pack → text."""
    rules: tuple[str, ...] = ()
    """Ids of the rules in it."""
    left: dict[str, str] = field(default_factory=dict)
    """Id of a rule that applies, but is left out → why."""


def import_rules(folder: Path, source: str, *, now: float | None = None) -> Imported:
    """The rules of a folder that apply to requests, ready to be written. ``source`` names the folder in each file's first line.

    What a rule says is not changed: its title, id, author, licence and references stay as its author wrote them.
    """
    compiled = compile_paths([folder], now=now)
    wanted: dict[str, dict[int, str]] = {}
    left: dict[str, str] = {}
    for rule, place in compiled.places.items():
        if rule not in compiled.decided and rule not in compiled.filters:
            continue
        if rule in compiled.own_keys:
            left[rule] = "it has `ostiary:` of its own: copy its file"
        else:
            wanted.setdefault(place.path, {})[place.line] = rule
    files: dict[Path, str] = {}
    rules: list[str] = []
    for file in rule_files([folder], []):
        lines = wanted.get(str(file.path))
        if not lines:
            continue
        where = file.path.relative_to(folder)
        text, found = _chosen(file.path.read_text(encoding="utf-8-sig"), lines, compiled.filters, left)
        if found:
            files[where] = HEADER.format(source=f"{source}/{where.as_posix()}") + text
            rules += found
    files.update(_lists(folder, files))
    return Imported(compiled, files, tuple(rules), left)


def _chosen(text: str, lines: dict[int, str], filters: frozenset[str], left: dict[str, str]) -> tuple[str, list[str]]:
    """The wanted documents of a file, by the lines on which they start."""
    parts: list[str] = []
    found: list[str] = []
    for first, last, document in _documents(text):
        rule = next((rule for line, rule in lines.items() if first <= line <= last), None)
        if rule is None:
            continue
        part = document.rstrip("\n") + "\n" + ("" if rule in filters else _ADDED)
        if not _reads(part, rule in filters):
            left[rule] = "its document is in braces, where nothing can be added: copy its file"
            continue
        found.append(rule)
        parts.append(part)
    return "---\n".join(parts), found


def _reads(document: str, is_filter: bool) -> bool:
    """Whether a document is still one, with what was added to it."""
    source = Source("")
    nodes = parse(source, document)
    return not source.mistakes and len(nodes) == 1 and isinstance(nodes[0], Mapping) and (is_filter or nodes[0].get("ostiary") is not None)


def _documents(text: str) -> list[tuple[int, int, str]]:
    """First line, last line and text of each document."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found: list[tuple[int, int, str]] = []
    start = 0
    for end in (*(mark.span() for mark in _DOCUMENT.finditer(text)), (len(text), len(text))):
        if text[start : end[0]].strip():
            line = text.count("\n", 0, start) + 1
            found.append((line, text.count("\n", 0, end[0]) + 1, text[start : end[0]]))
        start = end[1]
    return found


def _lists(folder: Path, files: dict[Path, str]) -> dict[Path, str]:
    """The lists that the imported rules name."""
    names: set[str] = set()
    for text in files.values():
        names.update(_PLACEHOLDER.findall(text))
    paths: Sequence[Path] = [path for path in list_files([folder]) if path.stem in names]
    return {path.relative_to(folder): path.read_text(encoding="utf-8-sig") for path in paths}
