"""What a Case's Actions do, on memory stores; and notices as SNS and EventBridge get them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.actions import enforce, notice, release
from ostiary.actions.sinks import EventBridgeSink, EverySink, MemorySink, SnsSink, configured
from ostiary.settings import Settings
from ostiary.stores.memory import MemoryStateStore
from ostiary.vocabulary.case import Action
from ostiary.vocabulary.errors import StoreError, Throttled
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import Enforcement

ANNA = Principal("account", "a#b/ü")
TOLD = {"id": "account#x#1#notice", "subject": "Ünser\nsubject", "stage": "warn", "text": "…"}


class AwsError(Exception):
    """As the SDK's own: an error code in its response."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


class Client:
    """An AWS client that keeps its calls."""

    def __init__(self, answer: Any = None) -> None:
        self.calls: list[dict[str, Any]] = []
        self.answer = answer or {}

    def publish(self, **call: Any) -> Any:
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    put_events = publish


def enforcing(version: int, stage: Any = "suspend") -> Action:
    enforcement = Enforcement(stage, ANNA.key, version, 1.0, None, deny=stage == "suspend")
    return Action(f"{ANNA.key}#{version}#enforce", "enforce", ANNA.key, version, 1.0, enforcement=enforcement)


def in_force(state: MemoryStateStore) -> Enforcement:
    found = state.read(ANNA)
    assert found is not None
    assert found.enforcement is not None
    return found.enforcement


@pytest.mark.parametrize("principal", [ANNA, Principal("address", "2001:db8::/64"), Principal("account", "address#1")])
def test_a_principal_is_read_back_from_its_key(principal: Principal) -> None:
    assert Principal.of_key(principal.key) == principal


def test_enforcing_twice_has_one_effect_and_an_older_version_none() -> None:
    state = MemoryStateStore()
    assert enforce.perform(enforcing(2), state) == enforce.IN_FORCE
    assert enforce.perform(enforcing(2), state) == enforce.NEWER_THERE
    assert enforce.perform(enforcing(1, "restrict"), state) == enforce.NEWER_THERE
    assert (in_force(state).stage, in_force(state).version) == ("suspend", 2)


def test_a_release_ends_the_enforcement_and_nothing_older_comes_back() -> None:
    state = MemoryStateStore()
    enforce.perform(enforcing(2), state)
    ending = Enforcement("none", ANNA.key, 3, 1.0, None)
    assert release.perform(Action(f"{ANNA.key}#3#release", "release", ANNA.key, 3, 1.0, enforcement=ending), state) == enforce.IN_FORCE
    assert enforce.perform(enforcing(2), state) == enforce.NEWER_THERE
    found = state.read(ANNA)
    assert found is None or found.enforcement is None or found.enforcement.stage == "none"


def test_a_notice_reaches_every_sink() -> None:
    sinks = [MemorySink(), MemorySink()]
    notice.perform(Action("k", "notice", ANNA.key, 1, 1.0, notice=TOLD), EverySink(sinks))
    assert [sink.published for sink in sinks] == [[TOLD], [TOLD]]


def test_sns_gets_an_ascii_subject_of_one_line_and_the_whole_notice() -> None:
    client = Client()
    SnsSink(client, "arn:topic", (AwsError,)).publish(TOLD)
    [call] = client.calls
    assert (call["TopicArn"], call["Subject"]) == ("arn:topic", "?nser subject")
    assert json.loads(call["Message"]) == TOLD
    assert call["MessageAttributes"]["stage"]["StringValue"] == "warn"


@pytest.mark.parametrize(("length", "kept"), [(100, 100), (101, 100)])
def test_a_subject_is_cut_to_what_sns_takes(length: int, kept: int) -> None:
    client = Client()
    SnsSink(client, "arn:topic", (AwsError,)).publish(TOLD | {"subject": "s" * length})
    assert len(client.calls[0]["Subject"]) == kept


def test_eventbridge_gets_one_event_with_the_notice_as_its_detail() -> None:
    client = Client({"FailedEntryCount": 0})
    EventBridgeSink(client, "bus", (AwsError,)).publish(TOLD)
    [entry] = client.calls[0]["Entries"]
    assert (entry["Source"], entry["EventBusName"], json.loads(entry["Detail"])) == ("ostiary", "bus", TOLD)


@pytest.mark.parametrize(("code", "kind"), [("AccessDenied", StoreError), ("Throttling", Throttled)])
def test_what_the_sdk_raises_becomes_a_store_error(code: str, kind: type[StoreError]) -> None:
    for sink in (SnsSink(Client(AwsError(code)), "arn", (AwsError,)), EventBridgeSink(Client(AwsError(code)), "bus", (AwsError,))):
        with pytest.raises(StoreError, match=code) as raised:
            sink.publish(TOLD)
        assert type(raised.value) is kind


def test_an_entry_that_the_bus_did_not_take_is_a_failure() -> None:
    answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]}
    with pytest.raises(Throttled, match="slow down"):
        EventBridgeSink(Client(answer), "bus", (AwsError,)).publish(TOLD)


@pytest.mark.parametrize(
    ("settings", "services"),
    [(Settings(), []), (Settings(notice_topic="arn"), ["sns"]), (Settings(notice_topic="arn", notice_bus="bus"), ["sns", "events"])],
)
def test_the_settings_say_where_notices_go(settings: Settings, services: list[str]) -> None:
    made: list[str] = []

    def client(service: str) -> Client:
        made.append(service)
        return Client()

    configured(settings, client, (AwsError,)).publish(TOLD)
    assert made == services
