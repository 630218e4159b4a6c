"""``authorize``: a REST API's REQUEST authorizer. One Verdict for each request; a failure never lets a stack trace out.

One page: the work is in ``gateways.rest_authorizer`` and ``judgement.judge``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from os import environ
from time import time
from typing import Any

from ostiary.gateways import failure, rest_authorizer
from ostiary.judgement.judge import Judge
from ostiary.ruleset import artefact
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError, OstiaryError, StoreError
from ostiary.vocabulary.ports import Clock, StateStore
from ostiary.vocabulary.rule import Mode, Ruleset

Event = Mapping[str, Any]
Handler = Callable[[Event, object], dict[str, object]]
Log = Callable[[str], None]


def assemble(settings: Settings, *, ruleset: Ruleset, store: StateStore, clock: Clock, log: Log) -> Handler:
    """The handler, with everything it works on."""
    judge = Judge(ruleset, store, clock, settings, log)

    def handle(event: Event, context: object) -> dict[str, object]:
        if rest_authorizer.is_preflight(event):
            return rest_authorizer.to_preflight_answer(event)
        now = clock.now()
        try:
            request = rest_authorizer.to_request(event, settings, now)
            verdict = judge.judge(request)
        except (EventError, StoreError) as error:
            return unjudged(event, error, settings, now, failure.mode_for(error, store, settings), log)
        return rest_authorizer.to_answer(verdict, request, settings)

    return handle


def unjudged(event: Event, error: OstiaryError, settings: Settings, now: float, mode: Mode, log: Log) -> dict[str, object]:
    """The configured fail mode, as a policy and as one line in the log."""
    request = rest_authorizer.with_arn(failure.bare_request(event, rest_authorizer.GATEWAY, now), event)
    verdict = failure.verdict_on(error, request, settings, mode)
    log(failure.line(verdict, error))
    return rest_authorizer.to_answer(verdict, request, settings)


def write_line(line: str) -> None:
    """One JSON line on standard output, where Lambda's log takes it from."""
    sys.stdout.write(line + "\n")


@cache
def settings_of_process() -> Settings:
    return Settings.from_environment(environ)


@cache
def handler_of_process() -> Handler:
    """The handler over DynamoDB and the packaged artefact. Raises ``ArtefactError`` for one that must not become active."""
    # Imported here, since local runs assemble this handler over other stores.
    from ostiary.stores.clock import SystemClock
    from ostiary.stores.dynamodb import DynamoStateStore

    settings = settings_of_process()
    clock = SystemClock()
    ruleset = artefact.load(settings.ruleset.read_bytes())
    store = DynamoStateStore(settings, clock=clock)
    store.warm()
    return assemble(settings, ruleset=ruleset, store=store, clock=clock, log=write_line)


def handler(event: Event, context: object) -> dict[str, object]:
    """Lambda's entry point."""
    try:
        handle = handler_of_process()
    except (StoreError, OSError) as error:
        broken = error if isinstance(error, StoreError) else StoreError(f"the artefact can't be read ({type(error).__name__})")
        settings = settings_of_process()
        # Nothing is at work that could ask the kill switch, so the configured mode has to do.
        return unjudged(event, broken, settings, time(), settings.mode, write_line)
    return handle(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in environ:
    # In the init phase, which is not billed as latency; what fails here is told to each request.
    with suppress(StoreError, OSError):
        handler_of_process()
