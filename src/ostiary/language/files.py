"""Which files of some folders hold rules, and their text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ostiary.language.nodes import Mark
from ostiary.language.source import Source

MAX_RULE_FILE_BYTES = 1 << 20
"""A larger file is refused unread."""
RULE_SUFFIXES = (".yaml", ".yml")
_START = Mark(1, 1)
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""Line breaks as the YAML parser counts them."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A file of rules; ``topic`` is its folder in the pack."""

    path: Path
    topic: str


def rule_files(paths: Sequence[Path], sources: list[Source]) -> list[RuleFile]:
    """The files of rules, each once, in order of the paths and of their names. A path without any is a mistake (a new Source).

    Files of ``lists/`` folders and what starts with a dot are no rules; a file that is named itself always is one.
    """
    found: dict[Path, RuleFile] = {}
    for path in paths:
        files = _below(path) if path.is_dir() else [RuleFile(path, "")] if path.exists() else []
        if not files:
            source = Source(str(path))
            what = "there are no rules (`*.yaml`, `*.yml`) below this folder" if path.is_dir() else "there is no such file or folder"
            source.refuse(_START, "no-rules", what)
            sources.append(source)
        for file in files:
            found.setdefault(file.path.resolve(), file)
    return list(found.values())


def _below(folder: Path) -> list[RuleFile]:
    files: list[RuleFile] = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix not in RULE_SUFFIXES or any(part.startswith(".") or part == "lists" for part in inside.parts) or not path.is_file():
            continue
        files.append(RuleFile(path, inside.parent.as_posix() if len(inside.parts) > 1 else ""))
    return files


def read_source(path: Path, topic: str) -> tuple[Source, str | None]:
    """A file's Source and text; None instead of text when it cannot be read, with the reason in the Source."""
    source = Source(str(path), topic=topic)
    try:
        size = path.stat().st_size
        if size > MAX_RULE_FILE_BYTES:
            source.refuse(_START, "file-size", f"the file has {size} bytes; at most {MAX_RULE_FILE_BYTES}", "split it")
            return source, None
        data = path.read_bytes()
    except OSError as error:
        source.refuse(_START, "file", f"the file cannot be read: {error.strerror}")
        return source, None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        source.refuse(Mark(line, column), "encoding", f"the file is not UTF-8: byte 0x{data[error.start]:02x}", "save it as UTF-8")
        return source, None
    source.lines = _LINE_BREAK.split(text)
    return source, text
