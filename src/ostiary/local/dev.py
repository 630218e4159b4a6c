"""The whole gate behind an HTTP server: handlers of one gateway, the asynchronous path beside them, an upstream behind."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ostiary.gateways import rest_proxy
from ostiary.gateways.forward import ForwardedAnswer, ForwardedRequest, Forwarder, UpstreamError
from ostiary.local.gateway import CRASHED, Answer, Call, authorizer_event, denied, proxy_answer, proxy_event, upstream_failed
from ostiary.local.handlers import Context, load
from ostiary.local.motoserver import LOCALHOST
from ostiary.local.pipeline import LogLines
from ostiary.local.play import LOCAL_SETTINGS, pipeline_of
from ostiary.local.server import GatewayName, LocalServer, Pump, ToldVerdicts, listening, server
from ostiary.local.services import Services, opened
from ostiary.local.upstream import WITHHOLD_HEADER
from ostiary.local.upstream import forward as built_in
from ostiary.stores.clock import SystemClock
from ostiary.vocabulary.ports import Clock
from ostiary.vocabulary.rule import Mode, Ruleset
from ostiary.vocabulary.verdict import Verdict

Forward = Callable[[ForwardedRequest], ForwardedAnswer]


@dataclass(frozen=True, slots=True)
class LocalGate:
    """A gate that listens. ``serve`` blocks until ``stop`` is called from another thread, or Ctrl-C."""

    url: str
    services: Services
    _socket: socket.socket
    _server: Any

    def serve(self) -> None:
        """Answers requests until it is stopped; on Ctrl-C it ends in order and raises ``KeyboardInterrupt``."""
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

    Everything that was made for it is gone afterwards. Raises ``SettingsError`` for a port that is taken.
    """
    clock = SystemClock()
    settings = replace(LOCAL_SETTINGS, mode=mode, upstream=upstream)
    with listening(port) as found, opened(store, settings, clock) as inner:
        services = replace(inner, verdicts=ToldVerdicts(inner.verdicts, tell))
        lines = LogLines()
        pump = Pump(pipeline_of(services, ruleset, clock, lines), complain)
        forward = Forwarder(upstream) if upstream else built_in
        app = LocalServer(answering(gateway, services, ruleset, clock, lines, forward), clock, pump.nudge)
        pump.start()
        try:
            yield LocalGate(f"http://{LOCALHOST}:{found.getsockname()[1]}", services, found, server(app))
        finally:
            pump.stop()


def answering(
    gateway: GatewayName, services: Services, ruleset: Ruleset, clock: Clock, lines: LogLines, forward: Forward
) -> Callable[[Call], Answer]:
    """What answers a Call at this gateway: a proxy integration alone, or an authorizer and, past it, the upstream."""
    ports: dict[str, Any] = {"ruleset": ruleset, "store": services.state, "clock": clock, "log": lines.log}
    if gateway == "rest-proxy":
        proxy = load("proxy").assemble(services.settings, **ports, forward=forward)
        return lambda call: proxy_answer(proxy(proxy_event(call), Context("proxy", call.id)))
    authorize = load("authorize").assemble(services.settings, **ports)

    def answer(call: Call) -> Answer:
        policy = authorize(authorizer_event(call), Context("authorize", call.id))
        if not isinstance(policy, Mapping):
            return CRASHED
        return denied(policy) or _forwarded(call, policy["context"], forward)

    return answer


def _forwarded(call: Call, context: Mapping[str, object], forward: Forward) -> Answer:
    """The upstream's answer to what an authorizer allowed; it is told what to withhold, as ``template.yaml`` maps the context."""
    told = (WITHHOLD_HEADER, str(context.get("withhold", "")))
    try:
        found = forward(rest_proxy.to_forward(proxy_event(call)).with_headers([told]))
    except UpstreamError as error:
        return upstream_failed(timeout=error.timeout)
    return Answer(found.status, found.headers, found.body)
