"""Forwarding to a real server on this machine: what reaches the upstream, and what comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ostiary.gateways import limits
from ostiary.gateways.forward import ForwardedAnswer, ForwardedRequest, Forwarder, UpstreamError, end_to_end
from ostiary.gateways.rest_proxy import to_forwarded_answer
from ostiary.vocabulary.errors import SettingsError


class Upstream(ThreadingHTTPServer):
    """Remembers what came, and answers what ``answer`` says: status, headers, body; None hangs up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, list[tuple[str, str]], bytes]] = []
        self.peers: list[int] = []
        self.answer: tuple[int, list[tuple[str, str]], bytes] | None = (200, [("X-Up", "1"), ("Connection", "keep-alive")], b"hello")
        self.hang_up_after = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def handle_one_request(self) -> None:
        super().handle_one_request()
        if self.server.hang_up_after:
            self.close_connection = True

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.seen.append((self.command, self.path, [(k.lower(), v) for k, v in self.headers.items()], body))
        self.server.peers.append(self.client_address[1])
        if self.server.answer is None:
            self.close_connection = True
            return
        status, headers, content = self.server.answer
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_BREW = _answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def to(upstream: Upstream) -> Iterator[Callable[..., Forwarder]]:
    """Makes a Forwarder to the upstream, or to a path below it."""
    made: list[Forwarder] = []

    def make(path: str = "") -> Forwarder:
        made.append(Forwarder(upstream.url + path))
        return made[-1]

    yield make
    for forwarder in made:
        forwarder.close()


def test_a_request_arrives_with_its_body_and_end_to_end_headers(upstream: Upstream, to: Callable[..., Forwarder]) -> None:
    headers = (
        ("Host", "evil.example"),
        ("Connection", "close, X-Hop"),
        ("X-Hop", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "9"),
        ("Authorization", "Bearer k"),
        ("Accept-Encoding", "br"),
        ("X-Multi", "1"),
        ("X-Multi", "2"),
        ("X-Split", "a\r\nb: c"),
    )
    answer = to("/base/")(ForwardedRequest("POST", "/v1/x?q=a%20b", headers, b"body"))
    method, path, seen, body = upstream.seen[0]
    assert (method, path, body) == ("POST", "/base/v1/x?q=a%20b", b"body")
    found = dict(seen)
    assert found["host"] == f"127.0.0.1:{upstream.server_port}"
    assert (found["content-length"], found["accept-encoding"], found["authorization"]) == ("4", "identity", "Bearer k")
    assert found["x-split"] == "a  b: c"
    assert [value for name, value in seen if name == "x-multi"] == ["1", "2"]
    assert not {"x-hop", "transfer-encoding", "connection"} & found.keys()
    assert (answer.status, answer.body, dict(answer.headers)["x-up"]) == (200, b"hello", "1")
    assert "connection" not in dict(answer.headers)


def test_a_connection_is_used_again(upstream: Upstream, to: Callable[..., Forwarder]) -> None:
    forward = to()
    for _ in range(3):
        forward(ForwardedRequest("GET", "/"))
    assert len(set(upstream.peers)) == 1


def test_an_idle_connection_that_the_upstream_closed_is_replaced(upstream: Upstream, to: Callable[..., Forwarder]) -> None:
    forward = to()
    upstream.hang_up_after = True
    first = forward(ForwardedRequest("GET", "/"))
    second = forward(ForwardedRequest("GET", "/"))
    assert first == second or (first.status, second.status) == (200, 200)
    assert len(set(upstream.peers)) == 2


def test_a_fresh_connection_that_is_hung_up_is_an_error_and_the_request_is_not_sent_twice(
    upstream: Upstream, to: Callable[..., Forwarder]
) -> None:
    upstream.answer = None
    with pytest.raises(UpstreamError, match="closed the connection"):
        to()(ForwardedRequest("POST", "/", body=b"pay once"))
    assert len(upstream.seen) == 1


def test_a_redirect_is_passed_on_and_never_followed(upstream: Upstream, to: Callable[..., Forwarder]) -> None:
    upstream.answer = (302, [("Location", "http://169.254.169.254/")], b"")
    assert to()(ForwardedRequest("GET", "/")).status == 302
    assert len(upstream.seen) == 1


@pytest.mark.parametrize("more", [0, 1])
def test_an_answer_may_have_the_limit_and_not_one_octet_more(upstream: Upstream, to: Callable[..., Forwarder], more: int) -> None:
    upstream.answer = (200, [], b"x" * (limits.MAX_ANSWER_BYTES + more))
    forward = to()
    if not more:
        assert len(forward(ForwardedRequest("GET", "/")).body) == limits.MAX_ANSWER_BYTES
        return
    with pytest.raises(UpstreamError, match="MAX_ANSWER_BYTES"):
        forward(ForwardedRequest("GET", "/"))


def test_an_answer_that_ends_too_early_is_an_error(upstream: Upstream, to: Callable[..., Forwarder]) -> None:
    upstream.answer = (200, [("Content-Length", "100"), ("Connection", "close")], b"half")
    with pytest.raises(UpstreamError, match="too early"):
        to()(ForwardedRequest("GET", "/"))


def test_an_upstream_that_is_not_there_is_an_error_without_its_address() -> None:
    with pytest.raises(UpstreamError, match="ConnectionRefusedError") as error:
        Forwarder("http://127.0.0.1:9", timeout=1)(ForwardedRequest("GET", "/"))
    assert "127.0.0.1" not in str(error.value)


@pytest.mark.parametrize("method", ["", "GET /x HTTP/1.1\r\nX: y", "A B"])
def test_a_method_that_is_no_token_is_never_sent(upstream: Upstream, to: Callable[..., Forwarder], method: str) -> None:
    with pytest.raises(UpstreamError):
        to()(ForwardedRequest(method, "/"))
    assert upstream.seen == []


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "ftp://example.org", "http://", "//example.org", "https://user:pw@example.org", "http://e.org/?q=1"]
)
def test_only_http_and_https_urls_are_an_upstream(url: str) -> None:
    with pytest.raises(SettingsError, match="OSTIARY_UPSTREAM"):
        Forwarder(url)


def test_a_target_cannot_name_another_host(upstream: Upstream, to: Callable[..., Forwarder]) -> None:
    to()(ForwardedRequest("GET", "//evil.example/x"))
    assert dict(upstream.seen[0][2])["host"] == f"127.0.0.1:{upstream.server_port}"
    with pytest.raises(UpstreamError):
        to()(ForwardedRequest("GET", "/a b\r\nHost: evil.example"))


def test_names_that_connection_lists_are_hop_by_hop_whatever_their_case() -> None:
    assert end_to_end([("X-A", "1"), ("connection", "x-a"), ("TE", "trailers")]) == ()


def test_an_upstream_cannot_speak_for_the_gate() -> None:
    forwarded = ForwardedAnswer(
        200, (("x-ostiary-verdict", "fake"), ("ratelimit", '"fake";r=9'), ("content-length", "2"), ("etag", "1")), b"ok"
    )
    answer = to_forwarded_answer(forwarded, (("ratelimit", '"free";r=1'),))
    assert answer["multiValueHeaders"] == {"etag": ["1"], "ratelimit": ['"free";r=1']}


@pytest.mark.parametrize(
    ("content", "headers", "binary"),
    [(b"text", (), False), (b"\xff\xd8", (), True), (b"text", (("content-encoding", "gzip"),), True), ("é".encode(), (), False)],
)
def test_an_answer_that_is_no_text_goes_back_in_base64(content: bytes, headers: tuple[tuple[str, str], ...], binary: bool) -> None:
    assert to_forwarded_answer(ForwardedAnswer(200, headers, content))["isBase64Encoded"] is binary
