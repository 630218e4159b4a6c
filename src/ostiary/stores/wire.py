"""DynamoDB's JSON protocol over one connection a thread: one deadline, and no retry that could count twice.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB low-level API" and "Error handling with DynamoDB". An SDK repeats a write
whose answer was lost; here that would count a request twice, so a write is repeated once, and only when it certainly was not
applied (throttled; refused for its signature's time), or when a connection idle for over 5 s was reset before any byte of the answer,
which is logged as a possible double.
"""

from __future__ import annotations

import calendar
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate
from typing import TYPE_CHECKING, Any

from ostiary.settings import Settings
from ostiary.stores.clock import SystemClock
from ostiary.stores.connection import Answer, Broken, Connection, Endpoint, Timeouts
from ostiary.stores.refusals import is_signature_refusal, refusal
from ostiary.stores.signature import Credentials, Scope, environment_credentials, sign
from ostiary.vocabulary.errors import StoreError, Throttled

if TYPE_CHECKING:
    import ssl

CONTENT_TYPE = "application/x-amz-json-1.0"
TARGET = "DynamoDB_20120810"
BACKOFF_SECONDS = 0.025
"""Mean pause before a throttled call is repeated; drawn from half to one and a half of it."""
MIN_SIGNING_SKEW_SECONDS = 60.0
"""A signature refused while the answer's Date is nearer than this was not refused for its time (AWS allows 5 minutes and more)."""


def service_endpoint(settings: Settings) -> Endpoint:
    """The endpoint that is set, else DynamoDB's own in the region (AWS General Reference, "Amazon DynamoDB endpoints")."""
    suffix = "amazonaws.com.cn" if settings.region.startswith("cn-") else "amazonaws.com"
    return Endpoint.of(settings.endpoint or f"https://dynamodb.{settings.region}.{suffix}")


class Wire:
    """Calls to DynamoDB. Safe to use from several threads; each has its own connection."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: SystemClock,
        credentials: Callable[[], Credentials] = environment_credentials,
        log: Callable[[str], None] | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = service_endpoint(settings)
        self._scope = Scope(settings.region, "dynamodb")
        self._deadline = settings.deadline
        self._timeouts = Timeouts(settings.connect_timeout, settings.read_timeout)
        self._clock = clock
        self._credentials = credentials
        self._log = log
        self._pause = pause
        self._thread = threading.local()
        self._tls: ssl.SSLContext | None = None
        self._signing_offset = 0.0
        self._last_date = ""

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """All of this thread's calls in the block share one deadline, so that several calls of one request cost no more than one."""
        self._thread.until = self._clock.monotonic() + seconds
        try:
            yield
        finally:
            self._thread.until = None

    def call(self, operation: str, table: str, payload: Mapping[str, Any], *, repeatable: bool) -> dict[str, Any]:
        """The answer to one call, before the deadline; ``repeatable``: doing it twice does no harm (a read).

        Raises ``Throttled``, ``ConditionFailed`` or ``StoreError``, whose ``applied`` says what is known of a write.
        """
        body = json.dumps(payload, separators=(",", ":")).encode()
        until = self._clock.monotonic() + self._deadline
        shared = getattr(self._thread, "until", None)
        until = until if shared is None else min(until, shared)
        try:
            return self._attempt(operation, table, body, until, repeatable)
        except _Again:
            return self._attempt(operation, table, body, until, repeatable, last=True)

    def _attempt(self, operation: str, table: str, body: bytes, until: float, repeatable: bool, *, last: bool = False) -> dict[str, Any]:
        try:
            signed_at, answer = self._exchange(operation, body, until)
        except Broken as broken:
            if not last and broken.sent and (repeatable or broken.idle_reset) and until > self._clock.monotonic():
                self._say_repeated(operation, table, broken, repeatable)
                raise _Again from broken
            applied = None if broken.sent and not repeatable else False
            raise StoreError(f"{operation} on {table}: {broken.what} at {self._endpoint.authority}", applied=applied) from broken
        if answer.status == 200:
            return _json(answer.body, operation, table, repeatable)
        error = refusal(answer, operation, table, self._scope.region)
        if not last and self._worth_repeating(error, answer, signed_at, until, repeatable):
            raise _Again
        raise error

    def _worth_repeating(self, error: StoreError, answer: Answer, signed_at: float, until: float, repeatable: bool) -> bool:
        if isinstance(error, Throttled):
            pause = BACKOFF_SECONDS * random.uniform(0.5, 1.5)
            if self._clock.monotonic() + pause >= until:
                return False
            self._pause(pause)
            return True
        if is_signature_refusal(answer):
            date = _epoch(answer.date)
            if date is None or abs(date - signed_at) < MIN_SIGNING_SKEW_SECONDS:
                return False
            self._signing_offset = date - self._clock.wall()
            return True
        return repeatable and answer.status >= 500

    def _exchange(self, operation: str, body: bytes, until: float) -> tuple[float, Answer]:
        """One request and its answer; also the time that its signature bears."""
        sent = self._clock.wall()
        signed_at = sent + self._signing_offset
        headers = {"host": self._endpoint.authority, "content-type": CONTENT_TYPE, "x-amz-target": f"{TARGET}.{operation}"}
        signed = sign("POST", "/", "", headers, body, scope=self._scope, credentials=self._credentials(), at=signed_at)
        answer = self._connection(until).exchange(signed, body, until)
        if answer.date and answer.date != self._last_date:
            self._last_date = answer.date
            date = _epoch(answer.date)
            if date is not None:
                self._clock.observe(date, sent, self._clock.wall())
        return signed_at, answer

    def _connection(self, until: float) -> Connection:
        connection: Connection | None = getattr(self._thread, "connection", None)
        if connection is not None and connection.stale:
            connection.close()
            connection = None
        if connection is None:
            connection = self._thread.connection = Connection(
                self._endpoint, self._timeouts, until, tls=self._tls_context, monotonic=self._clock.monotonic
            )
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            import ssl  # 10 ms that a plain http endpoint does not need

            self._tls = ssl.create_default_context()
        return self._tls

    def _say_repeated(self, operation: str, table: str, broken: Broken, repeatable: bool) -> None:
        if self._log is not None and not repeatable:
            told = {"operation": operation, "table": table, "why": broken.what}
            self._log(json.dumps({"ostiary.possible_double": told}))


class _Again(Exception):
    """The first attempt failed in a way that allows a second."""


def _epoch(date: str) -> float | None:
    parsed = parsedate(date)
    try:
        return None if parsed is None else float(calendar.timegm(parsed))
    except (ValueError, OverflowError):
        return None


def _json(body: bytes, operation: str, table: str, repeatable: bool) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise StoreError(
            f"{operation} on {table}: the answer is no JSON object; is this a DynamoDB endpoint?", applied=False if repeatable else None
        )
    return found
