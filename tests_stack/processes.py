"""Starting programs and ending them: each in a process group of its own, ended by that group, also when a test fails."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

READY_SECONDS = 60
END_SECONDS = 10


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, for now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], *, environment: Mapping[str, str], log: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server until the block ends. Its output goes to ``log``, whose end is shown when it never listens on ``port``."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield process
    finally:
        _end_group(process)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"it never listened on port {port}:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    # The leader is gone; whatever it started and left behind goes too.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Seen:
    """A request as the upstream got it. Header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Upstream:
    """A model API of one page, which remembers what reached it."""

    url: str
    seen: list[Seen] = field(default_factory=list)

    def with_header(self, name: str, value: str) -> list[Seen]:
        return [request for request in self.seen if request.headers.get(name) == value]


@contextlib.contextmanager
def serving() -> Iterator[Upstream]:
    """An upstream on 127.0.0.1 until the block ends."""
    upstream = Upstream("")

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            upstream.seen.append(Seen(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            reply = b'{"type":"message","content":[{"type":"text","text":"hello"}]}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: ``seen`` is the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    upstream.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Reply:
    """An answer as the client got it. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(port: int, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Reply:
    """One request to a server on 127.0.0.1, on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
