"""The client's promises when the world misbehaves, against a small server on this machine that follows a script."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostiary.settings import Settings
from ostiary.stores.clock import SystemClock
from ostiary.stores.connection import IDLE_SECONDS, Endpoint
from ostiary.stores.signature import Credentials
from ostiary.stores.wire import Wire, service_endpoint
from ostiary.vocabulary.errors import ConditionFailed, StoreError, Throttled

NOW = 1_700_000_000.0
SECRET = "hush-hush-secret"
TOKEN = "hush-hush-token"
Step = Callable[[socket.socket], bool]
"""What the server does with one request; False: it closes the connection."""


class Monotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def answer(status: int = 200, body: object = None, date: float | None = NOW, extra: str = "") -> Step:
    data = json.dumps({"ok": True} if body is None else body).encode()
    dated = "" if date is None else f"Date: {formatdate(date, usegmt=True)}\r\n"

    def step(peer: socket.socket) -> bool:
        peer.sendall(f"HTTP/1.1 {status} X\r\n{dated}{extra}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        return "close" not in extra

    return step


def problem(kind: str, status: int = 400, date: float | None = NOW, **more: object) -> Step:
    return answer(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", **more}, date)


def silence(peer: socket.socket) -> bool:
    """Never answers; returns when the client gives up."""
    peer.recv(1)
    return False


def close(peer: socket.socket) -> bool:
    return False


def reset(peer: socket.socket) -> bool:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def half_an_answer(peer: socket.socket) -> bool:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    return False


def lasting(seconds: float, ticks: Monotonic) -> Step:
    """An answer that takes ``seconds`` on the client's clock."""

    def step(peer: socket.socket) -> bool:
        ticks.now += seconds
        return answer()(peer)

    return step


class Server:
    """Follows a script: one step a request, whatever the connection."""

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None) -> None:
        self.steps = list(steps)
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.connections = 0
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._peers: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        scheme, host = ("https", "localhost") if self._tls else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self._listener.getsockname()[1]}"

    def stop(self) -> None:
        self._listener.close()
        for peer in self._peers:
            peer.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            if self._tls:
                peer = self._tls.wrap_socket(peer, server_side=True)
            self._peers.append(peer)
            self.connections += 1
            while self._take(peer):
                if not self.steps.pop(0)(peer):
                    break
        except OSError:
            pass  # The client went away: what it makes of that is the test's business.
        finally:
            peer.close()

    def _take(self, peer: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = peer.recv(65536)
            if not chunk:
                return False
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        while len(body) < int(headers["content-length"]):
            body += peer.recv(65536)
        self.requests.append((headers, body))
        return True


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*steps: Step, tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(*steps, tls=tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


class Bench:
    def __init__(self, url: str, read: float = 5.0, deadline: float = 10.0, wall: float = NOW, ticks: Monotonic | None = None) -> None:
        self.ticks = ticks or Monotonic()
        self.wall = wall
        self.clock = SystemClock(lambda: self.wall, self.ticks)
        self.lines: list[str] = []
        self.pauses: list[float] = []
        settings = Settings(endpoint=url, deadline=deadline, connect_timeout=min(5.0, deadline), read_timeout=read)
        self.wire = Wire(
            settings,
            clock=self.clock,
            credentials=lambda: Credentials("AKIDEXAMPLE", SECRET, TOKEN),
            log=self.lines.append,
            pause=self.pauses.append,
        )

    def write(self) -> dict[str, object]:
        return self.wire.call("UpdateItem", "table-1", {"Key": 1}, repeatable=False)

    def read(self) -> dict[str, object]:
        return self.wire.call("GetItem", "table-1", {"Key": 1}, repeatable=True)

    def refused(self) -> StoreError:
        with pytest.raises(StoreError) as caught:
            self.write()
        return caught.value


def test_calls_of_one_thread_share_a_connection(serve: Callable[..., Server]) -> None:
    server = serve(answer(), answer(), answer())
    bench = Bench(server.url)
    assert [bench.write(), bench.read(), bench.write()] == [{"ok": True}] * 3
    assert server.connections == 1
    headers, body = server.requests[0]
    assert headers["x-amz-target"] == "DynamoDB_20120810.UpdateItem"
    assert headers["x-amz-security-token"] == TOKEN
    assert body == b'{"Key":1}'


def test_a_black_hole_fails_the_write_and_nobody_knows_whether_it_was_applied(serve: Callable[..., Server]) -> None:
    server = serve(silence)
    error = Bench(server.url, read=0.05).refused()
    assert error.applied is None
    assert "UpdateItem on table-1: no answer in time" in str(error)
    assert len(server.requests) == 1


def test_an_answer_just_past_the_read_timeout_counts_once(serve: Callable[..., Server]) -> None:
    server = serve(silence, answer())
    bench = Bench(server.url, read=0.05)
    assert bench.refused().applied is None
    bench.write()
    assert len(server.requests) == 2
    assert bench.lines == []


def test_a_read_is_repeated_after_silence(serve: Callable[..., Server]) -> None:
    server = serve(silence, answer())
    assert Bench(server.url, read=0.05).read() == {"ok": True}
    assert len(server.requests) == 2


def test_an_answer_that_dribbles_ends_with_the_deadline(serve: Callable[..., Server]) -> None:
    ticks = Monotonic()

    def dribble(peer: socket.socket) -> bool:
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
        ticks.now += 0.36
        peer.sendall(b"ngth: 2\r\n\r\n")
        return silence(peer)

    server = serve(dribble)
    assert Bench(server.url, deadline=0.35, ticks=ticks).refused().applied is None
    assert len(server.requests) == 1


def test_an_answer_in_time_is_taken_and_the_next_one_has_its_own_deadline(serve: Callable[..., Server]) -> None:
    ticks = Monotonic()
    server = serve(*(lasting(0.14, ticks) for _ in range(4)))
    bench = Bench(server.url, deadline=0.35, ticks=ticks)
    for _ in range(4):
        assert bench.write() == {"ok": True}
    assert len(server.requests) == 4


def test_calls_within_one_deadline_share_it(serve: Callable[..., Server]) -> None:
    server = serve(answer(), answer(), answer())
    bench = Bench(server.url, deadline=0.35)
    with bench.wire.within(0.35):
        bench.write()
        bench.ticks.now += 0.36
        assert bench.refused().applied is None
    assert bench.write() == {"ok": True}


@pytest.mark.parametrize("kind", ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"])
def test_a_throttled_write_is_repeated_once_after_a_pause(serve: Callable[..., Server], kind: str) -> None:
    server = serve(problem(kind), answer())
    bench = Bench(server.url)
    assert bench.write() == {"ok": True}
    assert len(server.requests) == 2
    assert len(bench.pauses) == 1


def test_a_write_throttled_twice_was_certainly_not_applied(serve: Callable[..., Server]) -> None:
    server = serve(problem("ThrottlingException"), problem("ThrottlingException"), answer())
    error = Bench(server.url).refused()
    assert isinstance(error, Throttled)
    assert error.applied is False
    assert len(server.requests) == 2


def test_a_throttled_write_is_not_repeated_past_the_deadline(serve: Callable[..., Server]) -> None:
    server = serve(problem("ThrottlingException"), answer())
    bench = Bench(server.url, deadline=0.01)
    with pytest.raises(Throttled):
        bench.write()
    assert bench.pauses == []


@pytest.mark.parametrize("end", [close, reset])
def test_a_reset_on_an_idle_connection_is_repeated_once_and_said(serve: Callable[..., Server], end: Step) -> None:
    server = serve(answer(), end, answer())
    bench = Bench(server.url)
    bench.write()
    bench.ticks.now += IDLE_SECONDS + 1
    assert bench.write() == {"ok": True}
    assert server.connections == 2
    assert json.loads(bench.lines[0])["ostiary.possible_double"]["table"] == "table-1"


@pytest.mark.parametrize("end", [close, reset, half_an_answer])
def test_a_reset_on_a_busy_connection_is_never_repeated(serve: Callable[..., Server], end: Step) -> None:
    server = serve(answer(), end, answer())
    bench = Bench(server.url)
    bench.write()
    assert bench.refused().applied is None
    assert len(server.requests) == 2


def test_half_an_answer_on_an_idle_connection_is_never_repeated(serve: Callable[..., Server]) -> None:
    server = serve(answer(), half_an_answer, answer())
    bench = Bench(server.url)
    bench.write()
    bench.ticks.now += IDLE_SECONDS + 1
    assert bench.refused().applied is None
    assert (len(server.requests), bench.lines) == (2, [])


def test_a_connection_that_the_store_closed_is_replaced_before_anything_is_sent(serve: Callable[..., Server]) -> None:
    server = serve(answer(extra="Connection: close\r\n"), answer())
    bench = Bench(server.url)
    bench.write()
    assert bench.write() == {"ok": True}
    assert (server.connections, bench.lines) == (2, [])


def test_an_endpoint_that_refuses_connections_did_not_apply_the_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = Bench(f"http://127.0.0.1:{port}").refused()
    assert error.applied is False
    assert f"can't connect to 127.0.0.1:{port} (ConnectionRefusedError)" in str(error)


def test_an_endpoint_that_never_accepts_did_not_apply_the_write() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        error = Bench(f"http://127.0.0.1:{port}", deadline=0.05).refused()
        for client in waiting:
            client.close()
    assert error.applied is False


@pytest.mark.parametrize("kind", ["InternalServerError", "ServiceUnavailable"])
def test_a_server_error_leaves_a_write_uncertain_and_it_is_not_repeated(serve: Callable[..., Server], kind: str) -> None:
    server = serve(problem(kind, 500), answer())
    assert Bench(server.url).refused().applied is None
    assert len(server.requests) == 1


def test_a_server_error_repeats_a_read(serve: Callable[..., Server]) -> None:
    server = serve(problem("InternalServerError", 500), answer())
    assert Bench(server.url).read() == {"ok": True}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ResourceNotFoundException", "no such table in us-east-1; deploy the stack"),
        ("AccessDeniedException", "access denied; let the role do dynamodb:UpdateItem"),
        ("UnrecognizedClientException", "the AWS credentials are not accepted"),
        ("ValidationException", "HTTP 400 ValidationException the service's words"),
    ],
)
def test_a_refusal_says_what_to_do_and_was_not_applied(serve: Callable[..., Server], kind: str, said: str) -> None:
    server = serve(problem(kind, message="the service's words"), answer())
    error = Bench(server.url).refused()
    assert error.applied is False
    assert str(error).startswith("UpdateItem on table-1: ")
    assert said in str(error)
    assert len(server.requests) == 1


def test_a_condition_that_does_not_hold_is_its_own_error(serve: Callable[..., Server]) -> None:
    with pytest.raises(ConditionFailed):
        Bench(serve(problem("ConditionalCheckFailedException")).url).write()


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["None", "ConditionalCheckFailed"], ConditionFailed),
        (["TransactionConflict", "None"], Throttled),
        (["ValidationError"], StoreError),
    ],
)
def test_a_cancelled_transaction_says_why(serve: Callable[..., Server], codes: list[str], expected: type[StoreError]) -> None:
    step = problem("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])
    error = Bench(serve(step, step).url).refused()
    assert type(error) is expected
    assert error.applied is False


def test_a_signature_refused_for_the_machines_clock_is_signed_again_once(serve: Callable[..., Server]) -> None:
    server = serve(problem("InvalidSignatureException", message="Signature expired"), answer(), answer())
    bench = Bench(server.url, wall=NOW - 3600)
    assert bench.write() == {"ok": True}
    bench.write()
    stamps = [headers["x-amz-date"] for headers, _ in server.requests]
    assert stamps == ["20231114T211320Z", "20231114T221320Z", "20231114T221320Z"]
    assert bench.clock.offset() == 3600.0


def test_a_signature_refused_for_another_reason_is_not_sent_again_and_no_secret_is_said(serve: Callable[..., Server]) -> None:
    words = f"The Canonical String should have been 'x-amz-security-token:{TOKEN}' {SECRET}"
    server = serve(problem("InvalidSignatureException", message=words), answer())
    error = Bench(server.url).refused()
    assert error.applied is False
    assert "hush" not in str(error)
    assert len(server.requests) == 1


def test_a_signature_refused_twice_is_given_up(serve: Callable[..., Server]) -> None:
    server = serve(problem("RequestExpired"), problem("RequestExpired"), answer())
    assert Bench(server.url, wall=NOW - 3600).refused().applied is False
    assert len(server.requests) == 2


@pytest.mark.parametrize("body", ["text", [1]])
def test_an_answer_that_is_no_object_is_said(serve: Callable[..., Server], body: object) -> None:
    assert "is this a DynamoDB endpoint?" in str(Bench(serve(answer(body=body)).url).refused())


def test_garbage_instead_of_http_leaves_the_write_uncertain(serve: Callable[..., Server]) -> None:
    def garbage(peer: socket.socket) -> bool:
        peer.sendall(b"SSH-2.0-OpenSSH\r\n")
        return False

    assert Bench(serve(garbage).url).refused().applied is None


@pytest.mark.parametrize("url", ["ftp://x", "localhost:8000", "http://", "http://host/path"])
def test_an_endpoint_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="OSTIARY_ENDPOINT"):
        Endpoint.of(url)


@pytest.mark.parametrize(
    ("region", "authority"),
    [("eu-central-1", "dynamodb.eu-central-1.amazonaws.com"), ("cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn")],
)
def test_without_an_endpoint_it_is_the_regions_own_over_tls(region: str, authority: str) -> None:
    endpoint = service_endpoint(Settings(region=region))
    assert (endpoint.authority, endpoint.tls, endpoint.port) == (authority, True, 443)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that only this test trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


def test_a_certificate_that_nobody_vouches_for_is_refused(serve: Callable[..., Server], certificate: tuple[Path, ssl.SSLContext]) -> None:
    error = Bench(serve(answer(), tls=certificate[1]).url).refused()
    assert error.applied is False
    assert "SSLCertVerificationError" in str(error)


def test_over_tls_a_connection_is_kept_too(
    serve: Callable[..., Server], certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    server = serve(answer(), answer(), close, answer(), tls=certificate[1])
    bench = Bench(server.url)
    bench.write()
    bench.write()
    assert server.connections == 1
    bench.ticks.now += IDLE_SECONDS + 1
    assert bench.write() == {"ok": True}
    assert (server.connections, len(bench.lines)) == (2, 1)


def test_each_thread_has_its_own_connection(serve: Callable[..., Server]) -> None:
    server = serve(*(answer() for _ in range(8)))
    bench = Bench(server.url)
    threads = [threading.Thread(target=bench.write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 4
    assert server.connections == 4
