"""``ostiary verdict``: what was decided about one request, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json

if TYPE_CHECKING:
    from ostiary.vocabulary.verdict import Effect, Verdict


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="What was decided about one request, and why.")
    group.callback()(lambda: None)
    group.command("show")(show)
    app.add_typer(group, name="verdict")


def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="The verdict's id: the request's, as a refusal tells it.")],
    format: FormatOption = None,
) -> None:
    """Show a verdict: outcome, rules, counts against limits, enforcement. Exit code 1 when there is none of that id."""
    from ostiary.cli.deployed import deployed

    verdict = deployed().verdicts.get(id) if id else None
    if verdict is None:
        typer.echo(f"ostiary: no verdict {id!r}: it expired, the stream has not brought it yet, or the id is another gate's", err=True)
        raise typer.Exit(1)
    if chosen(format) is Format.JSON:
        emit_json(verdict)
    else:
        _print(verdict)


def _print(verdict: Verdict) -> None:
    from rich.table import Table

    from ostiary.cli.account import instant

    out = console()
    out.print(f"{verdict.effect.outcome}  {verdict.id}", style="bold", markup=False)
    lines = {
        "time": instant(verdict.time),
        "principal": verdict.principal,
        "request": f"{verdict.method} {verdict.path} ({verdict.gateway})",
        "effect": _effect(verdict.effect),
        "would": _effect(verdict.would),
        "mode": verdict.mode,
        "enforcement": f"{verdict.enforcement.stage} (case {verdict.enforcement.case})" if verdict.enforcement else "none",
        "exemption": verdict.exemption or "none",
        "degraded": "yes" if verdict.degraded else "no",
        "ruleset": verdict.digest[:12],
        "evaluation": f"{verdict.evaluation_us} µs",
    }
    for name, text in lines.items():
        out.print(f"{name:<12} {text}", markup=False)
    if verdict.rules:
        table = Table("rule", "id", "version", "level", "mode")
        for rule in verdict.rules:
            table.add_row(rule.title, rule.id, rule.version, rule.level, rule.mode)
        out.print(table)
    if verdict.counts:
        table = Table("counted by", "used", "of", "in seconds", "room again in")
        titles = {rule.id: rule.title for rule in verdict.rules}
        for count in verdict.counts:
            named = titles.get(count.rule) or count.rule
            table.add_row(named, str(count.used), str(count.max), str(count.timespan), f"{count.reset:.1f} s")
        out.print(table)


def _effect(effect: Effect) -> str:
    parts: list[str] = [effect.outcome]
    if effect.reason != "none":
        parts.append(effect.reason)
    if effect.rule:
        parts.append(f"by {effect.rule}")
    if effect.withhold:
        parts.append(f"without {', '.join(effect.withhold)}")
    return ", ".join(parts)
