"""What runs behind the gate: stream and log lines → ``record`` → queue of Findings → ``escalate``, in the services' batches.

It retries as the services do: a stream from the first failure on, a FIFO queue message by message, each a few times; what still
fails is set aside and named, never dropped in silence.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ostiary.local.handlers import Context
from ostiary.local.stream import Record, Stream, logs_event
from ostiary.stores.streams import matches_filter
from ostiary.vocabulary.ports import Clock

STREAM_BATCH = 100
QUEUE_BATCH = 10
"""Most messages of a batch of a FIFO queue (Amazon SQS developer guide)."""
ATTEMPTS = 3
SWEEP_SECONDS = 300.0
"""As ``template.yaml`` schedules it."""
QUEUE_MEMORY_SECONDS = 300
"""How long a FIFO queue remembers deduplication ids (Amazon SQS developer guide, "Exactly-once processing")."""
QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:ostiary-findings.fifo"
MAX_OTHER_LINES = 1000
MAX_SHOWN = 200
VERDICT_LINE = '{"ostiary.verdict"'

Handler = Callable[[dict[str, Any], Any], Any]


class LocalFifo:
    """A FIFO queue in memory, as a client that ``SqsFindingQueue`` sends to and as the source of Lambda's events."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._sent = 0
        self._messages: deque[dict[str, Any]] = deque()

    def send_message_batch(self, **arguments: Any) -> Mapping[str, Any]:
        """Takes messages; one sent again within five minutes is dropped by its deduplication id."""
        entries: Sequence[Mapping[str, str]] = arguments["Entries"]
        now = self._clock.now()
        for entry in entries:
            if now - self._seen.get(entry["MessageDeduplicationId"], -math.inf) >= QUEUE_MEMORY_SECONDS:
                self._seen[entry["MessageDeduplicationId"]] = now
                self._messages.append(self._message(entry, now))
        return {"Successful": [{"Id": entry["Id"]} for entry in entries]}

    def take(self) -> list[dict[str, Any]]:
        """The oldest messages, at most a batch."""
        return [self._messages.popleft() for _ in range(min(QUEUE_BATCH, len(self._messages)))]

    def _message(self, entry: Mapping[str, str], now: float) -> dict[str, Any]:
        self._sent += 1
        return {
            "messageId": f"00000000-0000-4000-8000-{self._sent:012x}",
            "receiptHandle": f"local-{self._sent}",
            "body": entry["MessageBody"],
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": str(int(now * 1000)),
                "SequenceNumber": f"{self._sent:020d}",
                "MessageGroupId": entry["MessageGroupId"],
                "MessageDeduplicationId": entry["MessageDeduplicationId"],
                "ApproximateFirstReceiveTimestamp": str(int(now * 1000)),
                "SenderId": "local",
            },
            "messageAttributes": {},
            "md5OfBody": hashlib.md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest(),
            "eventSource": "aws:sqs",
            "eventSourceARN": QUEUE_ARN,
            "awsRegion": "us-east-1",
        }


class LogLines:
    """What the handlers log. Lines that hold a Verdict wait for ``record``, as a log subscription would send them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._verdicts: list[str] = []
        self._others: deque[str] = deque(maxlen=MAX_OTHER_LINES)

    def log(self, line: str) -> None:
        """Takes one line; the handlers are handed this method."""
        with self._lock:
            (self._verdicts if line.startswith(VERDICT_LINE) else self._others).append(line)

    def take(self) -> list[str]:
        """The Verdict lines since the last call."""
        with self._lock:
            taken, self._verdicts = self._verdicts, []
            return taken

    def others(self) -> list[str]:
        """The newest lines that are no Verdicts."""
        with self._lock:
            return list(self._others)


@dataclass(slots=True)
class Pipeline:
    """The asynchronous path. ``turn`` moves what waits; ``lost`` names what failed for good."""

    clock: Clock
    stream: Stream
    queue: LocalFifo
    lines: LogLines
    record: Handler
    escalate: Handler
    lost: list[str] = field(default_factory=list)
    _logged: int = 0
    _swept: float | None = None

    def turn(self) -> int:
        """Everything that waits now goes one step further; how many records, lines and messages that were."""
        records = [record for record in self.stream.read() if matches_filter(record)]
        for start in range(0, len(records), STREAM_BATCH):
            self._from_stream(records[start : start + STREAM_BATCH])
        lines = self.lines.take()
        if lines:
            self._logged += 1
            self.record(logs_event(self._logged, self.clock.now(), lines), Context("record"))
        messages = 0
        while batch := self.queue.take():
            messages += len(batch)
            self._from_queue(batch)
        if self._swept is None or self.clock.now() - self._swept >= SWEEP_SECONDS:
            self.sweep()
        return len(records) + len(lines) + messages

    def sweep(self) -> None:
        """The scheduled event: ``record`` decides windows that have closed, ``escalate`` performs Actions that still wait."""
        self._swept = self.clock.now()
        event = {
            "source": "aws.events",
            "detail-type": "Scheduled Event",
            "time": datetime.fromtimestamp(self._swept, UTC).isoformat(timespec="milliseconds"),
        }
        self.record(event, Context("record"))
        self.escalate(event, Context("escalate"))

    def drain(self) -> None:
        """Turns until nothing waits any more, sweeps once more, and deals with what that found."""
        while self.turn():
            pass
        self.sweep()
        while self.turn():
            pass

    def _from_stream(self, records: list[Record]) -> None:
        attempts = 0
        while records:
            failed = _failures(self.record({"Records": records}, Context("record")))
            if not failed:
                return
            place = next(n for n, found in enumerate(records) if found["dynamodb"]["SequenceNumber"] in failed)
            attempts = attempts + 1 if place == 0 else 1
            records = records[place:]
            if attempts >= ATTEMPTS:
                self.lost.append(f"record could not take {json.dumps(records[0]['dynamodb']['Keys'])} of the stream")
                records, attempts = records[1:], 0

    def _from_queue(self, messages: list[dict[str, Any]]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            for message in messages:
                message["attributes"]["ApproximateReceiveCount"] = str(attempt)
            failed = _failures(self.escalate({"Records": messages}, Context("escalate")))
            messages = [message for message in messages if message["messageId"] in failed]
            if not messages:
                return
        self.lost += (f"escalate could not take {message['body'][:MAX_SHOWN]}" for message in messages)


def _failures(result: object) -> set[str]:
    """The item identifiers of a partial batch response; nothing reported means that everything went well."""
    if not isinstance(result, Mapping):
        return set()
    return {str(item["itemIdentifier"]) for item in result.get("batchItemFailures") or ()}
