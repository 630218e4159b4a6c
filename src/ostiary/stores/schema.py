"""The three tables: keys, indexes, stream, expiry. ``template.yaml`` declares the same; a test holds them together."""

from __future__ import annotations

from typing import Any, Protocol

from ostiary.settings import Settings
from ostiary.stores.items import KEY, TTL
from ostiary.stores.tables import Index, Table

BY_PRINCIPAL = "by-principal"
"""Index of the verdicts: a principal's, newest first."""
BY_STAGE = "by-stage"
"""Index of the Cases: those at a stage, last moved first."""


def state_table(settings: Settings) -> Table:
    """One item a principal (``account#…``, ``address#…``), and ``control#mode``, ``credential#…``. Its stream feeds ``record``."""
    return Table(settings.state_table, KEY, stream=True)


def verdict_table(settings: Settings) -> Table:
    """Verdicts by id, and artefacts by ``ruleset#<digest>``."""
    return Table(settings.verdict_table, "id", indexes=(Index(BY_PRINCIPAL, "principal", "time"),))


def case_table(settings: Settings) -> Table:
    """One partition an account: ``case``, ``step#<version>``, ``action#<key>``."""
    return Table(settings.case_table, KEY, "sk", indexes=(Index(BY_STAGE, "stage", "updated"),))


def tables(settings: Settings) -> tuple[Table, Table, Table]:
    return state_table(settings), verdict_table(settings), case_table(settings)


def definition(table: Table) -> dict[str, Any]:
    """The arguments of CreateTable (Amazon DynamoDB API Reference), billed on demand."""
    types = dict.fromkeys(table.keys, "S")
    for index in table.indexes:
        types |= {index.partition: "S", index.sort: "N"}
    found: dict[str, Any] = {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()],
        "KeySchema": _key_schema(table.keys),
    }
    if table.indexes:
        found["GlobalSecondaryIndexes"] = [
            {"IndexName": index.name, "KeySchema": _key_schema((index.partition, index.sort)), "Projection": {"ProjectionType": "ALL"}}
            for index in table.indexes
        ]
    if table.stream:
        found["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    return found


def _key_schema(names: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


class TableClient(Protocol):
    """What ``create_tables`` needs of a boto3 DynamoDB client, which its caller makes."""

    def create_table(self, **arguments: Any) -> Any: ...
    def update_time_to_live(self, **arguments: Any) -> Any: ...
    def get_waiter(self, waiter_name: Any) -> Any: ...


def create_tables(client: TableClient, settings: Settings, *, ttl: bool = True) -> None:
    """Create the three tables on a local stack and wait for them. ``ttl`` False leaves expiry off: virtual clocks need that.

    Raises what the client raises, when a table exists already for instance. On AWS, ``template.yaml`` makes the tables.
    """
    for table in tables(settings):
        client.create_table(**definition(table))
        client.get_waiter("table_exists").wait(TableName=table.name)
        if ttl:
            client.update_time_to_live(TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL})
