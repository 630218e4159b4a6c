"""The whole gate behind an HTTP server: handlers of one gateway, the asynchronous path beside them, an upstream behind."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ostiary.gateways import rest_proxy
from ostiary.gateways.forward import ForwardedAnswer, ForwardedRequest, Forwarder, UpstreamError
from ostiary.local.gateway import Answer, Call, authorizer_event, proxy_answer, proxy_event, unauthorised, upstream_failed
from ostiary.local.handlers import Context, load
from ostiary.local.motoserver import LOCALHOST
from ostiary.local.pipeline import LogLines
from ostiary.local.play import LOCAL_SETTINGS, pipeline_of
from ostiary.local.server import GatewayName, LocalServer, Pump, ToldVerdicts, listening, server
from ostiary.local.services import MADE_UP, Services, opened
from ostiary.local.upstream import WITHHOLD_HEADER
from ostiary.local.upstream import forward as built_in
from ostiary.settings import Settings
from ostiary.stores.clock import SystemClock
from ostiary.vocabulary.ports import AdminStore, Clock
from ostiary.vocabulary.rule import Mode, Ruleset
from ostiary.vocabulary.verdict import Verdict

Forward = Callable[[ForwardedRequest], ForwardedAnswer]


@dataclass(frozen=True, slots=True)
class LocalGate:
    """A gate that listens. ``serve`` blocks until ``stop`` is called from another thread, or Ctrl-C."""

    url: str
    services: Services
    mode: Mode
    """The one in force at the start: that of the tables, where somebody set it before."""
    environment: Mapping[str, str]
    """What another process needs in its environment to look after this gate; empty where none can, since memory is this process's."""
    _socket: socket.socket
    _server: Any

    def serve(self) -> None:
        """Answers requests until it is stopped; on a signal it ends in order, and then the signal is raised again."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Lets ``serve`` end after the requests that are being answered."""
        self._server.should_exit = True


@contextmanager
def opened_gate(
    ruleset: Ruleset,
    *,
    port: int,
    tell: Callable[[Verdict], None],
    complain: Callable[[str], None],
    store: str = "memory",
    mode: Mode = "enforce",
    gateway: GatewayName = "rest-proxy",
    upstream: str = "",
) -> Iterator[LocalGate]:
    """A gate on 127.0.0.1 (``port`` 0: a free one); ``tell`` gets every Verdict once it is kept, ``complain`` what went wrong.

    The tables are those that the environment names (``OSTIARY_STATE_TABLE`` …), so that the commands which look after a gate find
    them; at an endpoint they stay, all else is gone afterwards. ``mode`` becomes the kill switch where none is set yet. Raises
    ``SettingsError`` for a port that is taken.
    """
    clock = SystemClock()
    settings = replace(LOCAL_SETTINGS if store == "memory" else _of_environment(os.environ), mode=mode, upstream=upstream)
    with listening(port) as found, opened(store, settings, clock, shared=True) as inner:
        services = replace(inner, verdicts=ToldVerdicts(inner.verdicts, tell))
        in_force = _kill_switch(services.state, mode)
        environment = {} if store == "memory" else administration(services.settings, os.environ)
        lines = LogLines()
        pump = Pump(pipeline_of(services, ruleset, clock, lines), complain)
        forward = Forwarder(upstream) if upstream else built_in
        app = LocalServer(answering(gateway, services, ruleset, clock, lines, forward), clock, pump.nudge)
        pump.start()
        try:
            yield LocalGate(f"http://{LOCALHOST}:{found.getsockname()[1]}", services, in_force, environment, found, server(app))
        finally:
            pump.stop()


def _of_environment(environ: Mapping[str, str]) -> Settings:
    """A local gate's Settings with the names and the secret that the environment has: those that another process must share."""
    defaults = {"OSTIARY_IDENTIFIER_KEY": LOCAL_SETTINGS.identifier_key, "OSTIARY_APPEAL": LOCAL_SETTINGS.appeal}
    found = Settings.from_environment({**defaults, **environ})
    return replace(
        LOCAL_SETTINGS,
        state_table=found.state_table,
        verdict_table=found.verdict_table,
        case_table=found.case_table,
        region=found.region,
        identifier_key=found.identifier_key,
        appeal=found.appeal or LOCAL_SETTINGS.appeal,
    )


def administration(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which ``ostiary mode``, ``account``, ``case`` and ``verdict`` work on this gate's tables.

    A secret that ``environ`` holds is left out, since this is for showing; the made-up ones are no secrets.
    """
    found = {"OSTIARY_ENDPOINT": settings.endpoint}
    if "OSTIARY_IDENTIFIER_KEY" not in environ:
        found["OSTIARY_IDENTIFIER_KEY"] = settings.identifier_key
    found |= {"OSTIARY_APPEAL": settings.appeal, "AWS_REGION": settings.region}
    if not environ.get("AWS_ACCESS_KEY_ID"):
        found |= {"AWS_ACCESS_KEY_ID": MADE_UP.access_key, "AWS_SECRET_ACCESS_KEY": MADE_UP.secret_key}
    defaults = Settings()
    for variable, name, usual in (
        ("OSTIARY_STATE_TABLE", settings.state_table, defaults.state_table),
        ("OSTIARY_VERDICT_TABLE", settings.verdict_table, defaults.verdict_table),
        ("OSTIARY_CASE_TABLE", settings.case_table, defaults.case_table),
    ):
        if name != usual:
            found[variable] = name
    return found


def _kill_switch(state: AdminStore, wanted: Mode) -> Mode:
    """The mode in force: the stored one, else ``wanted``, which is stored, so that ``ostiary mode`` shows the truth."""
    stored = state.control(None, "monitor").mode
    if stored == state.control(None, "enforce").mode:
        return stored
    # Each default came back: there is no item.
    state.set_mode(wanted)
    return wanted


def answering(
    gateway: GatewayName, services: Services, ruleset: Ruleset, clock: Clock, lines: LogLines, forward: Forward
) -> Callable[[Call], Answer]:
    """What answers a Call at this gateway: a proxy integration alone, or an authorizer and, past it, the upstream."""
    ports: dict[str, Any] = {"ruleset": ruleset, "store": services.state, "clock": clock, "log": lines.log}
    if gateway == "rest-proxy":
        proxy = load("proxy").assemble(services.settings, **ports, forward=forward)
        return lambda call: proxy_answer(_invoked(proxy, proxy_event(call), Context("proxy", call.id)))
    authorize = load("authorize").assemble(services.settings, **ports)

    def answer(call: Call) -> Answer:
        policy = _invoked(authorize, authorizer_event(call), Context("authorize", call.id))
        return unauthorised(policy, call) or _forwarded(call, policy["context"], forward)

    return answer


def _invoked(handler: Callable[[dict[str, Any], Context], Any], event: dict[str, Any], context: Context) -> Any:
    """What the handler answers; None when it raises, whose traceback is logged: so Lambda's runtime treats a function's error."""
    try:
        return handler(event, context)
    except Exception:
        logging.getLogger(__name__).exception("%s failed", context.function_name)
        return None


def _forwarded(call: Call, context: Mapping[str, object], forward: Forward) -> Answer:
    """The upstream's answer to what an authorizer allowed; it is told what to withhold, as ``template.yaml`` maps the context."""
    told = (WITHHOLD_HEADER, str(context.get("withhold", "")))
    try:
        found = forward(rest_proxy.to_forward(proxy_event(call)).with_headers([told]))
    except UpstreamError as error:
        return upstream_failed(timeout=error.timeout)
    return Answer(found.status, found.headers, found.body)
