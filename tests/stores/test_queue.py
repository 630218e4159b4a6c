"""Findings travel in order, once, and a failure says how many did not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from ostiary.stores.kept import dumps
from ostiary.stores.queue import MAX_BATCH, SqsFindingQueue, findings_of_sqs_event
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.errors import StoreError

FINDING = Finding("f0", "rule", "v", "low", "limits", "limit", "account#anna", 1.0, 60, 61, 60, "enforce", "d", "r1")


def findings(count: int) -> list[Finding]:
    return [replace(FINDING, id=f"('rule', 'account#anna', {number})") for number in range(count)]


def as_event(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Records": [{"messageId": message["MessageId"], "body": message["Body"]} for message in messages]}


class Client:
    """Takes batches, and fails some of their messages."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.batches: list[list[Any]] = []

    def send_message_batch(self, **arguments: Any) -> Mapping[str, Any]:
        self.batches.append(arguments["Entries"])
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_real_fifo_queue_gives_them_back_in_order_and_once(moto_url: str) -> None:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("sqs", region_name="us-east-1", endpoint_url=moto_url, **keys)
    url = client.create_queue(QueueName="findings.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    queue = SqsFindingQueue(client, url)
    queue.send(findings(3))
    queue.send(findings(4))
    messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert findings_of_sqs_event(as_event(messages)) == findings(4)


@pytest.mark.parametrize(("count", "batches"), [(0, []), (MAX_BATCH, [10]), (MAX_BATCH + 1, [10, 1]), (25, [10, 10, 5])])
def test_batches_hold_at_most_ten(count: int, batches: list[int]) -> None:
    client = Client()
    SqsFindingQueue(client, "url").send(findings(count))
    assert [len(batch) for batch in client.batches] == batches


def test_one_accounts_findings_share_a_group_and_ids_are_fit_for_the_queue() -> None:
    client = Client()
    odd = replace(FINDING, id="é" * 500, account="account#" + "x" * 500)
    SqsFindingQueue(client, "url").send([FINDING, replace(FINDING, id="f1"), odd])
    groups = [entry["MessageGroupId"] for entry in client.batches[0]]
    assert groups[0] == groups[1] != groups[2]
    ids = [entry["MessageDeduplicationId"] for entry in client.batches[0]]
    assert len(set(ids)) == 3
    assert all(len(text) <= 128 and text.isalnum() for text in groups + ids)


def test_messages_that_were_not_taken_are_counted_and_nothing_more_is_sent() -> None:
    client = Client({}, {"Failed": [{"Id": "3", "Code": "InternalError"}, {"Id": "4", "Code": "InternalError"}]})
    with pytest.raises(StoreError, match="7 of 25 findings were not sent to url: InternalError"):
        SqsFindingQueue(client, "url").send(findings(25))
    assert len(client.batches) == 2


def test_a_queue_that_is_down_is_a_store_error() -> None:
    with pytest.raises(StoreError, match="15 of 15 findings were not sent"):
        SqsFindingQueue(Client(EndpointConnectionError(endpoint_url="http://x")), "url").send(findings(15))


def test_a_finding_of_a_newer_version_is_read() -> None:
    body = json.dumps({**json.loads(dumps(FINDING)), "from_the_future": 1})
    assert findings_of_sqs_event({"Records": [{"messageId": "m", "body": body}]}) == [FINDING]


@pytest.mark.parametrize("body", ["", "{}", "[1]", '{"id": 1}'])
def test_a_message_that_holds_no_finding_is_named(body: str) -> None:
    with pytest.raises(StoreError, match="message m1 "):
        findings_of_sqs_event({"Records": [{"messageId": "m1", "body": body}]})
