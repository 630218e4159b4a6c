"""``ostiary case``: the Cases, one Case's history, and its release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json
from ostiary.vocabulary.state import STAGES

if TYPE_CHECKING:
    from rich.table import Table

    from ostiary.cli.deployed import Deployed
    from ostiary.vocabulary.case import Action, Case
    from ostiary.vocabulary.ports import NoticeSink

AccountArgument = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="The account's id; or a principal's key, such as address#192.0.2.7.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Cases: what happened to an account over time, and its release.")
    group.command("list")(list_cases)
    group.command("show")(show)
    group.command("release")(release)
    app.add_typer(group, name="case")


def list_cases(
    stage: Annotated[str, typer.Option(metavar="|".join(STAGES), help="Only Cases at this stage.")] = "",
    format: FormatOption = None,
) -> None:
    """List the Cases, last moved first."""
    from ostiary.cli.deployed import deployed

    if stage and stage not in STAGES:
        raise typer.BadParameter(f"{stage!r} is no stage; there are {', '.join(STAGES)}", param_hint="--stage")
    cases = deployed().cases.cases(stage or None)
    if chosen(format) is Format.JSON:
        emit_json([_summary(case) for case in cases])
    else:
        _print_cases(cases)


def show(account: AccountArgument, format: FormatOption = None) -> None:
    """Show a Case: its stage, each step of its history, what waits to be done. Exit code 1 when there is none."""
    from ostiary.cli.deployed import deployed
    from ostiary.enforcement.history import broken

    stores = deployed()
    key = _key(account)
    case = stores.cases.load(key)
    if case is None:
        typer.echo(f"ostiary: {key} has no case; `ostiary case list` shows those there are", err=True)
        raise typer.Exit(1)
    waiting = stores.cases.waiting(key)
    damaged = broken(case.steps)
    if chosen(format) is Format.JSON:
        emit_json({"case": _plain(case), "waiting": [_plain(action) for action in waiting], "chain_broken_at": damaged})
    else:
        _print_case(case, list(waiting), damaged)


def release(
    account: AccountArgument,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who releases it; kept in the history.")],
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the history.")],
    format: FormatOption = None,
) -> None:
    """Release an account: stage none, no strikes, older Findings don't count again. In force within 5 seconds."""
    from ostiary.cli.deployed import deployed
    from ostiary.enforcement.outbox import Outbox
    from ostiary.enforcement.policy import WATCH_ONLY
    from ostiary.enforcement.process import release_case
    from ostiary.stores.clock import SystemClock

    for option, text in (("--by", by), ("--note", note)):
        if not text.strip():
            raise typer.BadParameter("it is kept in the history, so it can't be empty", param_hint=option)
    stores = deployed()
    outbox = Outbox(WATCH_ONLY, stores.cases, stores.state, _notices(stores), SystemClock(), lambda line: None, stores.settings.mode)
    case = release_case(outbox, _key(account), by=by, note=note, appeal=stores.settings.appeal)
    if chosen(format) is Format.JSON:
        emit_json(_summary(case))
    else:
        from ostiary.local.play import name_of

        told = f"{name_of(case.account)} is released (version {case.version}); requests see it within 5 seconds"
        console().print(told, markup=False)


def _key(account: str) -> str:
    from ostiary.cli.account import principal_of_argument

    return principal_of_argument(account).key


def _notices(stores: Deployed) -> NoticeSink:
    from ostiary.actions.sinks import EverySink, configured

    settings = stores.settings
    if not (settings.notice_topic or settings.notice_bus):
        return EverySink(())
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    def client(service: str) -> Any:
        return boto3.client(service, region_name=settings.region, endpoint_url=settings.endpoint or None)

    return configured(settings, client, (BotoCoreError, ClientError))


def _plain(found: Case | Action) -> dict[str, object]:
    """All of it, with ``account`` as people name it, as everywhere, and ``principal``, the key that is stored."""
    from ostiary.local.play import name_of
    from ostiary.vocabulary.plain import to_plain

    return {**to_plain(found), "account": name_of(found.account), "principal": found.account}


def _summary(case: Case) -> dict[str, object]:
    from ostiary.local.play import name_of

    return {
        "account": name_of(case.account),
        "principal": case.account,
        "stage": case.stage,
        "until": case.until,
        "version": case.version,
        "strikes": case.strikes,
        "rules": list(case.rules),
        "opened": case.opened,
        "updated": case.updated,
    }


def _print_cases(cases: Any) -> None:
    from rich.markup import escape

    from ostiary.cli.report import moment, table
    from ostiary.local.play import name_of

    if not cases:
        console().print("no cases", markup=False)
        return
    found = table("Cases", "account", "stage", "until (UTC)", "strikes", "rules", "moved (UTC)", whole=False)
    for case in cases:
        until = moment(case.until) if case.until is not None else ""
        rules = "\n".join(case.rules)
        found.add_row(escape(name_of(case.account)), case.stage, until, str(case.strikes), escape(rules), moment(case.updated))
    console().print(found)


def _print_case(case: Case, waiting: list[Action], damaged: int | None) -> None:
    from ostiary.cli.account import instant
    from ostiary.local.play import name_of

    out = console()
    out.print(f"{case.stage}  {name_of(case.account)}", style="bold", markup=False)
    out.print(f"{'until':<12} {instant(case.until) if case.until is not None else 'no end'}", markup=False)
    out.print(f"{'strikes':<12} {case.strikes}", markup=False)
    out.print(_steps(case))
    out.print(f"{'history':<12} " + ("the chain holds" if damaged is None else f"BROKEN at step {damaged}"), markup=False)
    for action in waiting:
        tries = f"{action.attempts} tries: {action.error or 'not tried'}"
        out.print(f"{action.status:<12} {action.name} of step {action.version}, {tries}", markup=False)


def _steps(case: Case) -> Table:
    """The history, narrow enough for a terminal of 80 columns: what belongs together shares a cell."""
    from rich.markup import escape

    from ostiary.cli.report import moment, table

    found = table("History", "step", "time (UTC)", "stage", "moved by", "rules", "strikes", "by")
    for step in case.steps:
        stage = step.stage if step.would == step.stage else f"{step.stage}\nwould be {step.would}"
        cause = "\n".join(filter(None, (step.production, step.cause)))
        who = "\n".join(filter(None, (step.by, step.note)))
        words = map(escape, (stage, cause, "\n".join(step.rules)))
        found.add_row(str(step.version), moment(step.time), *words, str(step.strikes), escape(who))
    return found
