"""record: images of the state table's stream → one Verdict item for each request, and Findings on their queue.

Also takes a CloudWatch Logs subscription with the Verdicts that no image can tell (degraded, a block on the address), and a scheduled
event, on which correlations that wait for the end of a window are decided.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from ostiary.judgement.correlated import Correlated
from ostiary.judgement.derive import deciders, derive
from ostiary.judgement.groups import GroupStore
from ostiary.judgement.recent import Recent
from ostiary.judgement.record import decode
from ostiary.ruleset.artefact import load
from ostiary.settings import Settings
from ostiary.stores.items import record_of_item, state_of_item, writer_of_item
from ostiary.vocabulary.plain import from_plain
from ostiary.vocabulary.ports import FindingQueue, VerdictStore
from ostiary.vocabulary.rule import Ruleset
from ostiary.vocabulary.verdict import Verdict

Event = Mapping[str, Any]
Handler = Callable[[dict[str, Any], object], dict[str, Any]]
MAX_REMEMBERED = 10_000


def assemble(
    settings: Settings,
    *,
    ruleset: Ruleset,
    verdicts: VerdictStore,
    findings: FindingQueue,
    groups: GroupStore,
    log: Callable[[str], None],
) -> Handler:
    """The handler. A record that fails is reported to the stream by its sequence number; everything from it on comes again."""
    decider_of = deciders(ruleset, verdicts)
    correlated = Correlated(groups, findings, decider_of, settings.identifier_key, log)
    ranks: Recent[str, int] = Recent(most=MAX_REMEMBERED, seconds=float("inf"))

    def take(record: DynamoDBRecord) -> None:
        image = record.raw_event["dynamodb"].get("NewImage") or {}
        text = record_of_item(image)
        if text is None or writer_of_item(image) != "request":
            return
        state = state_of_item(image)
        _watch_rank(state.principal.key, state.seq)
        request = decode(text)
        derived = derive(decider_of(request.digest), text, state)
        verdicts.upsert(derived.verdict)
        if derived.findings:
            findings.send(derived.findings)
        correlated.take(request, state)

    def _watch_rank(principal: str, seq: int) -> None:
        last = ranks.last(principal)
        if last is not None and seq > last + 1:
            log(json.dumps({"ostiary.gap": {"principal": principal, "after": last, "before": seq}}))
        if last is None or seq > last:
            ranks.keep(principal, seq, now=0.0)

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
        if "awslogs" in event:
            for verdict in _logged(event):
                verdicts.upsert(verdict)
            return {}
        if "Records" not in event:
            now = datetime.fromisoformat(event["time"]).timestamp()
            return {"decided": correlated.sweep(now)}
        processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
        answer = process_partial_response(event=event, record_handler=take, processor=processor, context=context)  # type: ignore[arg-type]
        for _, error, _ in processor.exceptions:
            log(json.dumps({"ostiary.failure": {"function": "record", "error": repr(error)}}))
        correlated.after_batch()
        return dict(answer)

    return handler


def _logged(event: Event) -> list[Verdict]:
    """The Verdicts in a CloudWatch Logs subscription event; other lines are none of ours."""
    found = []
    for line in CloudWatchLogsEvent(dict(event)).parse_logs_data().log_events:
        if "ostiary.verdict" not in line.message:
            continue
        content = json.loads(line.message)
        # Lambda's native JSON logs may wrap the line as a message of their own.
        inner = content.get("message")
        content = json.loads(inner) if isinstance(inner, str) else inner or content
        found.append(from_plain(Verdict, content["ostiary.verdict"]))
    return found


@cache
def _assembled() -> Handler:
    import boto3

    from ostiary.stores.clock import SystemClock
    from ostiary.stores.dynamodb import DynamoBackend, DynamoVerdictStore
    from ostiary.stores.groups import GroupRepository
    from ostiary.stores.queue import SqsFindingQueue
    from ostiary.stores.schema import case_table

    settings = Settings.from_environment(os.environ)
    ruleset = load(settings.ruleset.read_bytes())
    clock = SystemClock()
    backend = DynamoBackend(settings, clock=clock, log=print)
    verdicts = DynamoVerdictStore(settings, clock=clock, backend=backend)
    groups = GroupRepository(backend, case_table(settings))
    sqs = boto3.client("sqs", region_name=settings.region, endpoint_url=settings.endpoint or None)
    findings = SqsFindingQueue(sqs, settings.findings_queue)
    return assemble(settings, ruleset=ruleset, verdicts=verdicts, groups=groups, findings=findings, log=print)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry point, assembled from the environment."""
    return _assembled()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _assembled()
