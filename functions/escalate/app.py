"""escalate: Findings from the FIFO queue move Cases; their Actions are performed.

One account's Findings come in order (the queue's message group). A Finding that fails goes back with the rest of its group;
the other groups go on. A scheduled event (no ``Records``) performs what still waits anywhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response

from ostiary.enforcement.durable import DurableEngine
from ostiary.enforcement.outbox import Outbox
from ostiary.enforcement.policy import parse
from ostiary.enforcement.process import Escalator
from ostiary.settings import Settings
from ostiary.vocabulary.ports import AdminStore, CaseStore, Clock, NoticeSink
from ostiary.vocabulary.rule import Ruleset

Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]
PATIENT_SECONDS = 5.0


def assemble(
    settings: Settings,
    *,
    ruleset: Ruleset,
    cases: CaseStore,
    state: AdminStore,
    notices: NoticeSink,
    clock: Clock,
    log: Callable[[str], None],
) -> Handler:
    """The handler over given ports. Raises ``RuleError`` for a policy that does not read, ``StoreError`` without an engine."""
    # The queue's module needs botocore, which Lambda's runtime has and this function's own requirements don't.
    from ostiary.stores.queue import findings_of_sqs_event

    policy = parse(ruleset.escalation)
    outbox = Outbox(policy, cases, state, notices, clock, log, settings.mode)
    escalator = Escalator(outbox, DurableEngine(policy), settings.appeal)

    def one(record: Any) -> None:
        for finding in findings_of_sqs_event({"Records": [record]}):
            escalator.take(finding)

    def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
        if "Records" not in event:
            return {"swept": escalator.sweep()}
        processor = SqsFifoPartialProcessor(skip_group_on_error=True)
        processor.raise_on_entire_batch_failure = False
        answer = process_partial_response(event=dict(event), record_handler=one, processor=processor)
        for _, error, _ in processor.exceptions:
            log(json.dumps({"ostiary.failure": {"function": "escalate", "error": repr(error)}}))
        return dict(answer)

    return handler


@cache
def _assembled() -> Handler:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from ostiary.actions.sinks import configured
    from ostiary.ruleset.artefact import load
    from ostiary.stores.clock import SystemClock
    from ostiary.stores.dynamodb import DynamoBackend, DynamoCaseStore, DynamoStateStore

    # Nobody waits for an answer here, so the store may take longer than on the request path.
    settings = Settings.from_environment(os.environ)
    patient = replace(settings, deadline=PATIENT_SECONDS, connect_timeout=PATIENT_SECONDS, read_timeout=PATIENT_SECONDS)
    clock = SystemClock()
    backend = DynamoBackend(patient, clock=clock, log=print)

    def client(service: str) -> Any:
        return boto3.client(service, region_name=settings.region, endpoint_url=settings.endpoint or None)

    return assemble(
        settings,
        ruleset=load(settings.ruleset.read_bytes()),
        cases=DynamoCaseStore(patient, clock=clock, backend=backend),
        state=DynamoStateStore(patient, clock=clock, backend=backend),
        notices=configured(settings, client, (BotoCoreError, ClientError)),
        clock=clock,
        log=print,
    )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry point, assembled from the environment."""
    return _assembled()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _assembled()
