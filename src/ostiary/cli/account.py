"""``ostiary account``: facts about an account, its keys, and what the gate knows of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json
from ostiary.vocabulary.request import Principal, Scalar

if TYPE_CHECKING:
    from ostiary.vocabulary.state import Enforcement, State
    from ostiary.vocabulary.verdict import Verdict

FACT_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
RESERVED_FACTS = frozenset({"id"})
"""``account.id`` is the verified account itself, never a fact about it."""
MAX_FACT_CHARS = 1024
MAX_KEY_CHARS = 4096
SHOWN_VERDICTS = 10

AccountArgument = Annotated[str, typer.Argument(metavar="ID", help="The account's id; or a principal's key, such as address#192.0.2.7.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Facts about an account, its keys, and what the gate knows of it.")
    group.command("set")(set_facts)
    group.command("show")(show)
    group.command("key")(key)
    app.add_typer(group, name="account")


def set_facts(
    account: AccountArgument,
    facts: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="plan=pro, research=true, seats=12; NAME= removes it.")],
    format: FormatOption = None,
) -> None:
    """Set facts that rules read as account.NAME, from the next request on.

    true and false are booleans, 12 and 0.5 numbers, anything else is text; "12" in quotes is text too.
    """
    from ostiary.cli.deployed import deployed

    principal = principal_of_argument(account)
    read = dict(_fact(text) for text in facts)
    store = deployed().state
    store.set_facts(principal, read)
    if chosen(format) is Format.JSON:
        emit_json({"account": principal.id, "set": read})
        return
    for name, value in read.items():
        console().print(f"{name} removed" if value is None else f"{name} = {json.dumps(value, ensure_ascii=False)}", markup=False)


def show(
    account: AccountArgument,
    verdicts: Annotated[int, typer.Option(min=0, max=100, help="How many of the newest verdicts.")] = SHOWN_VERDICTS,
    format: FormatOption = None,
) -> None:
    """Show facts, enforcement, and the newest verdicts. Exit code 1 when the gate has never met it."""
    from ostiary.cli.deployed import deployed

    principal = principal_of_argument(account)
    stores = deployed()
    state = stores.state.read(principal)
    newest = stores.verdicts.of(principal.key, verdicts) if verdicts else ()
    if state is None and not newest:
        typer.echo(f"ostiary: nothing is known of {principal.key}: it made no request, and no fact was set", err=True)
        raise typer.Exit(1)
    if chosen(format) is Format.JSON:
        emit_json(_described(principal, state, newest))
    else:
        _print(principal, state, newest)


def key(account: AccountArgument, format: FormatOption = None) -> None:
    """Register an API key, read from standard input, as this account's. Only its keyed hash is stored."""
    from ostiary.cli.deployed import deployed
    from ostiary.gateways.credential import credential_id

    if account.startswith("address#"):
        raise typer.BadParameter("a key belongs to an account, not to an address")
    principal = principal_of_argument(account)
    stores = deployed()
    text = _read_key()
    credential = credential_id(stores.settings.identifier_key, text)
    stores.state.set_credential(credential, principal.id)
    if chosen(format) is Format.JSON:
        emit_json({"account": principal.id, "credential": credential})
    else:
        console().print(f"credential {credential} belongs to {principal.id}", markup=False)


def principal_of_argument(text: str) -> Principal:
    """``acct-1`` is an account; ``account#…`` and ``address#…`` are keys, as verdicts and cases show them."""
    principal = Principal.of_key(text) if text.startswith(("account#", "address#")) else Principal("account", text)
    if not principal.id.strip() or not principal.id.isprintable():
        raise typer.BadParameter(f"{text!r} is no account id: it is empty or has characters that don't print")
    return principal


def _fact(text: str) -> tuple[str, Scalar]:
    name, equals, value = text.partition("=")
    name = name.removeprefix("account.")
    if not equals:
        raise typer.BadParameter(f"{text!r} has no =; write NAME=VALUE, such as plan=pro")
    if not FACT_NAME.fullmatch(name):
        raise typer.BadParameter(f"{name!r} is no fact's name: lower-case letters, digits, _ and . (plan, org.region)")
    if name in RESERVED_FACTS:
        raise typer.BadParameter(f"account.{name} is not a fact: it names the account itself")
    if len(value) > MAX_FACT_CHARS or not value.isprintable():
        raise typer.BadParameter(f"the value of {name} has over {MAX_FACT_CHARS} characters, or some that don't print")
    return f"account.{name}", _value(value)


def _value(text: str) -> Scalar:
    """A fact's value by its looks.

    >>> [_value(text) for text in ("pro", "true", "12", "0.5", '"12"', "1e3x", "")]
    ['pro', True, 12, 0.5, '12', '1e3x', None]
    """
    if not text:
        return None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,14})", text):
        return int(text)
    if re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", text):
        return float(text)
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def _read_key() -> str:
    given = typer.prompt("API key", hide_input=True) if sys.stdin.isatty() else sys.stdin.read(MAX_KEY_CHARS + 1)
    text = str(given).strip()
    if not text or len(text) > MAX_KEY_CHARS or not text.isprintable():
        raise typer.BadParameter(f"give one API key on standard input: 1 to {MAX_KEY_CHARS} characters on one line")
    return text


def _described(principal: Principal, state: State | None, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return {
        "principal": principal.key,
        "account": principal.id if principal.kind == "account" else None,
        "requests": state.seq if state else 0,
        "facts": dict(state.facts) if state else {},
        "enforcement": state.enforcement if state else None,
        "buckets": dict(state.buckets) if state else {},
        "verdicts": list(verdicts),
    }


def _print(principal: Principal, state: State | None, verdicts: Sequence[Verdict]) -> None:
    from rich.markup import escape

    from ostiary.cli.report import moment, table

    out = console()
    out.print(principal.key, style="bold", markup=False)
    if state is not None:
        out.print(f"requests     {state.seq}")
        for name, value in sorted(state.facts.items()):
            out.print(f"{name} = {json.dumps(value, ensure_ascii=False)}", markup=False)
        out.print(f"enforcement  {_enforcement(state.enforcement)}", markup=False)
    if verdicts:
        found = table("Newest verdicts", "verdict", "time (UTC)", "outcome", "reason", "rules")
        for verdict in verdicts:
            rules = "\n".join(rule.title or rule.id for rule in verdict.rules)
            found.add_row(escape(verdict.id), moment(verdict.time), verdict.effect.outcome, verdict.effect.reason, escape(rules))
        out.print(found)


def _enforcement(enforcement: Enforcement | None) -> str:
    if enforcement is None:
        return "none"
    until = "until it is released" if enforcement.until is None else f"until {instant(enforcement.until)}"
    return f"{enforcement.stage} {until} (case {enforcement.case}, version {enforcement.version})"


def instant(time: float) -> str:
    """Epoch seconds as RFC 3339 in UTC.

    >>> instant(1_700_000_000.25)
    '2023-11-14T22:13:20Z'
    """
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
