"""The stores that a local gate runs on: this process's memory, moto's server in this process, or any DynamoDB endpoint."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ostiary.judgement.groups import GroupStore
from ostiary.local.motoserver import moto_server
from ostiary.local.stream import ServiceStream, Stream
from ostiary.settings import Settings
from ostiary.stores.dynamodb import DynamoBackend, DynamoCaseStore, DynamoStateStore, DynamoVerdictStore
from ostiary.stores.groups import GroupRepository
from ostiary.stores.items import TTL
from ostiary.stores.memory import MemoryBackend, MemoryCaseStore, MemoryStateStore, MemoryVerdictStore
from ostiary.stores.schema import case_table, create_tables, definition, tables
from ostiary.stores.signature import Credentials, environment_credentials
from ostiary.stores.streams import StreamRecord
from ostiary.stores.verdicts import DATA
from ostiary.vocabulary.errors import SettingsError, StoreError
from ostiary.vocabulary.plain import from_plain
from ostiary.vocabulary.ports import AdminStore, CaseStore, Clock, VerdictStore
from ostiary.vocabulary.verdict import Verdict

LOCAL_DEADLINE_SECONDS = 60.0
"""Local stacks take now and then much longer than DynamoDB; no caller waits for them."""
MADE_UP = Credentials("local", "local", "")
"""Used where the environment has no credentials; some stacks keep tables apart by them, so whoever looks on needs the same."""


class Ledger(VerdictStore, Protocol):
    """A VerdictStore that can show everything that it keeps."""

    def everything(self) -> Sequence[Verdict]: ...


@dataclass(slots=True)
class NoticeBoard:
    """A NoticeSink that keeps what it is given, oldest first."""

    notices: list[Mapping[str, str]] = field(default_factory=list)

    def publish(self, notice: Mapping[str, str]) -> None:
        self.notices.append(dict(notice))


@dataclass(frozen=True, slots=True)
class Services:
    """All that the handlers are handed, beside clock and Ruleset. ``settings`` names the tables and the endpoint."""

    settings: Settings
    state: AdminStore
    verdicts: Ledger
    cases: CaseStore
    groups: GroupStore
    stream: Stream
    notices: NoticeBoard


@contextmanager
def opened(store: str, settings: Settings, clock: Clock, *, shared: bool = False) -> Iterator[Services]:
    """Services on ``memory``, ``moto``, or an endpoint's base URL.

    Tables have names of their own and are gone afterwards, so that a play meets nobody's data. ``shared``: they have the names that
    ``settings`` says, those that are missing are made, entries expire, and on an endpoint they stay: others can work on them too.
    Raises ``SettingsError`` for another word, and ``StoreError`` for an endpoint where no tables can be made.
    """
    if store == "memory":
        yield _in_memory(settings, clock)
        return
    with ExitStack() as stack:
        if store == "moto":
            endpoint = stack.enter_context(moto_server())
        elif store.startswith(("http://", "https://")):
            endpoint = store.rstrip("/")
        else:
            raise SettingsError(f"--store is {store!r}; it must be memory, moto, or an endpoint such as http://127.0.0.1:8000")
        local = _patient(settings, endpoint) if shared else _private(_patient(settings, endpoint))
        yield stack.enter_context(_on_endpoint(local, clock, shared=shared, keep=shared and store != "moto"))


class _MemoryLedger(MemoryVerdictStore):
    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(settings, clock=clock, ttl=False)
        self._ids: dict[str, None] = {}

    def upsert(self, verdict: Verdict) -> bool:
        self._ids[verdict.id] = None
        return super().upsert(verdict)

    def everything(self) -> Sequence[Verdict]:
        return [verdict for id in self._ids if (verdict := self.get(id)) is not None]


@dataclass(frozen=True, slots=True)
class _MemoryStream:
    store: MemoryStateStore

    def read(self) -> Sequence[StreamRecord]:
        return self.store.take_stream()


def _in_memory(settings: Settings, clock: Clock) -> Services:
    state = MemoryStateStore(settings, clock=clock, ttl=False)
    return Services(
        settings=settings,
        state=state,
        verdicts=_MemoryLedger(settings, clock),
        cases=MemoryCaseStore(settings, clock=clock),
        groups=GroupRepository(MemoryBackend(clock), case_table(settings), ttl=False),
        stream=_MemoryStream(state),
        notices=NoticeBoard(),
    )


def _patient(settings: Settings, endpoint: str) -> Settings:
    limit = LOCAL_DEADLINE_SECONDS
    return replace(settings, endpoint=endpoint, deadline=limit, connect_timeout=limit, read_timeout=limit)


def _private(settings: Settings) -> Settings:
    mark = f"ostiary-{secrets.token_hex(4)}"
    return replace(settings, state_table=f"{mark}-state", verdict_table=f"{mark}-verdicts", case_table=f"{mark}-cases")


@contextmanager
def _on_endpoint(settings: Settings, clock: Clock, *, shared: bool, keep: bool) -> Iterator[Services]:
    """Services on the tables that ``settings`` names; only shared ones may be there already, and only on a real clock do they expire."""
    from botocore.exceptions import BotoCoreError, ClientError

    database, streams = _client("dynamodb", settings), _client("dynamodbstreams", settings)
    try:
        try:
            if shared:
                _create_missing(database, settings)
            else:
                create_tables(database, settings, ttl=False)
            arn = database.describe_table(TableName=settings.state_table)["Table"].get("LatestStreamArn")
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"{settings.endpoint}: no tables could be made there: {error}") from error
        if arn is None:
            raise StoreError(f"{settings.endpoint}: {settings.state_table} has no stream of new images; name another OSTIARY_STATE_TABLE")
        backend = DynamoBackend(settings, credentials=_credentials)
        yield Services(
            settings=settings,
            state=DynamoStateStore(settings, clock=clock, backend=backend, ttl=shared),
            verdicts=_DynamoLedger(settings, backend, database, ttl=shared),
            cases=DynamoCaseStore(settings, clock=clock, backend=backend),
            groups=GroupRepository(backend, case_table(settings), ttl=shared),
            stream=ServiceStream(streams, arn),
            notices=NoticeBoard(),
        )
    finally:
        for table in () if keep else tables(settings):
            with suppress(BotoCoreError, ClientError):
                database.delete_table(TableName=table.name)


def _create_missing(database: Any, settings: Settings) -> None:
    """Make those of the three tables that are not there, as ``create_tables`` would."""
    for table in tables(settings):
        try:
            database.describe_table(TableName=table.name)
        except database.exceptions.ResourceNotFoundException:
            database.create_table(**definition(table))
            database.get_waiter("table_exists").wait(TableName=table.name)
            database.update_time_to_live(TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL})


def _credentials() -> Credentials:
    """Those of the environment, else made-up ones: local stacks take any."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return environment_credentials()
    return MADE_UP


def _client(service: str, settings: Settings) -> Any:
    import boto3
    from botocore.config import Config

    credentials = _credentials()
    # moto takes an account id in the host name for a part of the path, and finds no stream.
    config = Config(account_id_endpoint_mode="disabled", read_timeout=LOCAL_DEADLINE_SECONDS)
    return boto3.client(
        service,
        region_name=settings.region,
        endpoint_url=settings.endpoint,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token or None,
        config=config,
    )


class _DynamoLedger(DynamoVerdictStore):
    def __init__(self, settings: Settings, backend: DynamoBackend, client: Any, *, ttl: bool) -> None:
        super().__init__(settings, backend=backend, ttl=ttl)
        self._name = settings.verdict_table
        self._client = client

    def everything(self) -> Sequence[Verdict]:
        pages = self._client.get_paginator("scan").paginate(TableName=self._name, ConsistentRead=True)
        items = (item for page in pages for item in page["Items"] if "principal" in item)
        return [from_plain(Verdict, json.loads(item[DATA]["S"])) for item in items]
