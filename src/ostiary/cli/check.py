"""``ostiary check``: every mistake in some folders of rules, and where each rule is decided."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json

if TYPE_CHECKING:
    from ostiary.language.compile import Compiled

_SHOWN_REASONS = 8
"""Names of one kind of reason in the text; JSON has all."""
_NEVER = {
    "logsource": "another log source",
    "field": "no request has its fields",
    "keywords": "keywords of an application's log",
    "list": "a list is missing",
    "rule": "its rule never applies",
}
PathsArgument = Annotated[list[Path], typer.Argument(metavar="PATHS...", help="Folders of rules, or single files.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check")(check)


def check(
    paths: PathsArgument,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say where each rule is decided, or why it never applies.")] = False,
    output: FormatOption = None,
) -> None:
    """Find all mistakes in rules; exit 1 when there are any.

    A rule parses (it is grammar), loads (it can be evaluated), applies (requests have its fields).
    """
    compiled = examined(paths)
    if chosen(output) is Format.JSON:
        emit_json(report(compiled))
    else:
        _show(compiled, verbose)
    raise typer.Exit(1 if compiled.mistakes else 0)


def examined(paths: list[Path]) -> Compiled:
    """The compiled rules; what enforced ones lack beyond their text (a lookalike that their tests allow) is among the mistakes."""
    from dataclasses import replace

    from ostiary.language.compile import compile_paths
    from ostiary.local.rule_tests import readiness

    compiled = compile_paths(paths)
    unready = readiness(compiled)
    if unready:
        return replace(compiled, ruleset=None, mistakes=tuple(sorted((*compiled.mistakes, *unready))))
    return compiled


def report(compiled: Compiled) -> dict[str, Any]:
    """What ``--format json`` prints."""
    ruleset = compiled.ruleset
    return {
        "files": compiled.summary.files,
        "parsed": compiled.summary.parsed,
        "loaded": compiled.summary.loaded,
        "applies": compiled.summary.applies,
        "refused_rules": compiled.summary.refused,
        "tests": len(compiled.tests),
        "refused": refused(compiled),
        "decided": dict(compiled.decided),
        "because": dict(compiled.because),
        "never": {rule: {"kind": reason.kind, "names": reason.names} for rule, reason in compiled.never.items()},
        "never_by": never_by(compiled),
        "counters": len(ruleset.counters) if ruleset else None,
        "digest": ruleset.digest if ruleset else None,
        "mistakes": compiled.mistakes,
        "warnings": compiled.warnings,
    }


def refused(compiled: Compiled) -> dict[str, int]:
    """How many mistakes there are of each kind, the most frequent first."""
    return dict(Counter(mistake.kind for mistake in compiled.mistakes).most_common())


def never_by(compiled: Compiled) -> dict[str, dict[str, int]]:
    """Why loaded rules never apply: kind of reason → field, log source … → how many rules, the most frequent first."""
    found: dict[str, Counter[str]] = {}
    for reason in compiled.never.values():
        found.setdefault(reason.kind, Counter()).update(reason.names)
    return {kind: dict(names.most_common()) for kind, names in found.items()}


def _show(compiled: Compiled, verbose: bool) -> None:
    for mistake in compiled.mistakes:
        typer.echo(mistake.render() + "\n")
    for warning in compiled.warnings:
        typer.echo("warning: " + warning.render() + "\n")
    summary = compiled.summary
    loads, applies = ("loads", "applies") if summary.loaded == 1 else ("load", "apply")
    parsed = f"{_counted(summary.parsed, 'document')} parsed, {_counted(summary.loaded, 'rule')} {loads}"
    typer.echo(f"{_counted(summary.files, 'file')}: {parsed}, {summary.applies} {applies}, {summary.refused} refused")
    places = Counter(compiled.decided.values())
    for where in sorted(places):
        typer.echo(f"  decided {'by' if where == 'record' else 'on the'} {where}: {places[where]}")
    for kind, count in refused(compiled).items():
        typer.echo(f"  refused, {kind}: {count}")
    show_never(compiled)
    if verbose:
        _show_rules(compiled)
    if compiled.ruleset is not None:
        counters = _counted(len(compiled.ruleset.counters), "counter")
        typer.echo(f"{_counted(len(compiled.tests), 'test')}, {counters}, digest {compiled.ruleset.digest[:12]}")
    typer.echo(f"{_counted(len(compiled.mistakes), 'mistake')}, {_counted(len(compiled.warnings), 'warning')}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def show_never(compiled: Compiled) -> None:
    """Why loaded rules never apply, in a few lines."""
    for kind, names in never_by(compiled).items():
        shown = [f"{name} {count}" for name, count in list(names.items())[:_SHOWN_REASONS]]
        more = [f"and {len(names) - _SHOWN_REASONS} more"] if len(names) > _SHOWN_REASONS else []
        rules = sum(reason.kind == kind for reason in compiled.never.values())
        typer.echo(f"  does not apply, {_NEVER[kind]}: {rules} ({', '.join(shown + more)})")


def _show_rules(compiled: Compiled) -> None:
    titles = {rule.id: rule.title for rule in compiled.ruleset.rules} if compiled.ruleset else {}
    table = Table("rule", "title", "decided by", "why", box=None, pad_edge=False)
    for rule, where in compiled.decided.items():
        table.add_row(rule, titles.get(rule, ""), where, compiled.because.get(rule, ""))
    for rule, reason in compiled.never.items():
        table.add_row(rule, titles.get(rule, ""), "never", f"{_NEVER[reason.kind]}: {', '.join(reason.names)}")
    console().print(table)
