"""Calling HTTP servers that misbehave: each failure has its kind, in bounded time, and connections are reused."""

import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ops_lambdas.shared import http
from ops_lambdas.shared.http import HttpClient, HttpError, NotJsonError
from rehearsal.postgresql import certificates
from tests.integration.checks import servers
from tests.integration.checks.servers import Behaviour, answers, serving


def failure(behaviour: Behaviour, *, seconds: float = 5, answer_seconds: float = 0.2) -> HttpError:
    with serving(behaviour) as server, HttpClient(seconds=seconds, answer_seconds=answer_seconds) as client:
        before = time.monotonic()
        with pytest.raises(HttpError) as caught:
            client.request("GET", server.url)
        assert time.monotonic() - before < 4, "only what never ends takes longer"
        assert len(server.requests) == 1, "nothing is tried twice"
    return caught.value


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (servers.hangs, "timeout"),
        (servers.answers_after(0.5, answers(200)), "timeout"),
        (servers.resets, "broken"),
        (servers.closes, "broken"),
        (servers.sends_half(), "broken"),
        (servers.is_not_http, "broken"),
        (servers.answers(200, b"x" * 10_001), "broken"),
        (servers.floods, "broken"),
    ],
)
def test_a_server_that_gives_no_whole_answer(behaviour: Behaviour, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_MAX_BODY_BYTES", 10_000)
    assert failure(behaviour).kind == kind


@pytest.mark.parametrize("behaviour", [servers.drips(), servers.drips(in_headers=True), servers.hangs])
def test_a_server_without_an_end_is_cut_off_when_the_clients_time_is_up(behaviour: Behaviour) -> None:
    assert failure(behaviour, seconds=0.3, answer_seconds=5).kind == "out_of_time"


def test_nothing_is_called_after_the_time_is_up() -> None:
    with serving(answers(200)) as server, HttpClient(seconds=0.05) as client:
        time.sleep(0.1)
        with pytest.raises(HttpError) as caught:
            client.request("GET", server.url)
        assert caught.value.kind == "out_of_time"
        assert server.requests == []


def test_a_refused_connection_is_unreachable() -> None:
    with HttpClient(seconds=5) as client:
        for url in (servers.unreachable().url, "http://", "http://name.invalid."):
            with pytest.raises(HttpError) as caught:
                client.request("GET", url)
            assert caught.value.kind == "unreachable"
    # A listener whose queue is full drops packets, as a security group does.
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        HttpClient(seconds=5, answer_seconds=0.2) as client,
    ):
        host, port = listener.getsockname()
        waiting = [socket.socket() for _ in range(2)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex((host, port))
        with pytest.raises(HttpError) as caught:
            client.request("GET", f"http://{host}:{port}")
        assert caught.value.kind == "unreachable"
        for one in waiting:
            one.close()


@pytest.mark.parametrize("status", [200, 204, 301, 401, 404, 429, 500, 503])
def test_every_whole_answer_is_an_answer(status: int) -> None:
    body = b"" if status == 204 else b'{"success": false}'
    with serving(answers(status, body)) as server, HttpClient(seconds=5) as client:
        answer = client.request("GET", server.url, headers={"Authorization": "Bearer x"})
    assert (answer.status, answer.body) == (status, body)
    assert server.requests[0].headers["authorization"] == "Bearer x"


def test_a_redirect_is_not_followed() -> None:
    with serving(answers(200)) as other, serving(servers.redirects_to(other.url)) as server:
        with HttpClient(seconds=5) as client:
            assert client.request("GET", server.url).status == 302
        assert other.requests == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b'{"half": ', b"[" * 200_000, b"9" * 10_000])
def test_the_error_for_a_body_that_is_not_json_is_short(body: bytes) -> None:
    with pytest.raises(NotJsonError) as caught:
        http.Answer(200, body).json()
    assert len(str(caught.value)) < 500


def test_a_body_is_sent() -> None:
    with serving(answers(200)) as server, HttpClient(seconds=5) as client:
        client.request("PUT", f"{server.url}/x", body=b"content")
    assert (server.requests[0].method, server.requests[0].body) == ("PUT", b"content")


def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = certificates.issue(tmp_path, "localhost", "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.server_chain_file, files.server_key_file)
    with serving(answers(200, "well"), tls=tls) as server:
        with HttpClient(seconds=5) as client, pytest.raises(HttpError) as caught:
            client.request("GET", server.url)
        assert caught.value.kind == "unreachable"
        assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value)
        monkeypatch.setenv("SSL_CERT_FILE", str(files.ca_file))
        with HttpClient(seconds=5) as client:
            assert client.request("GET", server.url).json() == "well"
            with pytest.raises(HttpError) as caught:
                client.request("GET", server.url.replace("127.0.0.1", "127.0.0.2"))
            assert caught.value.kind == "unreachable"


def test_a_tls_server_without_an_end_is_cut_off_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = certificates.issue(tmp_path, "localhost", "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.server_chain_file, files.server_key_file)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.ca_file))
    with serving(servers.hangs, tls=tls) as server, HttpClient(seconds=0.2) as client:
        with pytest.raises(HttpError) as caught:
            client.request("GET", server.url)
        assert caught.value.kind == "out_of_time"


class Counting(BaseHTTPRequestHandler):
    """Keeps connections open, and counts them."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    connections: set[Any] = set()  # noqa: RUF012

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"2\r\n[]\r\n0\r\n\r\n")
        else:
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("path", ["/plain", "/chunked"])
def test_connections_are_reused(path: str) -> None:
    Counting.connections.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        with HttpClient(seconds=10, connections=4) as client:

            def call() -> None:
                for _ in range(25):
                    assert client.request("GET", f"http://127.0.0.1:{server.server_port}{path}").json() == []

            threads = [threading.Thread(target=call) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        server.shutdown()
    assert len(Counting.connections) <= 4
