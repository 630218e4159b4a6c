"""``ostiary demo``: a day of generated traffic through the whole gate, and what an analyst sees of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json, errors

if TYPE_CHECKING:
    from rich.console import Console

    from ostiary.local.demo import KindReport
    from ostiary.local.play import Report
    from ostiary.local.traffic import Day
    from ostiary.vocabulary.rule import Ruleset

SEED = 7
NEXT = """[bold]How to go on[/]
  ostiary check rules/                      every mistake of your rules, with file, line and a hint
  ostiary test rules/                       the rules' own tests
  ostiary dev                               the gate on http://127.0.0.1:8787, in front of a small model API
  ostiary play traffic.jsonl --rules rules/ your own recorded requests
  make test-stack                           sam build, deployed to a local stack"""


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    store: Annotated[str, typer.Option("--store", help="moto, memory, or the base URL of a DynamoDB endpoint.")] = "moto",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the generated day.")] = SEED,
    format: FormatOption = None,
) -> None:
    """Play a generated day of traffic, and show what came of it.

    It is judged by the starter pack, on moto's DynamoDB. The day has benign callers (chat, retrieval, a nightly batch job, an
    evaluation harness, an LLM judge, a coding agent) and a templated harvest, a logit probe and a hammering key. The last line of
    --format json is that of ostiary play, with benign_refused.

    Exit code 1: a benign request was refused, or a request has no verdict.
    """
    from ostiary.cli.play import complain, progress_bar
    from ostiary.cli.report import show
    from ostiary.cli.rules import compiled
    from ostiary.local.demo import benign_refused, by_kind
    from ostiary.local.handlers import shipped
    from ostiary.local.play import play
    from ostiary.local.traffic import generate

    how = chosen(format)
    steps = _Steps()
    ruleset = compiled([shipped("rules")], format)
    steps.done(f"checked and compiled {len(ruleset.rules)} rules, digest {ruleset.digest[:12]}")
    day = generate(seed)
    steps.done(f"generated a day of {len(day.requests):,} requests of {len(day.kinds)} accounts, seed {seed}")
    with progress_bar() as progress:
        report = play(day.requests, ruleset, store=store, progress=progress)
    steps.done(f"played it on {store}: {report.verdicts:,} verdicts")
    complain(report)
    kinds = by_kind(day, report)
    refused = benign_refused(kinds)
    if how is Format.JSON:
        emit_json({**report.line(), "benign_refused": refused})
    else:
        out = console()
        show(report, ruleset, out)
        _show_kinds(kinds, out)
        _show_case(day, report, ruleset, out)
        out.print(NEXT)
    if refused or report.problems:
        typer.echo(f"ostiary: {refused} benign requests were refused", err=True)
        raise typer.Exit(1)


class _Steps:
    """Announces each step on stderr, with its time."""

    def __init__(self) -> None:
        self._console = errors()
        self._started = time.perf_counter()

    def done(self, what: str) -> None:
        now = time.perf_counter()
        self._console.print(f"[dim]{now - self._started:6.1f} s[/]  {what}", markup=True)
        self._started = now


def _show_kinds(kinds: tuple[KindReport, ...], out: Console) -> None:
    from ostiary.cli.report import table

    found = table("Callers, by kind", "kind", "accounts", "requests", "refused", "withheld", "stage")
    for one in kinds:
        colour = "red" if one.benign and one.refused else "green" if one.benign else "yellow"
        numbers = (one.accounts, one.requests, one.refused, one.withheld)
        found.add_row(f"[{colour}]{one.kind}[/]", *(f"{number:,}" for number in numbers), ", ".join(one.stages) or "none")
    out.print(found)


def _show_case(day: Day, report: Report, ruleset: Ruleset, out: Console) -> None:
    """The harvester's Case, step by step: what moved it, by which Finding, and how the steps hold together."""
    from ostiary.cli.report import show_case
    from ostiary.local.play import name_of

    for case in report.cases:
        if day.kinds.get(name_of(case.account)) == "harvest":
            show_case(case, ruleset, out)
