"""The tables in DynamoDB, over our own client: nothing of an SDK is imported (an SDK is the floor of the request path's cost).

Source: Amazon DynamoDB API Reference (UpdateItem, PutItem, TransactWriteItems, GetItem, BatchGetItem, Query) and Developer Guide,
"Expressions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ostiary.settings import Settings
from ostiary.stores.cases import CaseRepository
from ostiary.stores.clock import SystemClock
from ostiary.stores.items import decode_item, encode, encode_item
from ostiary.stores.schema import case_table, state_table, verdict_table
from ostiary.stores.signature import Credentials, environment_credentials
from ostiary.stores.state import StateRepository
from ostiary.stores.tables import (
    MAX_EXPRESSION_BYTES,
    MAX_ITEM_BYTES,
    Absent,
    AttributeValue,
    Condition,
    Equals,
    Item,
    Key,
    Lower,
    Present,
    Put,
    Table,
    Update,
)
from ostiary.stores.verdicts import VerdictRepository
from ostiary.stores.wire import Wire
from ostiary.vocabulary.errors import StoreError, Throttled
from ostiary.vocabulary.ports import Clock


class _Words:
    """The placeholders of one call's expressions: every name and value is substituted, so that none needs escaping."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def name(self, name: str) -> str:
        return self._names.setdefault(name, f"#{len(self._names)}")

    def value(self, value: AttributeValue) -> str:
        word = f":{len(self._values)}"
        self._values[word] = encode(value)
        return word

    def arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._names:
            found["ExpressionAttributeNames"] = {word: name for name, word in self._names.items()}
        if self._values:
            found["ExpressionAttributeValues"] = self._values
        return found

    def condition(self, conditions: Sequence[Condition]) -> dict[str, str]:
        return {"ConditionExpression": _bounded(" AND ".join(f"({self._one(found)})" for found in conditions))} if conditions else {}

    def _one(self, condition: Condition) -> str:
        match condition:
            case Absent(name):
                return f"attribute_not_exists({self.name(name)})"
            case Present(name):
                return f"attribute_exists({self.name(name)})"
            case Equals(name, value):
                return f"{self.name(name)} = {self.value(value)}"
            case Lower(than):
                return self._lower(than)

    def _lower(self, than: Sequence[tuple[str, int]]) -> str:
        ways = [f"attribute_not_exists({self.name(than[0][0])})"]
        equal = ""
        for name, value in than:
            word = self.value(value)
            ways.append(f"({equal}{self.name(name)} < {word})")
            equal += f"{self.name(name)} = {word} AND "
        return " OR ".join(ways)

    def update(self, update: Update) -> str:
        sets = [f"{self.name(name)} = {self.value(value)}" for name, value in update.set.items()]
        sets += [
            f"{self.name(name)} = if_not_exists({self.name(other)}, {self.value(value)})"
            for name, (other, value) in update.set_from.items()
        ]
        adds = [f"{self.name(name)} {self.value(amount)}" for name, amount in update.add.items()]
        removes = [self.name(name) for name in update.remove]
        clauses = (("SET", sets), ("REMOVE", removes), ("ADD", adds))
        return _bounded(" ".join(f"{word} {', '.join(parts)}" for word, parts in clauses if parts))


def _bounded(expression: str) -> str:
    assert len(expression) <= MAX_EXPRESSION_BYTES, f"an expression of {len(expression)} bytes"
    return expression


class DynamoBackend:
    """``Backend`` over the wire. One serves all three repositories of a process."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: SystemClock | None = None,
        credentials: Callable[[], Credentials] = environment_credentials,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self._wire = Wire(settings, clock=clock or SystemClock(), credentials=credentials, log=log)

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """All of this thread's calls in the block share one deadline."""
        return self._wire.within(seconds)

    def update(self, update: Update) -> Item:
        update.check()
        words = _Words()
        payload = {
            "TableName": update.table.name,
            "Key": _key(update.table, update.key),
            "UpdateExpression": words.update(update),
            **words.condition(update.conditions),
            "ReturnValues": "ALL_NEW",
        }
        _check_size(update.table, update.key, update.set)
        answer = self._wire.call("UpdateItem", update.table.name, payload | words.arguments(), repeatable=False)
        return decode_item(answer["Attributes"])

    def put(self, put: Put) -> None:
        self._wire.call("PutItem", put.table.name, _put(put), repeatable=False)

    def transact(self, writes: Sequence[Put]) -> None:
        payload = {"TransactItems": [{"Put": _put(put)} for put in writes]}
        self._wire.call("TransactWriteItems", writes[0].table.name, payload, repeatable=False)

    def get(self, table: Table, key: Key, *, consistent: bool = True) -> Item | None:
        payload = {"TableName": table.name, "Key": _key(table, key), "ConsistentRead": consistent}
        answer = self._wire.call("GetItem", table.name, payload, repeatable=True)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, table: Table, keys: Sequence[Key], attributes: Sequence[str]) -> list[Item]:
        words = _Words()
        wanted: dict[str, Any] = {
            "Keys": [_key(table, key) for key in keys],
            "ProjectionExpression": ", ".join(words.name(name) for name in attributes),
            **words.arguments(),
        }
        found: list[Item] = []
        for _ in range(2):
            answer = self._wire.call("BatchGetItem", table.name, {"RequestItems": {table.name: wanted}}, repeatable=True)
            found += [decode_item(item) for item in answer.get("Responses", {}).get(table.name, ())]
            wanted = answer.get("UnprocessedKeys", {}).get(table.name, {})
            if not wanted:
                return found
        raise Throttled(f"BatchGetItem on {table.name}: keys were left out twice; raise the table's capacity if this lasts")

    def query(self, table: Table, partition: str, *, prefix: str = "", index: str = "", limit: int | None = None) -> list[Item]:
        words = _Words()
        by = table.index(index) if index else None
        condition = f"{words.name(by.partition if by else table.partition)} = {words.value(partition)}"
        payload: dict[str, Any] = {"TableName": table.name}
        if by:
            payload |= {"IndexName": by.name, "ScanIndexForward": False}
        else:
            payload["ConsistentRead"] = True
            if prefix and table.sort:
                condition += f" AND begins_with({words.name(table.sort)}, {words.value(prefix)})"
        payload |= {"KeyConditionExpression": condition, **words.arguments()}
        found: list[Item] = []
        while limit is None or len(found) < limit:
            if limit is not None:
                payload["Limit"] = limit - len(found)
            answer = self._wire.call("Query", table.name, payload, repeatable=True)
            found += [decode_item(item) for item in answer.get("Items", ())]
            if "LastEvaluatedKey" not in answer:
                break
            payload["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return found


def _key(table: Table, key: Key) -> dict[str, Any]:
    return {name: {"S": part} for name, part in zip(table.keys, key, strict=True)}


def _put(put: Put) -> dict[str, Any]:
    _check_size(put.table, put.table.key_of(put.item), put.item)
    words = _Words()
    condition = words.condition(put.conditions)
    return {"TableName": put.table.name, "Item": encode_item(put.item), **condition, **words.arguments()}


def _check_size(table: Table, key: Key, values: Mapping[str, AttributeValue]) -> None:
    """Refuses here what the service would refuse, with a message that names the item."""
    size = sum(len(name) + _size(value) for name, value in values.items())
    if size > MAX_ITEM_BYTES:
        raise StoreError(f"{table.name} {key[0]!r}: {size} bytes are over the {MAX_ITEM_BYTES} of an item", applied=False)


def _size(value: AttributeValue) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, tuple):
        return sum(len(word.encode()) + 1 for word in value) + 3
    return 21


def _backend(settings: Settings, clock: Clock | None, backend: DynamoBackend | None) -> DynamoBackend:
    # A virtual clock judges, and never signs: the service compares a signature's time with its own.
    return backend or DynamoBackend(settings, clock=clock if isinstance(clock, SystemClock) else None)


class DynamoStateStore(StateRepository):
    """``AdminStore`` in DynamoDB. ``backend``: one that other stores of the process share (it has credentials and a log)."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, backend: DynamoBackend | None = None, ttl: bool = True) -> None:
        clock = clock or SystemClock()
        super().__init__(_backend(settings, clock, backend), state_table(settings), clock, ttl=ttl)

    def warm(self) -> bool:
        """Connect, and learn the store's time, before the first request. False: the store did not answer; requests will say so."""
        try:
            self.control(None, "monitor")
        except StoreError:
            return False
        return True


class DynamoVerdictStore(VerdictRepository):
    """``VerdictStore`` in DynamoDB."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, backend: DynamoBackend | None = None, ttl: bool = True) -> None:
        super().__init__(_backend(settings, clock, backend), verdict_table(settings), settings.verdict_days if ttl else None)


class DynamoCaseStore(CaseRepository):
    """``CaseStore`` in DynamoDB."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, backend: DynamoBackend | None = None) -> None:
        super().__init__(_backend(settings, clock, backend), case_table(settings))
