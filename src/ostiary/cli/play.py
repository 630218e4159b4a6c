"""``ostiary play``: recorded traffic through the whole gate, on a virtual clock."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json, errors
from ostiary.vocabulary.rule import Mode

if TYPE_CHECKING:
    from ostiary.local.play import Progress, Report

MOST_BAD_LINES_SHOWN = 20

RulesOption = Annotated[
    list[Path] | None,
    typer.Option("--rules", help="A file or folder of rules; may be repeated. Without it: rules/ here, else the starter pack."),
]
ModeOption = Annotated[Mode, typer.Option("--mode", help="Enforce, or only watch.")]
StoreOption = Annotated[str, typer.Option("--store", help="memory, moto, or the base URL of a DynamoDB endpoint.")]


def register(app: typer.Typer) -> None:
    app.command("play")(play)


def play(
    traffic: Annotated[Path, typer.Argument(metavar="TRAFFIC", help="Recorded requests, one JSON object a line; - reads them from stdin.")],
    rules: RulesOption = None,
    store: StoreOption = "memory",
    mode: ModeOption = "enforce",
    format: FormatOption = None,
) -> None:
    """Play recorded requests through the whole gate, on a virtual clock.

    They go through the real handlers, the stream, record and escalate, so that what is enforced meets the requests after it.

    A line holds time (seconds from the start, or RFC 3339), account, key, address, method, path, headers, body (an object or a
    string) and facts of the account; only time and path are needed. Requests are played in the order of their times. A line that is
    no request is named on stderr and counted, never fatal. The last line of --format json holds the outcomes, signals, accounts and
    cases.

    Exit code 1: mistakes in the rules, or a request without its verdict.
    """
    from ostiary.cli.report import show
    from ostiary.cli.rules import compiled, default_rules
    from ostiary.local.play import play as play_lines

    how = chosen(format)
    ruleset = compiled(rules or [default_rules()], format)
    with _lines(traffic) as lines, progress_bar() as progress:
        report = play_lines(lines, ruleset, store=store, mode=mode, progress=progress)
    complain(report)
    if how is Format.JSON:
        emit_json(report.line())
    else:
        show(report, ruleset, console())
    if report.problems:
        raise typer.Exit(1)


@contextmanager
def _lines(traffic: Path) -> Iterator[Iterator[bytes]]:
    if str(traffic) == "-":
        yield iter(sys.stdin.buffer)
        return
    try:
        file = traffic.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{traffic}: {error.strerror}", param_hint="TRAFFIC") from None
    with file:
        yield iter(file)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on stderr, where that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    terminal = errors()
    columns = (TextColumn("playing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, disable=not terminal.is_terminal, transient=True) as bar:
        task = bar.add_task("playing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def complain(report: Report) -> None:
    """Bad lines, unknown keys and problems, on stderr."""
    for mishap in report.bad[:MOST_BAD_LINES_SHOWN]:
        typer.echo(f"line {mishap.number}: {mishap.why}", err=True)
    if len(report.bad) > MOST_BAD_LINES_SHOWN:
        typer.echo(f"and {len(report.bad) - MOST_BAD_LINES_SHOWN} more bad lines", err=True)
    for key, number in report.ignored.items():
        typer.echo(f"line {number}: the key {key!r} is none of a recorded request; it was ignored, here and further down", err=True)
    for problem in report.problems:
        typer.echo(f"ostiary: {problem}", err=True)
