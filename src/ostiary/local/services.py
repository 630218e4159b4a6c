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
from ostiary.stores.memory import MemoryBackend, MemoryCaseStore, MemoryStateStore, MemoryVerdictStore
from ostiary.stores.schema import case_table, create_tables, tables
from ostiary.stores.signature import Credentials, environment_credentials
from ostiary.stores.streams import StreamRecord
from ostiary.stores.verdicts import DATA
from ostiary.vocabulary.errors import SettingsError, StoreError
from ostiary.vocabulary.plain import from_plain
from ostiary.vocabulary.ports import AdminStore, CaseStore, Clock, VerdictStore
from ostiary.vocabulary.verdict import Verdict

LOCAL_DEADLINE_SECONDS = 60.0
"""Local stacks take now and then much longer than DynamoDB; no caller waits for them."""


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
def opened(store: str, settings: Settings, clock: Clock) -> Iterator[Services]:
    """Services on ``memory``, ``moto``, or an endpoint's base URL; what was made for them is gone afterwards.

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
        yield stack.enter_context(_on_endpoint(endpoint, settings, clock))


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


@contextmanager
def _on_endpoint(endpoint: str, settings: Settings, clock: Clock) -> Iterator[Services]:
    """Services on tables of their own name, dropped at the end."""
    from botocore.exceptions import BotoCoreError, ClientError

    mark = f"ostiary-{secrets.token_hex(4)}"
    local = replace(
        settings,
        endpoint=endpoint,
        state_table=f"{mark}-state",
        verdict_table=f"{mark}-verdicts",
        case_table=f"{mark}-cases",
        deadline=LOCAL_DEADLINE_SECONDS,
        connect_timeout=LOCAL_DEADLINE_SECONDS,
        read_timeout=LOCAL_DEADLINE_SECONDS,
    )
    database, streams = _client("dynamodb", local), _client("dynamodbstreams", local)
    try:
        try:
            create_tables(database, local, ttl=False)
            arn = database.describe_table(TableName=local.state_table)["Table"]["LatestStreamArn"]
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"{endpoint}: no tables could be made there: {error}") from error
        backend = DynamoBackend(local, credentials=_credentials)
        yield Services(
            settings=local,
            state=DynamoStateStore(local, clock=clock, backend=backend, ttl=False),
            verdicts=_DynamoLedger(local, backend, database),
            cases=DynamoCaseStore(local, clock=clock, backend=backend),
            groups=GroupRepository(backend, case_table(local), ttl=False),
            stream=ServiceStream(streams, arn),
            notices=NoticeBoard(),
        )
    finally:
        for table in tables(local):
            with suppress(BotoCoreError, ClientError):
                database.delete_table(TableName=table.name)


def _credentials() -> Credentials:
    """Those of the environment, else made-up ones: local stacks take any."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return environment_credentials()
    return Credentials("local", "local", "")


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
    def __init__(self, settings: Settings, backend: DynamoBackend, client: Any) -> None:
        super().__init__(settings, backend=backend, ttl=False)
        self._name = settings.verdict_table
        self._client = client

    def everything(self) -> Sequence[Verdict]:
        pages = self._client.get_paginator("scan").paginate(TableName=self._name, ConsistentRead=True)
        items = (item for page in pages for item in page["Items"] if "principal" in item)
        return [from_plain(Verdict, json.loads(item[DATA]["S"])) for item in items]
