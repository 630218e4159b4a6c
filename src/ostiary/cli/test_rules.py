"""``ostiary test``: the rules' own tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json

if TYPE_CHECKING:
    from ostiary.local.rule_tests import TestResult


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("test")(run)


def run(
    paths: Annotated[list[Path], typer.Argument(help="Rule files, or folders of them.")],
    format: FormatOption = None,
) -> None:
    """Run the tests that rules bring along, each through the real judgement on an empty store.

    Exit code 1 when one fails, or when the rules have mistakes.
    """
    from ostiary.language.compile import compile_paths
    from ostiary.local.rule_tests import run_tests, summary

    compiled = compile_paths(paths)
    if compiled.mistakes:
        for mistake in compiled.mistakes:
            typer.echo(mistake.render() + "\n", err=True)
        typer.echo(f"ostiary: {len(compiled.mistakes)} mistakes in the rules; no test was run", err=True)
        raise typer.Exit(1)
    results = list(run_tests(compiled))
    if chosen(format) is Format.JSON:
        emit_json(summary(results))
    else:
        _print(results)
    if not all(result.ok for result in results):
        raise typer.Exit(1)


def _print(results: Sequence[TestResult]) -> None:
    """A table of the rules with how many tests passed, after every failed test with its place."""
    from rich.table import Table

    failed = [result for result in results if not result.ok]
    screen = console()
    for result in failed:
        screen.print(f"{result.position}: {result.title}: `{result.name}` expects {result.expect}, got {result.got}", markup=False)
    table = Table("rule", "passed", "failed", box=None)
    for rule in dict.fromkeys(result.rule for result in results):
        own = [result.ok for result in results if result.rule == rule]
        title = next(result.title for result in results if result.rule == rule)
        table.add_row(title, str(own.count(True)), str(own.count(False)))
    screen.print(table)
    screen.print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
