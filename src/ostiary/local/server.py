"""The gate as an HTTP server on this machine: real handlers in front of an upstream, each answer as the gateway would give it."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ostiary.local.gateway import Answer, Call
from ostiary.local.motoserver import LOCALHOST
from ostiary.local.pipeline import Pipeline
from ostiary.local.services import Ledger
from ostiary.vocabulary.errors import SettingsError, StoreError
from ostiary.vocabulary.ports import Clock
from ostiary.vocabulary.verdict import Verdict

GatewayName = Literal["rest-proxy", "rest-authorizer"]
ACCOUNT_HEADER = "x-ostiary-dev-account"
"""Says, on this machine only, which account is verified. It never reaches the handlers or the upstream."""
MAX_BODY_BYTES = 10 * 1024 * 1024
"""Amazon API Gateway's payload quota ("Quotas for configuring and running a REST API")."""
TOO_LARGE = Answer(413, (("content-type", "application/json"),), b'{"message":"Request Too Long"}')
PUMP_SECONDS = 1.0
"""How often the asynchronous path looks for work when nobody calls it."""
STOP_SECONDS = 10.0
HOP_BY_HOP = frozenset(("connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "content-length"))
"""Belong to one connection (RFC 9110, section 7.6.1), and so to the server."""


class LocalServer:
    """An ASGI application that turns each request into a ``Call``, and the ``Answer`` to it into a response."""

    def __init__(self, answer: Callable[[Call], Answer], clock: Clock, after: Callable[[], None]) -> None:
        self._answer = answer
        self._clock = clock
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return
        answer = TOO_LARGE if body is None else await run_in_threadpool(self._answer, self._call(request, body))
        self._after()
        response = Response(answer.body, answer.status)
        response.raw_headers = [
            *((name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers if name not in HOP_BY_HOP),
            (b"content-length", str(len(answer.body)).encode()),
        ]
        await response(scope, receive, send)

    def _call(self, request: Request, body: bytes) -> Call:
        raw = request.scope.get("raw_path") or request.scope["path"].encode()
        query = request.scope.get("query_string") or b""
        target = (raw + b"?" + query if query else raw).decode("latin-1")
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw]
        account = next((value for name, value in headers if name == ACCOUNT_HEADER), None)
        kept = tuple(pair for pair in headers if pair[0] != ACCOUNT_HEADER)
        address = request.client.host if request.client is not None else LOCALHOST
        return Call(str(uuid.uuid4()), self._clock.now(), request.method, target, kept, body, address, account or None)


async def _body(request: Request) -> bytes | None:
    """The body; None past ``MAX_BODY_BYTES``, without keeping more than that."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_BODY_BYTES:
            parts.append(part)
    return b"".join(parts) if size <= MAX_BODY_BYTES else None


@dataclass(frozen=True, slots=True)
class ToldVerdicts:
    """A Ledger that tells somebody of every Verdict that it newly keeps."""

    ledger: Ledger
    tell: Callable[[Verdict], None]

    def upsert(self, verdict: Verdict) -> bool:
        kept = self.ledger.upsert(verdict)
        if kept:
            self.tell(verdict)
        return kept

    def get(self, id: str) -> Verdict | None:
        return self.ledger.get(id)

    def of(self, principal: str, limit: int) -> Sequence[Verdict]:
        return self.ledger.of(principal, limit)

    def keep_ruleset(self, digest: str, artefact: bytes) -> None:
        self.ledger.keep_ruleset(digest, artefact)

    def ruleset(self, digest: str) -> bytes | None:
        return self.ledger.ruleset(digest)

    def everything(self) -> Sequence[Verdict]:
        return self.ledger.everything()


class Pump:
    """A thread that turns the Pipeline after each request, and every ``PUMP_SECONDS``; the last turn comes with ``stop``."""

    def __init__(self, pipeline: Pipeline, complain: Callable[[str], None]) -> None:
        self._pipeline = pipeline
        self._complain = complain
        self._wanted = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def nudge(self) -> None:
        """There may be work."""
        self._wanted.set()

    def stop(self) -> None:
        """Turns until nothing waits, then ends the thread."""
        self._stopping = True
        self._wanted.set()
        self._thread.join(timeout=STOP_SECONDS)

    def _run(self) -> None:
        while True:
            self._wanted.wait(timeout=PUMP_SECONDS)
            self._wanted.clear()
            last = self._stopping
            try:
                while self._pipeline.turn():
                    pass
            except StoreError as error:
                self._complain(str(error))
            while self._pipeline.lost:
                self._complain(self._pipeline.lost.pop(0))
            if last:
                return


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket that listens on 127.0.0.1; port 0 takes a free one. Raises ``SettingsError`` when the port is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((LOCALHOST, port))
        except OSError as error:
            raise SettingsError(f"can't listen on {LOCALHOST}:{port}: {error.strerror}; choose another --port") from None
        found.listen()
        yield found


def server(app: LocalServer) -> uvicorn.Server:
    """A uvicorn server that says nothing by itself; ``run(sockets=[…])`` serves until ``should_exit`` or Ctrl-C."""
    config = uvicorn.Config(
        app, lifespan="off", log_level="error", access_log=False, server_header=False, date_header=False, timeout_graceful_shutdown=5
    )
    return uvicorn.Server(config)
