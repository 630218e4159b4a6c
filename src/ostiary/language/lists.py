"""Lists that ``|expand`` reads: ``lists/<name>.yaml``, ``.txt`` (one value a line) or ``.cidr`` (one network a line).

They are the operator's own data: who owns one and until when it holds stands in the YAML form.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.language.models import ListDocument
from ostiary.language.nodes import Mapping as MappingNode
from ostiary.language.nodes import Mark, Node, Sequence
from ostiary.language.reading import describe, place, scalar_text
from ostiary.language.source import Source

LIST_SUFFIXES = (".yaml", ".yml", ".txt", ".cidr")


@dataclass(frozen=True, slots=True)
class ValueList:
    """A named list. ``literal``: its values have no wildcards or escapes (``.txt``, ``.cidr``)."""

    name: str
    values: tuple[str, ...]
    marks: tuple[Mark, ...]
    source: Source
    literal: bool = True
    networks: bool = False
    """A ``.cidr`` list: compares networks on any field."""
    broken: bool = False
    """Its file has mistakes, so that rules which name it get no second one."""


@dataclass(slots=True)
class ValueLists:
    """All lists of a pack, by name."""

    by_name: Mapping[str, ValueList] = field(default_factory=dict)


def read_list(source: Source, text: str, documents: list[Node] | None, now: float) -> ValueList:
    """One file of a ``lists/`` folder; ``documents`` are its YAML documents, None for a text file. Mistakes go to the source."""
    path = Path(source.path)
    if documents is not None:
        return _of_yaml(source, path.stem, documents, now)
    values: list[str] = []
    marks: list[Mark] = []
    for number, line in enumerate(text.splitlines(), start=1):
        value = line.split("#", 1)[0].strip() if path.suffix == ".cidr" else line.strip()
        if value and not value.startswith("#"):
            values.append(value)
            marks.append(Mark(number, line.index(value) + 1))
    found = ValueList(path.stem, tuple(values), tuple(marks), source, networks=path.suffix == ".cidr")
    if found.networks:
        check_networks(found)
    return found


def _of_yaml(source: Source, stem: str, documents: list[Node], now: float) -> ValueList:
    if len(documents) != 1 or not isinstance(documents[0], MappingNode):
        at = documents[1].mark if len(documents) > 1 else Mark(1, 1)
        source.refuse(at, "list-shape", "a list file holds one document: `list:`, `owner:`, `expires:` and `values:`")
        return ValueList(stem, (), (), source, broken=True)
    node = documents[0]
    model = describe(ListDocument, node, source)
    if model is None:
        return ValueList(stem, (), (), source, broken=True)
    if model.name != stem:
        key = node.get("list")
        source.refuse(
            key.mark if key else node.mark, "list-name", f"the list is called `{model.name}`, its file `{stem}`", "give both one name"
        )
    if model.expires is not None and model.expires <= now:
        source.warn(place(node, ("expires",)), "list-expired", f"list `{model.name}` has expired", "renew it, or remove it")
    items = node.get("values")
    entries = items.items if isinstance(items, Sequence) else ()
    return ValueList(stem, tuple(scalar_text(entry) for entry in entries), tuple(entry.mark for entry in entries), source, literal=False)


def check_networks(found: ValueList) -> tuple[str, ...]:
    """The list's values as networks, each without host bits; what is none is a mistake at its own line."""
    networks: list[str] = []
    for value, mark in zip(found.values, found.marks, strict=True):
        try:
            networks.append(str(ipaddress.ip_network(value)))
        except ValueError as error:
            found.source.refuse(mark, "list-network", f"`{value}` is no network: {error}", network_hint(value))
    return tuple(networks)


def network_hint(value: str) -> str:
    """The network that an author probably meant."""
    try:
        return f"write `{ipaddress.ip_network(value, strict=False)}`"
    except ValueError:
        return "write an address or a CIDR network, such as `192.0.2.0/24` or `2001:db8::/32`"


def list_files(paths: Iterator[Path] | list[Path]) -> list[Path]:
    """The files of ``lists/`` folders in or near the given paths: below a folder, or beside a file or one of its parents."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            folders = sorted(folder for folder in [path / "lists", *path.rglob("lists")] if folder.is_dir())
            if path.name == "lists":
                folders.append(path)
        else:
            folders = [folder for parent in path.parents if (folder := parent / "lists").is_dir()][:1]
        for folder in folders:
            found.update(dict.fromkeys(sorted(file for file in folder.iterdir() if file.suffix in LIST_SUFFIXES and file.is_file())))
    return list(found)
