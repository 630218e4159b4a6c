"""``ostiary test``: the rules' own tests, and how much they test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json, errors
from ostiary.cli.rules import sound

if TYPE_CHECKING:
    from ostiary.local.coverage import Coverage
    from ostiary.local.mutation import Mutant
    from ostiary.local.rule_tests import TestResult

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("test")(run)


def run(
    paths: Annotated[list[Path], typer.Argument(help="Rule files, or folders of them.")],
    coverage: Annotated[bool, typer.Option("--coverage", help="Say which parts of each condition no test decides.")] = False,
    mutate: Annotated[bool, typer.Option("--mutate", help="Change each rule in small ways, and say what no test notices.")] = False,
    values: Annotated[bool, typer.Option("--values", help="Take each value of a list by itself; else a list is one part.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail when a part is undecided or a change goes unnoticed.")] = False,
    format: FormatOption = None,
) -> None:
    """Run the tests that rules bring along, each through the real judgement on an empty store.

    Exit code 1 when one fails, when the rules have mistakes, or with --strict when the tests leave something open.
    """
    from ostiary.language.compile import compile_paths
    from ostiary.local.coverage import coverage as covered
    from ostiary.local.coverage import coverage_summary
    from ostiary.local.mutation import mutants, mutation_summary
    from ostiary.local.rule_tests import run_tests, summary

    compiled = sound(compile_paths(paths), format, "no test was run")
    results = _watched(run_tests(compiled), len(compiled.tests), "testing")
    passed = all(result.ok for result in results)
    covers = list(covered(compiled, values=values)) if coverage else None
    changes = None
    if mutate and passed:
        changes = _watched(mutants(compiled, values=values), None, "changing rules")
    if chosen(format) is Format.JSON:
        answer = summary(results)
        if covers is not None:
            answer["coverage"] = coverage_summary(covers)
        if changes is not None:
            answer["mutation"] = mutation_summary(changes)
        emit_json(answer)
    else:
        _print(results)
        if covers is not None:
            _print_coverage(covers)
        if changes is not None:
            _print_mutants(changes)
    if mutate and not passed:
        typer.echo("ostiary: tests fail, so no rule was changed: make them pass first", err=True)
    left_open = any(cover.undecided for cover in covers or ()) or any(change.noticed_by is None for change in changes or ())
    if not passed or (strict and left_open):
        raise typer.Exit(1)


def _watched(found: Iterable[T], total: int | None, doing: str) -> list[T]:
    """All that is found, with a progress bar on stderr while that is a terminal."""
    from rich.progress import track

    screen = errors()
    return list(track(found, doing, total=total, console=screen, transient=True, disable=not screen.is_terminal))


def _print(results: Sequence[TestResult]) -> None:
    """A table of the rules with how many tests passed, after every failed test with its place and what the rule saw."""
    from rich.table import Table

    failed = [result for result in results if not result.ok]
    screen = console()
    for result in failed:
        where = f", step {result.step}," if result.steps > 1 else ""
        screen.print(f"{result.position}: {result.title}: `{result.name}`{where} expects {result.expect}, got {result.got}", markup=False)
        for reason in result.reasons:
            screen.print(f"    {reason}", markup=False)
    table = Table("rule", "passed", "failed", box=None)
    for rule in dict.fromkeys(result.rule for result in results):
        own = [result.ok for result in results if result.rule == rule]
        title = next(result.title for result in results if result.rule == rule)
        table.add_row(title, str(own.count(True)), str(own.count(False)))
    screen.print(table)
    screen.print(f"{len(results) - len(failed)} passed, {len(failed)} failed")


def _print_coverage(covers: Sequence[Coverage]) -> None:
    from rich.table import Table

    from ostiary.local.coverage import percent

    screen = console()
    table = Table("rule", "tests", "leaves", "decided", box=None)
    for cover in covers:
        table.add_row(cover.title, str(cover.tests), str(cover.leaves), f"{cover.percent:g}%")
    screen.print(table)
    for cover in covers:
        for leaf in cover.undecided:
            place = f"{leaf.position}: " if leaf.position else ""
            screen.print(f"{place}{cover.title}: no test decides `{leaf.text}`", markup=False)
    leaves = sum(cover.leaves for cover in covers)
    decided = leaves - sum(len(cover.undecided) for cover in covers)
    screen.print(f"{decided} of {leaves} leaves decided ({percent(decided, leaves):g}%)")


def _print_mutants(changes: Sequence[Mutant]) -> None:
    from ostiary.local.coverage import percent

    screen = console()
    survivors = [change for change in changes if change.noticed_by is None]
    for change in survivors:
        place = f"{change.position}: " if change.position else ""
        screen.print(f"{place}{change.title}: no test notices: {change.change}", markup=False)
    noticed = len(changes) - len(survivors)
    screen.print(f"{noticed} of {len(changes)} changes noticed ({percent(noticed, len(changes)):g}%)")
