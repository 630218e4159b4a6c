"""Every event file under ``events/`` becomes the Request (or the error) that its golden file holds."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ostiary.gateways import rest_authorizer, rest_proxy
from ostiary.settings import Settings
from ostiary.vocabulary.errors import EventError
from ostiary.vocabulary.fields import known
from ostiary.vocabulary.plain import to_plain
from ostiary.vocabulary.request import Request

EVENTS = Path(__file__).parents[2] / "events"
GOLDEN = Path(__file__).parent / "golden"
ADAPTERS = {"rest_authorizer": rest_authorizer, "rest_proxy": rest_proxy}
NAMES = sorted(f"{path.parent.name}/{path.stem}" for path in EVENTS.glob("rest_*/*.json"))
SETTINGS = Settings(identifier_key="a key for golden files", trusted_proxies=("192.0.2.248/29",))
NOW = 1_769_600_720.0
SECRETS = ("sk-", "eyJhbGci")


def outcome(name: str) -> dict[str, Any]:
    gateway, _, stem = name.partition("/")
    event = json.loads((EVENTS / gateway / f"{stem}.json").read_text())
    adapter = ADAPTERS[gateway]
    if adapter.is_preflight(event):
        return {"preflight": True}
    try:
        request: Request = adapter.to_request(event, SETTINGS, NOW)
    except EventError as error:
        return {"error": type(error).__name__, "message": str(error)}
    plain = {f.name: to_plain(getattr(request, f.name)) for f in dataclasses.fields(Request)}
    return json.loads(json.dumps({"request": plain}))


@pytest.mark.parametrize("name", NAMES)
def test_an_event_file_gives_its_golden_request(name: str) -> None:
    golden = GOLDEN / f"{name}.json"
    found = outcome(name)
    if os.environ.get("OSTIARY_WRITE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    assert golden.is_file(), f"{name} has no golden file: see the README beside the event"
    assert found == json.loads(golden.read_text())


def test_there_is_no_golden_file_without_an_event() -> None:
    goldens = {f"{path.parent.name}/{path.stem}" for path in GOLDEN.glob("*/*.json")}
    assert goldens == set(NAMES)
    assert len(NAMES) >= 24


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_a_golden_request_is_in_the_vocabulary(name: str) -> None:
    fields = outcome(name).get("request", {}).get("fields", {})
    assert [field for field in fields if known(field) is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_credential_of_an_event_is_in_its_request(name: str) -> None:
    assert not any(secret in json.dumps(outcome(name)) for secret in SECRETS)
