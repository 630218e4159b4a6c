"""Forwarding an allowed request to the one configured upstream (RFC 9110, 7.6)."""

from __future__ import annotations

import http.client
import ssl
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ostiary.gateways.headers import is_token, sanitised
from ostiary.gateways.limits import MAX_ANSWER_BYTES
from ostiary.vocabulary.errors import OstiaryError, SettingsError

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Header fields that mean one connection only (RFC 9110, 7.6.1; RFC 7235 for the two of proxies)."""
_OUR_CONNECTION = frozenset({"host", "content-length", "expect", "accept-encoding"})
"""Header fields that say something of the client's connection to the gateway, or that we can't honour."""
MAX_IDLE_CONNECTIONS = 8
DEFAULT_TIMEOUT_SECONDS = 28.0
"""A REST API waits 29 s for an integration ("Amazon API Gateway quotas")."""
_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class UpstreamError(OstiaryError):
    """The upstream did not give an answer that can be passed on. ``timeout``: it took too long."""

    def __init__(self, message: str, *, timeout: bool = False) -> None:
        super().__init__(message)
        self.timeout = timeout


@dataclass(frozen=True, slots=True)
class ForwardedRequest:
    """``target`` is path, question mark and query, percent-encoded; it starts with a slash."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def with_headers(self, more: Iterable[tuple[str, str]]) -> ForwardedRequest:
        return replace(self, headers=(*self.headers, *more))


@dataclass(frozen=True, slots=True)
class ForwardedAnswer:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def end_to_end(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Header fields with lower-case names, without those of one connection: the known ones, and those that ``Connection`` names.

    >>> end_to_end([("Connection", "close, X-Hop"), ("X-Hop", "1"), ("Accept", "*/*")])
    (('accept', '*/*'),)
    """
    lines = [(name.lower(), value) for name, value in headers]
    named = {word.strip().lower() for name, value in lines if name == "connection" for word in value.split(",")}
    return tuple((name, value) for name, value in lines if name not in HOP_BY_HOP and name not in named)


class Forwarder:
    """Sends requests to ``base_url`` and nowhere else; follows no redirect. Safe to call from several threads.

    Raises ``SettingsError`` for a base that is no http or https URL with a host.
    """

    def __init__(self, base_url: str, timeout: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        base = urlsplit(base_url)
        if base.scheme not in ("http", "https") or not base.hostname or base.query or base.fragment or base.username:
            raise SettingsError("OSTIARY_UPSTREAM must be an http or https URL with a host, and no user, query or fragment")
        self._host = base.hostname
        self._port = base.port
        self._prefix = base.path.rstrip("/")
        self._timeout = timeout
        self._tls = ssl.create_default_context() if base.scheme == "https" else None
        self._idle: deque[http.client.HTTPConnection] = deque()

    def __call__(self, request: ForwardedRequest) -> ForwardedAnswer:
        """The upstream's answer. Raises ``UpstreamError`` when there is none, or one past ``MAX_ANSWER_BYTES``."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._send(self._connect(), request)
        try:
            return self._send(connection, request)
        except _Stale:
            # An idle connection that the upstream closed meanwhile: no octet of an answer came (RFC 9112, 9.3.1).
            return self._send(self._connect(), request)

    def close(self) -> None:
        """Closes the idle connections; a later call opens new ones."""
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._tls)

    def _send(self, connection: http.client.HTTPConnection, request: ForwardedRequest) -> ForwardedAnswer:
        reused = connection.sock is not None
        try:
            self._write(connection, request)
            response = connection.getresponse()
            content = response.read(MAX_ANSWER_BYTES + 1)
        except TimeoutError:
            connection.close()
            raise UpstreamError("the upstream did not answer in time", timeout=True) from None
        except _STALE as error:
            connection.close()
            if reused:
                raise _Stale from None
            raise UpstreamError(f"the upstream closed the connection ({type(error).__name__})") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise UpstreamError(f"the upstream could not be asked ({type(error).__name__})") from None
        if len(content) > MAX_ANSWER_BYTES:
            connection.close()
            raise UpstreamError(f"MAX_ANSWER_BYTES: the upstream's answer is past {MAX_ANSWER_BYTES} bytes")
        if response.length:
            connection.close()
            raise UpstreamError("the upstream's answer ended too early")
        if response.isclosed() and not response.will_close and len(self._idle) < MAX_IDLE_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()
        return ForwardedAnswer(response.status, end_to_end(response.getheaders()), content)

    def _write(self, connection: http.client.HTTPConnection, request: ForwardedRequest) -> None:
        if not is_token(request.method):
            raise ValueError("the method is no token")
        target = self._prefix + (request.target if request.target.startswith("/") else f"/{request.target}")
        connection.putrequest(request.method, target, skip_accept_encoding=True)
        for name, value in end_to_end(request.headers):
            if name not in _OUR_CONNECTION:
                connection.putheader(name, sanitised(value).encode("latin-1"))
        connection.putheader("accept-encoding", "identity")
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            connection.putheader("content-length", str(len(request.body)))
        connection.endheaders(request.body or None)


class _Stale(Exception):
    """A reused connection was already closed by the other side."""
