"""``ostiary explain``: why a rule matches an event, or does not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json
from ostiary.vocabulary.errors import EventError

if TYPE_CHECKING:
    from ostiary.matching.explain import Explanation, Node
    from ostiary.matching.seen import Seen
    from ostiary.vocabulary.request import Fields
    from ostiary.vocabulary.rule import Rule, Ruleset

MAX_EXCERPT_CHARACTERS = 100
MAX_SHOWN_VALUES = 8
"""Values of one field, and members of one collection, that are shown to people; the JSON tree has them all."""
_MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]?[/]"}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explain")(explain)


def explain(
    rule: Annotated[str, typer.Argument(help="A rule file, or a folder of them; of several rules one: FILE#ID, #NAME or #TITLE.")],
    event: Annotated[str, typer.Argument(help="A JSON file (a flat or nested field map, or a gateway event), or JSON lines; - is stdin.")],
    name: Annotated[str | None, typer.Option("--rule", help="The rule's id, name or title, in place of #….")] = None,
    index: Annotated[int | None, typer.Option(min=0, help="Which event of JSON lines or of a list, from 0.")] = None,
    format: FormatOption = None,
) -> None:
    """Say why a rule matches an event, or does not: each condition, the values it read, and which part of them matched.

    The same evaluation as `match`, without short cuts. Values of fields that hold credentials are hidden.
    """
    from ostiary.cli.rules import compiled
    from ostiary.matching.explain import explain as explained

    path, _, wanted = rule.partition("#") if not Path(rule).exists() else (rule, "", "")
    ruleset = compiled([Path(path)], format, foreign_fields=True)
    chosen_rule = _chosen_rule(ruleset, name or wanted, path)
    fields = _event(event, index)
    found = explained(ruleset, chosen_rule.index, fields, fields)
    if chosen(format) is Format.JSON:
        emit_json(as_plain(found))
    else:
        out = console()
        for line in lines_of(found):
            out.print(line)


def _chosen_rule(ruleset: Ruleset, wanted: str, path: str) -> Rule:
    if not wanted and len(ruleset.rules) == 1:
        return ruleset.rules[0]
    for attribute in ("id", "name", "title"):
        found = [rule for rule in ruleset.rules if getattr(rule, attribute) == wanted]
        if wanted and found:
            return found[0]
    known = ", ".join(rule.name or rule.id for rule in ruleset.rules[:10]) + (", …" if len(ruleset.rules) > 10 else "")
    problem = f"no rule `{wanted}` in {path}" if wanted else f"{path} holds {len(ruleset.rules)} rules"
    raise EventError(f"{problem}: choose one of them with --rule ({known})" if known else problem)


def _event(source: str, index: int | None) -> Fields:
    from ostiary.local.events import fields_of, read_events

    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise EventError(f"{source}: {error.strerror}") from None
    whole = _whole(data)
    if isinstance(whole, dict) and not index:
        return fields_of(whole)
    lines = [json.dumps(item).encode() for item in whole] if isinstance(whole, list) else data.splitlines()
    events = list(read_events(lines))
    if index is None and len(events) != 1:
        raise EventError(f"{source} holds {len(events)} events: choose one with --index")
    if (index or 0) >= len(events):
        raise EventError(f"{source} holds {len(events)} events: there is none with index {index or 0}")
    found = events[index or 0]
    if found.error:
        raise EventError(f"{source}, event {found.index}: {found.error}")
    return found.fields


def _whole(data: bytes) -> object:
    """The file as one JSON value; None when it is no such thing, as JSON lines are not."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def as_plain(found: Explanation) -> dict[str, Any]:
    """An explanation as plain JSON values."""
    plain: dict[str, Any] = {"rule": found.rule.id, "title": found.rule.title, "matches": found.truth}
    if found.root is not None:
        return plain | {"tree": _plain_node(found.root)}
    assert found.correlation is not None
    return plain | {
        "correlation": found.correlation.type,
        "timespan": found.correlation.timespan,
        "decided": "over time",
        "group-by": [{"field": name, "absent": not there} for name, there in found.groups],
        "rules": [as_plain(rule) for rule in found.rules],
    }


def _plain_node(node: Node) -> dict[str, Any]:
    word, asks = _words(node)
    plain: dict[str, Any] = {"node": word, "truth": node.truth}
    if asks:
        plain["asks"] = asks
    if node.absent:
        plain["absent"] = list(node.absent)
    if node.seen:
        plain["values"] = [_plain_seen(seen) for seen in node.seen]
    if node.children:
        plain["members" if word == "member" else "children"] = [_plain_node(child) for child in node.children]
    return plain


def _plain_seen(seen: Seen) -> dict[str, Any]:
    plain: dict[str, Any] = {"field": seen.field, "value": seen.value, "matched": seen.matched}
    extra = {"place": seen.place, "read_as": seen.read_as, "span": seen.span, "wanted": seen.wanted}
    return plain | {name: value for name, value in extra.items() if value is not None}


def _words(node: Node) -> tuple[str, str]:
    """The node's kind in lower case, and what a leaf asks for, as an author writes it."""
    from ostiary.local.leaf_text import written
    from ostiary.vocabulary.plan import All, Constant, Not, Some

    kind = type(node.plan).__name__.lower()
    return (kind, "") if isinstance(node.plan, (All, Some, Not, Constant)) else (kind, written(node.plan))


def lines_of(found: Explanation, depth: int = 0) -> Iterator[str]:
    """An explanation as an indented tree, in rich's markup."""
    from rich.markup import escape

    from ostiary.local.leaf_text import shown

    indent = "  " * depth
    if found.root is not None:
        yield f"{indent}{_MARKS[found.truth]} [bold]{escape(found.rule.title or found.rule.id)}[/]"
        yield from _node_lines(found.root, depth + 1)
        return
    assert found.correlation is not None
    names = shown(found.correlation.group_by) if found.correlation.group_by else "all events together"
    yield f"{indent}{_MARKS[None]} [bold]{escape(found.rule.title or found.rule.id)}[/]"
    yield f"{indent}  {found.correlation.type} over {found.correlation.timespan} s, by {escape(names)}: decided over time, not by one event"
    for name, there in found.groups:
        if not there:
            yield f"{indent}  {escape(name)} is «absent»: this event is not counted"
    for rule in found.rules:
        yield from lines_of(rule, depth + 1)


_JOINED = {"all": "all of", "some": "any of", "not": "not", "constant": "always"}


def _node_lines(node: Node, depth: int) -> Iterator[str]:
    from rich.markup import escape

    indent = "  " * depth
    word, asks = _words(node)
    yield f"{indent}{_MARKS[node.truth]} {escape(asks) if asks else _JOINED[word]}"
    for name in node.absent:
        yield f"{indent}    [dim]{escape(name)} is «absent»[/]"
    for seen in _first(node.seen, key=lambda seen: seen.matched):
        yield f"{indent}    {_seen_line(seen)}"
    if len(node.seen) > MAX_SHOWN_VALUES:
        yield f"{indent}    [dim]… {len(node.seen) - MAX_SHOWN_VALUES} more values[/]"
    children = _first(node.children, key=lambda child: bool(child.truth)) if word == "member" else list(node.children)
    for child in children:
        if word == "member":
            yield f"{indent}  member {node.children.index(child)}"
        yield from _node_lines(child, depth + (2 if word == "member" else 1))
    if len(children) < len(node.children):
        yield f"{indent}  [dim]… {len(node.children) - len(children)} more members[/]"


def _first(items: Any, key: Any) -> list[Any]:
    """As many as are shown: those that matched before the others, else in their order."""
    kept = sorted(range(len(items)), key=lambda place: not key(items[place]))[:MAX_SHOWN_VALUES]
    return [items[place] for place in sorted(kept)]


def _seen_line(seen: Seen) -> str:
    from rich.markup import escape

    name = seen.field if seen.place is None else f"{seen.field}, value {seen.place}"
    line = f"{_MARKS[seen.matched]} [dim]{escape(name)}:[/] {_excerpt(seen.value, seen.span if seen.read_as is None else None)}"
    if seen.read_as is not None:
        line += f" [dim]read as[/] {_excerpt(seen.read_as, seen.span)}"
    return line if seen.wanted is None else f"{line} [dim]is[/] {escape(_printable(seen.wanted))}"


def _excerpt(value: object, span: tuple[int, int] | None) -> str:
    """A value on one line: what matched in ‹…›, and what stands around it."""
    from rich.markup import escape

    if not isinstance(value, str):
        return json.dumps(value)
    start, end = span or (0, 0)
    around = max(0, MAX_EXCERPT_CHARACTERS - min(end - start, MAX_EXCERPT_CHARACTERS)) // (2 if span else 1)
    before, part, after = value[max(0, start - around) : start], value[start:end], value[end : end + around]
    if len(part) > MAX_EXCERPT_CHARACTERS:
        part = part[:MAX_EXCERPT_CHARACTERS] + "…"
    marked = f"[bold]‹{escape(_printable(part))}›[/]" if span else ""
    left, right = "…" if start > around else "", "…" if end + around < len(value) else ""
    return f'"{left}{escape(_printable(before))}{marked}{escape(_printable(after))}{right}"'


def _printable(text: str) -> str:
    """A text that no terminal obeys: what is not printable as its escape."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape", "replace").decode() for one in text)
