"""``ostiary match``: which rules match which events."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from ostiary.cli.output import Format
from ostiary.cli.rules import compiled

if TYPE_CHECKING:
    from ostiary.vocabulary.rule import Ruleset


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("match")(match)


def match(
    rules: Annotated[Path, typer.Argument(help="A rule file, or a folder of them; any field name is allowed.")],
    events: Annotated[str, typer.Argument(help="Events, a JSON object a line: flat or nested field maps, or gateway events; - is stdin.")],
    time_field: Annotated[
        str, typer.Option("--time-field", metavar="NAME", help="The field with an event's time: RFC 3339, or a number since 1970.")
    ] = "@timestamp",
    output: Annotated[
        Format, typer.Option("--format", help="Events are always answered in JSON lines; json tells mistakes so too.")
    ] = Format.TEXT,
) -> None:
    """Say which rules match which events: one JSON line for each event, in the events' order.

    Correlations are evaluated over the events in order of their time, and named at each event that reaches them; those that can only
    be decided when their window closes (lt, lte, eq, neq, not), at the last event of their group in that window. Rules with
    correlations need all events before the first answer. An event without a time counts as simultaneous with the one before it.

    Exit code 1 when the rules have mistakes, or when a line is no event; such a line is named and the rest goes on.
    """
    ruleset = compiled([rules], output, foreign_fields=True)
    with _opened(events) as lines:
        failed = _match(ruleset, lines, time_field)
    if failed:
        typer.echo(f"ostiary: {failed} {'line is no event' if failed == 1 else 'lines are no events'}", err=True)
        raise typer.Exit(1)


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


def _match(ruleset: Ruleset, lines: BinaryIO, time_field: str) -> int:
    """Writes the answers; gives the number of lines that were no events."""
    from ostiary.local.events import read_events
    from ostiary.local.matched import matched

    def warn(text: str) -> None:
        typer.echo(f"ostiary: {text}", err=True)

    failed = 0
    for found in matched(ruleset, read_events(lines, time_field), warn):
        answer: dict[str, object] = {"index": found.event}
        if found.error:
            failed += 1
            warn(f"line {found.number}: {found.error}")
            answer["error"] = found.error
        else:
            answer["signals"] = found.signals
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return failed
