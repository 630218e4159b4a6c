"""Where notices go: an SNS topic, an EventBridge bus, a list in this process, or nowhere.

The AWS clients are handed in with the classes of their errors, so nothing here imports an SDK.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ostiary.settings import Settings
from ostiary.vocabulary.errors import StoreError, Throttled
from ostiary.vocabulary.ports import NoticeSink

MAX_SUBJECT_CHARS = 100
"""Longest subject that SNS takes (Amazon SNS API Reference, Publish), ASCII and one line."""
SOURCE = "ostiary"
DETAIL_TYPE = "Ostiary Notice"
_THROTTLING = frozenset({"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"})


class SnsSink:
    """Publishes on an SNS topic: the whole notice as JSON, its stage as an attribute that subscriptions can filter by."""

    def __init__(self, client: Any, topic: str, errors: tuple[type[Exception], ...]) -> None:
        """``errors``: what the client raises when the world does not answer (``BotoCoreError``, ``ClientError``)."""
        self._client = client
        self._topic = topic
        self._errors = errors

    def publish(self, notice: Mapping[str, str]) -> None:
        """Raises ``StoreError``; ``Throttled`` when the service asks to slow down."""
        subject = notice["subject"].encode("ascii", "replace").decode().replace("\n", " ")[:MAX_SUBJECT_CHARS]
        try:
            self._client.publish(
                TopicArn=self._topic,
                Subject=subject or DETAIL_TYPE,
                Message=json.dumps(dict(notice), ensure_ascii=False),
                MessageAttributes={"stage": {"DataType": "String", "StringValue": notice["stage"]}},
            )
        except self._errors as error:
            raise _store_error("the SNS topic", error) from error


class EventBridgeSink:
    """Puts one event on an EventBridge bus: source ``ostiary``, the notice as its detail."""

    def __init__(self, client: Any, bus: str, errors: tuple[type[Exception], ...]) -> None:
        self._client = client
        self._bus = bus
        self._errors = errors

    def publish(self, notice: Mapping[str, str]) -> None:
        """Raises ``StoreError``, also when the bus took the call but not the entry."""
        entry = {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(dict(notice), ensure_ascii=False),
            "EventBusName": self._bus,
        }
        try:
            answer = self._client.put_events(Entries=[entry])
        except self._errors as error:
            raise _store_error("the EventBridge bus", error) from error
        if answer.get("FailedEntryCount"):
            failed = answer["Entries"][0]
            kind = Throttled if failed.get("ErrorCode") in _THROTTLING else StoreError
            raise kind(f"the EventBridge bus did not take a notice: {failed.get('ErrorCode')} {failed.get('ErrorMessage')}")


class MemorySink:
    """Keeps the notices; for tests and local runs."""

    def __init__(self) -> None:
        self.published: list[dict[str, str]] = []

    def publish(self, notice: Mapping[str, str]) -> None:
        self.published.append(dict(notice))


class EverySink:
    """Publishes on each of several sinks, in order; of none, nothing happens. The first error ends it, and all are tried again."""

    def __init__(self, sinks: Sequence[NoticeSink]) -> None:
        self._sinks = tuple(sinks)

    def publish(self, notice: Mapping[str, str]) -> None:
        for sink in self._sinks:
            sink.publish(notice)


def configured(settings: Settings, client: Callable[[str], Any], errors: tuple[type[Exception], ...]) -> EverySink:
    """The sinks that the Settings name; ``client`` makes an AWS client of a service's name."""
    sinks: list[NoticeSink] = []
    if settings.notice_topic:
        sinks.append(SnsSink(client("sns"), settings.notice_topic, errors))
    if settings.notice_bus:
        sinks.append(EventBridgeSink(client("events"), settings.notice_bus, errors))
    return EverySink(sinks)


def _store_error(where: str, error: Exception) -> StoreError:
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    kind = Throttled if code in _THROTTLING else StoreError
    return kind(f"{where} did not take a notice: {error}")
