"""``proxy``: a REST API's proxy integration. It sees the body, judges, and forwards what is allowed to the upstream.

One page: the work is in ``gateways.rest_proxy``, ``gateways.forward`` and ``judgement.judge``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from os import environ
from time import time
from typing import Any

from ostiary.gateways import failure, rest_proxy
from ostiary.gateways.answering import answer
from ostiary.gateways.forward import ForwardedAnswer, ForwardedRequest, Forwarder, UpstreamError
from ostiary.judgement.judge import Judge
from ostiary.ruleset import artefact
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError, OstiaryError, StoreError
from ostiary.vocabulary.ports import Clock, StateStore
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.rule import Mode, Ruleset
from ostiary.vocabulary.verdict import Effect, Verdict

Event = Mapping[str, Any]
Handler = Callable[[Event, object], dict[str, object]]
Forward = Callable[[ForwardedRequest], ForwardedAnswer]
Log = Callable[[str], None]


def assemble(settings: Settings, *, ruleset: Ruleset, store: StateStore, clock: Clock, log: Log, forward: Forward) -> Handler:
    """The handler, with everything it works on."""
    judge = Judge(ruleset, store, clock, settings, log)

    def handle(event: Event, context: object) -> dict[str, object]:
        now = clock.now()
        try:
            if rest_proxy.is_preflight(event):
                return preflight(event, settings, now, log, forward)
            request = rest_proxy.to_request(event, settings, now)
            verdict = judge.judge(request)
        except (EventError, StoreError) as error:
            return unjudged(event, error, settings, now, failure.mode_for(error, store, settings), log, forward)
        return carried_out(verdict, request, request.onward, settings, log, forward)

    return handle


def carried_out(
    verdict: Verdict, request: Request, onward: ForwardedRequest, settings: Settings, log: Log, forward: Forward
) -> dict[str, object]:
    """A refusal as it is; what is allowed goes to the upstream, and its answer back."""
    found = answer(verdict, request, settings)
    if found.problem is not None:
        return rest_proxy.to_answer(verdict, request, settings)
    try:
        return rest_proxy.to_forwarded_answer(forward(onward.with_headers(found.upstream)), found.headers)
    except UpstreamError as error:
        log(json.dumps({"ostiary.upstream": {"verdict": verdict.id, "message": str(error)}}))
        failed = replace(verdict, effect=Effect("denied", reason="service_unavailable"))
        return {**rest_proxy.to_answer(failed, request, settings), "statusCode": 504 if error.timeout else 502}


def preflight(event: Event, settings: Settings, now: float, log: Log, forward: Forward) -> dict[str, object]:
    """A CORS preflight gets no verdict; the upstream answers it."""
    onward = rest_proxy.to_forward(event)
    try:
        return rest_proxy.to_forwarded_answer(forward(onward))
    except UpstreamError as error:
        log(json.dumps({"ostiary.upstream": {"verdict": None, "message": str(error)}}))
        request = failure.bare_request(event, rest_proxy.GATEWAY, now)
        closed = failure.verdict_on(error, request, replace(settings, on_error="closed"), settings.mode)
        return rest_proxy.to_answer(closed, request, settings)


def unjudged(
    event: Event, error: OstiaryError, settings: Settings, now: float, mode: Mode, log: Log, forward: Forward
) -> dict[str, object]:
    """The configured fail mode, as an answer and as one line in the log. What can't even be forwarded is refused."""
    request = failure.bare_request(event, rest_proxy.GATEWAY, now)
    try:
        onward = rest_proxy.to_forward(event)
    except EventError:
        onward, settings = ForwardedRequest("GET", "/"), replace(settings, on_error="closed")
    verdict = failure.verdict_on(error, request, settings, mode)
    log(failure.line(verdict, error))
    return carried_out(verdict, request, onward, settings, log, forward)


def write_line(line: str) -> None:
    """One JSON line on standard output, where Lambda's log takes it from."""
    sys.stdout.write(line + "\n")


@cache
def settings_of_process() -> Settings:
    return Settings.from_environment(environ)


@cache
def forwarder_of_process() -> Forwarder:
    return Forwarder(settings_of_process().upstream)


@cache
def handler_of_process() -> Handler:
    """The handler over DynamoDB, the packaged artefact and the upstream. Raises ``ArtefactError`` for one that must not become active."""
    # Imported here, since local runs assemble this handler over other stores.
    from ostiary.stores.clock import SystemClock
    from ostiary.stores.dynamodb import DynamoStateStore

    settings = settings_of_process()
    clock = SystemClock()
    ruleset = artefact.load(settings.ruleset.read_bytes())
    store = DynamoStateStore(settings, clock=clock)
    store.warm()
    return assemble(settings, ruleset=ruleset, store=store, clock=clock, log=write_line, forward=forwarder_of_process())


def handler(event: Event, context: object) -> dict[str, object]:
    """Lambda's entry point."""
    try:
        handle = handler_of_process()
    except (StoreError, OSError) as error:
        broken = error if isinstance(error, StoreError) else StoreError(f"the artefact can't be read ({type(error).__name__})")
        settings = settings_of_process()
        # Nothing is at work that could ask the kill switch, so the configured mode has to do.
        return unjudged(event, broken, settings, time(), settings.mode, write_line, forwarder_of_process())
    return handle(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in environ:
    # In the init phase, which is not billed as latency; what fails here is told to each request.
    with suppress(StoreError, OSError):
        handler_of_process()
