"""The state table's stream on one machine: records in Lambda's event shape, filtered as the event source mapping does.

Shapes: AWS Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB", "Using Lambda with CloudWatch Logs", "Using Lambda with
Amazon SQS".
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from ostiary.stores.streams import MAX_RECORDS

Record = dict[str, Any]
LOG_GROUP = "/aws/lambda/ostiary-local"


class Stream(Protocol):
    """Where new images come from."""

    def read(self) -> Sequence[Record]:
        """All records since the last call, in the order of their writes; empty when there are none."""
        ...


def logs_event(number: int, time: float, lines: Sequence[str]) -> dict[str, Any]:
    """A CloudWatch Logs subscription's event with these lines."""
    events = [{"id": f"{number:028d}{place:028d}", "timestamp": int(time * 1000), "message": line} for place, line in enumerate(lines)]
    message = {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": LOG_GROUP,
        "logStream": "local",
        "subscriptionFilters": ["verdicts"],
        "logEvents": events,
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(message).encode(), compresslevel=1)).decode()}}


class ServiceStream:
    """The stream of a table on a DynamoDB endpoint, read shard by shard through a boto3 ``dynamodbstreams`` client.

    A shard's records come in order; shards of one table are read one after the other, parents first, as Lambda does.
    """

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn
        self._iterators: dict[str, str | None] = {}

    def read(self) -> Sequence[Record]:
        """What is new, converted to Lambda's shape (times in epoch seconds). Shards are listed anew whenever one has ended."""
        if not any(self._iterators.values()) or None in self._iterators.values():
            self._open()
        return [record for shard in self._iterators for record in self._shard(shard)]

    def _open(self) -> None:
        for shard in self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]:
            if shard["ShardId"] not in self._iterators:
                self._iterators[shard["ShardId"]] = self._client.get_shard_iterator(
                    StreamArn=self._arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]

    def _shard(self, shard: str) -> list[Record]:
        found: list[Record] = []
        while (iterator := self._iterators[shard]) is not None:
            answer = self._client.get_records(ShardIterator=iterator, Limit=MAX_RECORDS)
            self._iterators[shard] = answer.get("NextShardIterator")
            found += (self._as_lambda(record) for record in answer["Records"])
            if len(answer["Records"]) < MAX_RECORDS:
                break
        return found

    def _as_lambda(self, record: Record) -> Record:
        change = dict(record["dynamodb"])
        created = change.get("ApproximateCreationDateTime")
        if isinstance(created, datetime):
            change["ApproximateCreationDateTime"] = created.timestamp()
        return {**record, "eventSource": "aws:dynamodb", "eventSourceARN": self._arn, "dynamodb": change}
