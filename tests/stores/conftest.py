"""The same stores twice: in memory, and on moto's server through our own client."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ostiary.settings import Settings
from ostiary.stores.dynamodb import DynamoBackend, DynamoCaseStore, DynamoStateStore, DynamoVerdictStore
from ostiary.stores.memory import MemoryCaseStore, MemoryStateStore, MemoryVerdictStore
from ostiary.stores.schema import create_tables
from ostiary.stores.signature import Credentials
from ostiary.vocabulary.ports import AdminStore, CaseStore, Clock, VerdictStore

PATIENT_SECONDS = 30.0
_numbers = itertools.count()


class StillClock:
    """Time that stands still."""

    def now(self) -> float:
        return 1_700_000_000.0

    def monotonic(self) -> float:
        return 0.0

    def offset(self) -> float:
        return 0.0


@dataclass
class Stores:
    state: AdminStore
    verdicts: VerdictStore
    cases: CaseStore


def credentials() -> Credentials:
    return Credentials("AKIDEXAMPLE", "secret")


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto_settings(moto_url: str) -> Settings:
    number = f"{os.getpid()}-{next(_numbers)}"
    return Settings(
        state_table=f"state-{number}",
        verdict_table=f"verdicts-{number}",
        case_table=f"cases-{number}",
        endpoint=moto_url,
        deadline=PATIENT_SECONDS,
        connect_timeout=PATIENT_SECONDS,
        read_timeout=PATIENT_SECONDS,
    )


@pytest.fixture(scope="session")
def moto_client(moto_url: str) -> Any:
    return boto3.client("dynamodb", region_name="us-east-1", endpoint_url=moto_url, aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def still_clock() -> Clock:
    return StillClock()


@pytest.fixture
def on_moto(moto_settings: Settings, moto_client: Any, still_clock: Clock) -> Stores:
    create_tables(moto_client, moto_settings)
    backend = DynamoBackend(moto_settings, credentials=credentials)
    return Stores(
        DynamoStateStore(moto_settings, clock=still_clock, backend=backend),
        DynamoVerdictStore(moto_settings, backend=backend, ttl=False),
        DynamoCaseStore(moto_settings, backend=backend),
    )


@pytest.fixture(params=["memory", "moto"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "moto":
        found: Stores = request.getfixturevalue("on_moto")
        return found
    clock = StillClock()
    return Stores(MemoryStateStore(clock=clock), MemoryVerdictStore(), MemoryCaseStore())
