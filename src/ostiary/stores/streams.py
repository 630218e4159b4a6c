"""The state table's stream, in the shape of Lambda's DynamoDB events: what memory emits, and what a stream endpoint gives.

Sources: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB" and "Event filtering"; Amazon DynamoDB Streams API
Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ostiary.stores.items import WRITER, encode_item

StreamRecord = dict[str, Any]
"""``{eventID, eventName, dynamodb: {Keys, NewImage, SequenceNumber, …}, eventSourceARN}``; images in DynamoDB's JSON."""

RECORD_FILTER: Mapping[str, Any] = {"dynamodb": {"NewImage": {WRITER: {"S": ["request"]}}}}
"""The filter pattern of ``record``'s event source mapping: requests' own writes, no take-backs, facts, enforcement."""
MAX_RECORDS = 1000
"""Most records of one GetRecords call (the service's own maximum)."""


def matches_filter(record: Mapping[str, Any]) -> bool:
    """Whether ``RECORD_FILTER`` lets a stream record through.

    >>> matches_filter({"dynamodb": {"NewImage": {"w": {"S": "request"}}}}), matches_filter({"dynamodb": {"Keys": {}}})
    (True, False)
    """
    return bool(record["dynamodb"].get("NewImage", {}).get(WRITER, {}).get("S") == "request")


def stream_record(table: str, name: str, keys: Mapping[str, str], image: Mapping[str, Any], sequence: int, time: float) -> StreamRecord:
    """One record of a stream with ``NEW_IMAGE``; ``time`` is epoch seconds, ``image`` in DynamoDB's JSON."""
    return {
        "eventID": f"{sequence:032x}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "dynamodb": {
            "ApproximateCreationDateTime": int(time),
            "Keys": encode_item(keys),
            "NewImage": dict(image),
            "SequenceNumber": f"{sequence:021d}",
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": f"arn:aws:dynamodb:local:000000000000:table/{table}/stream/memory",
    }
