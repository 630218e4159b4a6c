"""One persistent HTTP/1.1 connection on which nothing outlasts a deadline: not connecting, not an answer that dribbles."""

from __future__ import annotations

import http.client
import io
import select
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ostiary.vocabulary.errors import StoreError

if TYPE_CHECKING:
    import ssl

    from _typeshed import WriteableBuffer

MAX_ANSWER_BYTES = 20 * 1024 * 1024
"""Largest answer that is read; DynamoDB's are at most 16 MB."""
IDLE_SECONDS = 5.0
"""A connection idle for longer may have been dropped by anything on the way: a reset on it says nothing about the store."""


class Broken(Exception):
    """The exchange did not end with an answer.

    ``sent``: some of the request may have reached the store. ``idle_reset``: the connection was reset before any byte of the answer,
    after having been idle for over ``IDLE_SECONDS``.
    """

    def __init__(self, what: str, *, sent: bool, idle_reset: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.sent = sent
        self.idle_reset = idle_reset


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service answers. TLS unless its URL says ``http://``."""

    host: str
    port: int
    tls: bool

    @staticmethod
    def of(url: str) -> Endpoint:
        """From ``https://host`` or ``http://127.0.0.1:5000``; ``StoreError`` for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.path.strip("/"):
            raise StoreError(f"endpoint {url!r} is no http(s) URL of a host: check OSTIARY_ENDPOINT or AWS_ENDPOINT_URL", applied=False)
        return Endpoint(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), parts.scheme == "https")

    @property
    def authority(self) -> str:
        """The Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    date: str
    """The Date header, as sent; empty where there is none."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``read``: without a byte."""

    connect: float
    read: float


class Connection:
    """A socket to an endpoint, for one thread."""

    def __init__(
        self,
        endpoint: Endpoint,
        timeouts: Timeouts,
        until: float,
        *,
        tls: Callable[[], ssl.SSLContext],
        monotonic: Callable[[], float],
    ) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._until = until
        self._answered = False
        self._monotonic = monotonic
        self._used = monotonic()
        try:
            self._socket = self._connect(tls)
        except OSError as error:
            raise Broken(f"can't connect to {endpoint.authority} ({_name(error)})", sent=False) from error

    def exchange(self, headers: Mapping[str, str], body: bytes, until: float) -> Answer:
        """POST / and its answer, before ``until`` (monotonic seconds). After ``Broken`` the connection is closed."""
        idle = self._monotonic() - self._used > IDLE_SECONDS
        self._until = until
        self._answered = False
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"POST / HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode("latin-1")
        response = http.client.HTTPResponse(self, method="POST")  # type: ignore[arg-type]
        try:
            self._socket.settimeout(self._wait())
            self._socket.sendall(request + body)
            response.begin()
            data = response.read(MAX_ANSWER_BYTES + 1)
            if len(data) > MAX_ANSWER_BYTES:
                raise http.client.HTTPException("an answer over MAX_ANSWER_BYTES")
        except TimeoutError as error:
            self.close()
            raise Broken("no answer in time", sent=True) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Broken(f"the connection broke ({_name(error)})", sent=True, idle_reset=idle and self._is_reset(error)) from error
        answer = Answer(response.status, response.headers.get("Date", ""), data)
        if response.will_close:
            self.close()
        self._used = self._monotonic()
        return answer

    def _is_reset(self, error: Exception) -> bool:
        # RemoteDisconnected is a ConnectionResetError; over TLS a bare close is an SSLEOFError, an OSError of its own.
        reset = isinstance(error, ConnectionError) or type(error).__name__ == "SSLEOFError"
        return reset and not self._answered

    @property
    def stale(self) -> bool:
        """Closed already, by either side, as far as this machine knows; asked before anything is sent."""
        if self._socket.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(0):
            return False
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except (BlockingIOError, OSError) as error:
            # TLS 1.3 session tickets make a live socket readable, and reading them gives no data.
            return not (isinstance(error, BlockingIOError) or type(error).__name__ == "SSLWantReadError")
        return True

    def close(self) -> None:
        self._socket.close()

    def __del__(self) -> None:
        # A thread that ends drops its connection, and nobody else can close it.
        if hasattr(self, "_socket"):
            self._socket.close()

    def makefile(self, mode: str) -> io.BufferedReader:
        """What ``http.client.HTTPResponse`` reads from."""
        return io.BufferedReader(_Reader(self))

    def receive_into(self, buffer: WriteableBuffer) -> int:
        self._socket.settimeout(self._wait())
        count = self._socket.recv_into(buffer)
        self._answered = self._answered or count > 0
        return count

    def _wait(self) -> float:
        left = self._until - self._monotonic()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return min(left, self._timeouts.read)

    def _connect(self, tls: Callable[[], ssl.SSLContext]) -> socket.socket:
        until = min(self._until, self._monotonic() + self._timeouts.connect)
        failure: OSError = TimeoutError("no address in time")
        for family, kind, protocol, _, address in _resolve(self._endpoint, until - self._monotonic()):
            left = until - self._monotonic()
            if left <= 0:
                break
            raw = socket.socket(family, kind, protocol)
            try:
                raw.settimeout(left)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                raw.connect(address)
                return raw if not self._endpoint.tls else tls().wrap_socket(raw, server_hostname=self._endpoint.host)
            except OSError as error:
                raw.close()
                failure = error
        raise failure


class _Reader(io.RawIOBase):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._connection.receive_into(buffer)


_Address = tuple[int, int, int, str, Any]


def _resolve(endpoint: Endpoint, seconds: float) -> Sequence[_Address]:
    """Addresses of a host. In a thread of its own, since the resolver takes no timeout; a literal address needs none."""
    host, port = endpoint.host, endpoint.port
    if host.replace(".", "").isdigit() or ":" in host:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    found: list[_Address] = []
    failures: list[OSError] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(max(0.0, seconds))
    if failures:
        raise failures[0]
    return list(found)


def _name(error: Exception) -> str:
    return type(error).__name__
