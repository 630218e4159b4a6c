"""The FIFO queue from ``record`` to ``escalate``: one account's Findings stay in order, and one sent again is dropped by its id.

Source: Amazon SQS Developer Guide, "FIFO queues" (message group, deduplication within five minutes); AWS Lambda Developer Guide, "Using
Lambda with Amazon SQS". A boto3 client is handed in: nothing on the request path sends Findings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ostiary.stores.kept import dumps, loads
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.errors import StoreError

MAX_BATCH = 10
"""Most messages of one SendMessageBatch call."""


class QueueClient(Protocol):
    """What is needed of a boto3 SQS client."""

    def send_message_batch(self, **arguments: Any) -> Mapping[str, Any]: ...


class SqsFindingQueue:
    """``FindingQueue`` on an SQS FIFO queue."""

    def __init__(self, client: QueueClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, findings: Sequence[Finding]) -> None:
        """``StoreError`` when one was not taken: send all again, those that were taken are dropped by their ids."""
        sent = 0
        for batch in _batches(findings):
            entries = [
                {
                    "Id": str(place),
                    "MessageBody": dumps(finding),
                    "MessageGroupId": _hash(finding.account),
                    "MessageDeduplicationId": _hash(finding.id),
                }
                for place, finding in enumerate(batch)
            ]
            try:
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                raise StoreError(f"{len(findings) - sent} of {len(findings)} findings were not sent to {self._url}: {error}") from error
            failed = answer.get("Failed", ())
            if failed:
                left = len(findings) - sent - len(batch) + len(failed)
                raise StoreError(f"{left} of {len(findings)} findings were not sent to {self._url}: {failed[0].get('Code', 'no code')}")
            sent += len(batch)


def findings_of_sqs_event(event: Mapping[str, Any]) -> list[Finding]:
    """The Findings of a Lambda event from the queue, in order; ``StoreError`` names a message that holds none."""
    return [loads(Finding, record["body"], f"message {record.get('messageId', '?')}") for record in event["Records"]]


def _hash(text: str) -> str:
    """Group and deduplication ids have at most 128 characters of ASCII; a principal's key and a Finding's id may have more."""
    return hashlib.sha256(text.encode()).hexdigest()


def _batches(findings: Sequence[Finding]) -> Iterator[list[Finding]]:
    rest = iter(findings)
    while batch := list(islice(rest, MAX_BATCH)):
        yield batch
