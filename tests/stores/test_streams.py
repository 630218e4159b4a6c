"""What ``record`` is sent: the memory store's stream has the shape and the content of DynamoDB's."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from ostiary.settings import Settings
from ostiary.stores.items import state_of_item
from ostiary.stores.memory import MemoryStateStore
from ostiary.stores.schema import state_table
from ostiary.stores.streams import RECORD_FILTER, matches_filter
from ostiary.vocabulary.ports import AdminStore, Clock
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import Enforcement, StateWrite

ANNA = Principal("account", "anna")


def play(state: AdminStore) -> None:
    state.set_facts(ANNA, {"account.plan": "pro"})
    state.write(StateWrite(ANNA, {"aa.1": 1}, (), "request", '{"id":"r1"}', 1_700_600_000))
    state.write(StateWrite(ANNA, {"aa.1": -1}, (), "undo", None, 1_700_600_000))
    state.enforce(ANNA, Enforcement("warn", "c", 1, 0.0, None))
    state.write(StateWrite(ANNA, {"aa.1": 1}, (), "request", '{"id":"r2"}', 1_700_600_000))


def test_only_requests_reach_record_in_order_each_with_its_own_image() -> None:
    store = MemoryStateStore()
    play(store)
    records = store.take_stream()
    assert [record["dynamodb"]["NewImage"]["w"]["S"] for record in records] == ["facts", "request", "undo", "enforcement", "request"]
    wanted = [record["dynamodb"]["NewImage"] for record in records if matches_filter(record)]
    assert [(image["l"]["S"], state_of_item(image).seq) for image in wanted] == [('{"id":"r1"}', 1), ('{"id":"r2"}', 2)]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert numbers == sorted(numbers)
    assert store.take_stream() == []


def test_a_write_that_changes_nothing_has_no_record() -> None:
    store = MemoryStateStore()
    store.set_mode("enforce")
    store.set_mode("enforce")
    assert len(store.take_stream()) == 1


def test_memory_and_dynamodb_keep_the_same_items(on_moto: Any, still_clock: Clock, moto_settings: Settings, moto_client: Any) -> None:
    memory = MemoryStateStore(clock=still_clock)
    play(memory)
    play(on_moto.state)
    item = moto_client.get_item(TableName=moto_settings.state_table, Key={"pk": {"S": ANNA.key}})["Item"]
    assert memory.take_stream()[-1]["dynamodb"]["NewImage"] == item


def test_memorys_records_look_like_the_services(on_moto: Any, moto_settings: Settings, moto_client: Any, moto_url: str) -> None:
    play(on_moto.state)
    arn = moto_client.describe_table(TableName=moto_settings.state_table)["Table"]["LatestStreamArn"]
    config = Config(account_id_endpoint_mode="disabled")
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("dynamodbstreams", region_name="us-east-1", endpoint_url=moto_url, config=config, **keys)
    shard = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    theirs = [record for record in client.get_records(ShardIterator=iterator)["Records"] if matches_filter(record)]
    memory = MemoryStateStore()
    play(memory)
    ours = [record for record in memory.take_stream() if matches_filter(record)]
    assert [record["dynamodb"]["NewImage"]["l"] for record in ours] == [record["dynamodb"]["NewImage"]["l"] for record in theirs]
    assert {"eventID", "eventName", "dynamodb"} <= set(ours[0]) & set(theirs[0])
    assert set(theirs[0]["dynamodb"]) - set(ours[0]["dynamodb"]) <= {"SizeBytes"}


def test_the_filter_is_the_one_that_the_event_source_mapping_uses() -> None:
    assert RECORD_FILTER == {"dynamodb": {"NewImage": {"w": {"S": ["request"]}}}}
    assert state_table(Settings()).stream
