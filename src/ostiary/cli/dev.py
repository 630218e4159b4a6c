"""``ostiary dev``: the gate as an HTTP server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json
from ostiary.cli.play import ModeOption, RulesOption, StoreOption

if TYPE_CHECKING:
    from ostiary.vocabulary.verdict import Verdict

GatewayName = Literal["rest-proxy", "rest-authorizer"]
MAX_PORT = 65_535
COLOURS = {"allowed": "green", "throttled": "yellow", "denied": "red"}


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
    """
    from ostiary.cli.rules import compiled, default_rules
    from ostiary.local.dev import opened_gate

    how = chosen(format)
    ruleset = compiled(rules or [default_rules()], format)
    options: dict[str, Any] = {"store": store, "mode": mode, "gateway": gateway, "upstream": upstream}
    with opened_gate(ruleset, port=port, tell=_teller(how), complain=_complain, **options) as gate:
        if how is Format.JSON:
            emit_json({"listening": gate.url})
        else:
            console().print(f"listening on [bold]{gate.url}[/], {gateway} in {mode} mode, {len(ruleset.rules)} rules; Ctrl-C ends it")
        try:
            gate.serve()
        except KeyboardInterrupt:
            return  # uvicorn has stopped in order and raises the signal again.


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
