"""``ostiary dev``: the gate as an HTTP server on this machine."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json
from ostiary.cli.play import ModeOption, RulesOption

if TYPE_CHECKING:
    from ostiary.local.dev import LocalGate
    from ostiary.vocabulary.verdict import Verdict

GatewayName = Literal["rest-proxy", "rest-authorizer"]
MAX_PORT = 65_535
COLOURS = {"allowed": "green", "throttled": "yellow", "denied": "red"}
StoreOption = Annotated[
    str, typer.Option("--store", help="memory, moto, or the base URL of a DynamoDB endpoint, where missing tables are made and kept.")
]
SECRETS = ("OSTIARY_IDENTIFIER_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""Variables that another terminal needs, and that are shown only where this gate made them up."""


def register(app: typer.Typer) -> None:
    app.command("dev")(dev)


def dev(
    port: Annotated[int, typer.Option("--port", min=0, max=MAX_PORT, help="Port on 127.0.0.1; 0 takes a free one.")] = 8787,
    upstream: Annotated[str, typer.Option("--upstream", help="Base URL to forward to. Without it: a small built-in model API.")] = "",
    store: StoreOption = "memory",
    rules: RulesOption = None,
    mode: ModeOption = "enforce",
    gateway: Annotated[GatewayName, typer.Option("--gateway", help="Whose events the handlers get.")] = "rest-proxy",
    format: FormatOption = None,
) -> None:
    """Run the gate as an HTTP server on 127.0.0.1, and print each verdict.

    The real handlers stand in front of an upstream. What they refuse, the caller sees as the gateway would answer. The header
    x-ostiary-dev-account names the account that counts as verified; it exists here alone and goes no further. Ctrl-C ends it.

    On moto or an endpoint, the tables are those of OSTIARY_STATE_TABLE, OSTIARY_VERDICT_TABLE and OSTIARY_CASE_TABLE. What it prints
    first is the environment in which ostiary mode, account, case and verdict work on them from another terminal. There --mode is
    what ostiary mode shows, unless that was set before; then the stored mode counts.
    """
    from ostiary.cli.rules import compiled, default_rules
    from ostiary.local.dev import opened_gate

    how = chosen(format)
    ruleset = compiled(rules or [default_rules()], format)
    options: dict[str, Any] = {"store": store, "mode": mode, "gateway": gateway, "upstream": upstream}
    with _until_a_signal(), opened_gate(ruleset, port=port, tell=_teller(how), complain=_complain, **options) as gate:
        if gate.mode != mode:
            _complain(f"the mode of these tables is {gate.mode}, so --mode {mode} does nothing; `ostiary mode {mode}` changes it")
        if how is Format.JSON:
            emit_json({"listening": gate.url, "mode": gate.mode, "environment": gate.environment})
        else:
            console().print(f"listening on [bold]{gate.url}[/], {gateway} in {gate.mode} mode, {len(ruleset.rules)} rules; Ctrl-C ends it")
            _print_administration(gate)
        gate.serve()


@contextmanager
def _until_a_signal() -> Iterator[None]:
    """Ctrl-C and SIGTERM both end the block in order, with what it opened, and are no failure."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _print_administration(gate: LocalGate) -> None:
    """A line to paste into another terminal, before ``ostiary mode`` and the like."""
    if not gate.environment:
        return
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in gate.environment.items())
    here = [name for name in SECRETS if name not in gate.environment]
    console().print("ostiary mode, account, case and verdict look after it from another terminal, after", markup=False)
    console().print(f"  export {words}", markup=False)
    if here:
        console().print(f"  with {', '.join(here)} as they are here", markup=False)


def _complain(text: str) -> None:
    typer.echo(f"ostiary: {text}", err=True)


def _teller(how: Format) -> Callable[[Verdict], None]:
    from rich.markup import escape

    from ostiary.cli.report import moment

    lock = threading.Lock()

    def tell(verdict: Verdict) -> None:
        with lock:
            if how is Format.JSON:
                emit_json(_plain(verdict))
                return
            effect = verdict.effect
            outcome = effect.outcome + (f", without {' and '.join(effect.withhold)}" if effect.withhold else "")
            rules = ", ".join(rule.title for rule in verdict.rules) or "no rule matched"
            who = verdict.account or verdict.principal
            console().print(
                f"[dim]{moment(verdict.time)}[/] {escape(who)} [{COLOURS[effect.outcome]}]{outcome}[/] "
                f"{escape(verdict.method)} {escape(verdict.path)} [dim]{escape(rules)}, {verdict.evaluation_us} µs[/]"
            )

    return tell


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {
        "id": verdict.id,
        "time": verdict.time,
        "account": verdict.account,
        "address": verdict.address,
        "method": verdict.method,
        "path": verdict.path,
        "outcome": verdict.effect.outcome,
        "reason": verdict.effect.reason,
        "withhold": verdict.effect.withhold,
        "rules": [rule.id for rule in verdict.rules],
        "would": verdict.would.outcome,
        "mode": verdict.mode,
        "degraded": verdict.degraded,
        "evaluation_us": verdict.evaluation_us,
    }
