"""``ostiary match``: which rules match which events."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

if TYPE_CHECKING:
    from ostiary.vocabulary.rule import Ruleset


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("match")(match)


def match(
    rules: Annotated[Path, typer.Argument(help="A rule file, or a folder of them; any field name is allowed.")],
    events: Annotated[str, typer.Argument(help="Events, a JSON object a line: flat or nested field maps, or gateway events; - is stdin.")],
) -> None:
    """Say which rules match which events: one JSON line for each event.

    Exit code 1 when the rules have mistakes, or when a line is no event; such a line is named and the rest goes on.
    """
    ruleset = _compiled(rules)
    with _opened(events) as lines:
        failed = _match(ruleset, lines)
    if failed:
        typer.echo(f"ostiary: {failed} {'line is no event' if failed == 1 else 'lines are no events'}", err=True)
        raise typer.Exit(1)


def _compiled(rules: Path) -> Ruleset:
    from ostiary.language.compile import compile_paths

    compiled = compile_paths([rules], foreign_fields=True)
    if compiled.ruleset is None:
        for mistake in compiled.mistakes:
            typer.echo(mistake.render(), err=True)
        raise typer.Exit(1)
    return compiled.ruleset


@contextmanager
def _opened(events: str) -> Iterator[BinaryIO]:
    if events == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(events, "rb")  # noqa: SIM115 - closed below, after the caller is done
    except OSError as error:
        typer.echo(f"ostiary: {events}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    with file:
        yield file


def _match(ruleset: Ruleset, lines: BinaryIO) -> int:
    """Writes the answers; gives the number of lines that were no events."""
    from ostiary.local.events import read_events
    from ostiary.matching.evaluate import Evaluator

    evaluator = Evaluator(ruleset, foreign=True)
    named = {rule.index: rule.id for rule in ruleset.rules if rule.generate}
    failed = 0
    write = sys.stdout.write
    for event in read_events(lines):
        if event.error:
            failed += 1
            typer.echo(f"ostiary: line {event.number}: {event.error}", err=True)
            answer: dict[str, object] = {"index": event.index, "error": event.error}
        else:
            signals = evaluator.evaluate(event.fields, event.fields)
            answer = {"index": event.index, "signals": [named[signal.rule] for signal in signals if signal.rule in named]}
        write(json.dumps(answer, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return failed
