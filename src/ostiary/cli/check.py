"""``ostiary check``: every mistake in some folders of rules, and where each rule is decided."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli.output import Format, FormatOption, chosen, emit_json

if TYPE_CHECKING:
    from ostiary.language.compile import Compiled

PathsArgument = Annotated[list[Path], typer.Argument(metavar="PATHS...", help="Folders of rules, or single files.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check")(check)


def check(paths: PathsArgument, output: FormatOption = None) -> None:
    """Find all mistakes in rules; exit 1 when there are any."""
    compiled = examined(paths)
    if chosen(output) is Format.JSON:
        emit_json(report(compiled))
    else:
        _show(compiled)
    raise typer.Exit(1 if compiled.mistakes else 0)


def examined(paths: list[Path]) -> Compiled:
    """The compiled rules; what enforced ones lack beyond their text (a lookalike that their tests allow) is among the mistakes."""
    from dataclasses import replace

    from ostiary.language.compile import compile_paths
    from ostiary.local.rule_tests import readiness

    compiled = compile_paths(paths)
    unready = readiness(compiled) if compiled.ruleset is not None else ()
    if unready:
        return replace(compiled, ruleset=None, mistakes=tuple(sorted(unready)))
    return compiled


def report(compiled: Compiled) -> dict[str, Any]:
    """What ``--format json`` prints."""
    ruleset = compiled.ruleset
    return {
        "files": compiled.summary.files,
        "parsed": compiled.summary.parsed,
        "loaded": compiled.summary.loaded,
        "applies": compiled.summary.applies,
        "tests": len(compiled.tests),
        "refused": refused(compiled),
        "decided": dict(compiled.decided),
        "counters": len(ruleset.counters) if ruleset else None,
        "digest": ruleset.digest if ruleset else None,
        "mistakes": compiled.mistakes,
        "warnings": compiled.warnings,
    }


def refused(compiled: Compiled) -> dict[str, int]:
    """How many mistakes there are of each kind, the most frequent first."""
    return dict(Counter(mistake.kind for mistake in compiled.mistakes).most_common())


def _show(compiled: Compiled) -> None:
    for mistake in compiled.mistakes:
        typer.echo(mistake.render() + "\n")
    for warning in compiled.warnings:
        typer.echo("warning: " + warning.render() + "\n")
    summary = compiled.summary
    loads, applies = ("loads", "applies") if summary.loaded == 1 else ("load", "apply")
    parsed = f"{_counted(summary.parsed, 'document')} parsed, {_counted(summary.loaded, 'rule')} {loads}"
    typer.echo(f"{_counted(summary.files, 'file')}: {parsed}, {summary.applies} {applies}")
    places = Counter(compiled.decided.values())
    for where in sorted(places):
        typer.echo(f"  decided {'by' if where == 'record' else 'on the'} {where}: {places[where]}")
    for kind, count in refused(compiled).items():
        typer.echo(f"  refused, {kind}: {count}")
    if compiled.ruleset is not None:
        counters = _counted(len(compiled.ruleset.counters), "counter")
        typer.echo(f"{_counted(len(compiled.tests), 'test')}, {counters}, digest {compiled.ruleset.digest[:12]}")
    typer.echo(f"{_counted(len(compiled.mistakes), 'mistake')}, {_counted(len(compiled.warnings), 'warning')}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
