"""One deadline: name look-up, connecting, TLS, reading, database and AWS's clients end when the time is up."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lambdas.shared import site, tasks
from ops_lambdas.shared.connecting import in_time
from ops_lambdas.shared.database import Credentials, DatabaseError, reading
from ops_lambdas.shared.http import HttpClient, HttpError
from ops_lambdas.shared.secret_values import SecretError
from ops_lambdas.shared.site import ask
from ops_lambdas.shared.tasks import TasksError, service_tasks
from rehearsal.postgresql import certificates
from tests.integration.checks import servers
from tests.integration.checks.servers import serving
from tests.integration.checks.variables import AWS

AT_MOST = 4.5  # seconds, of the 0.4 that each gets: only what never ends takes longer


@contextmanager
def ends_in_time() -> Iterator[None]:
    before = time.monotonic()
    yield
    assert time.monotonic() - before < AT_MOST


@contextmanager
def dropping() -> Iterator[tuple[str, int]]:
    """An address that drops packets, as a listener does whose queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A name with a dozen addresses that drop packets."""
    with dropping() as address:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 12
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        yield


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that does not answer."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(10))


def server_at(port: int = 1, host: str = "name.invalid") -> Credentials:
    return Credentials(host=host, port=port, database="d", username="u", password="p")


@pytest.mark.parametrize("trouble", ["dead", "hanging"])
def test_a_name_without_an_answer_or_a_live_address(trouble: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(trouble)
    with ends_in_time(), HttpClient(seconds=5, answer_seconds=0.4) as client, pytest.raises(HttpError) as caught:
        client.request("GET", "http://name.invalid")
    assert caught.value.kind == "unreachable"
    with (
        ends_in_time(),
        pytest.raises(DatabaseError, match=re.escape("at name.invalid:1: ")),
        reading(server_at(), application_name="t", seconds=0.4),
    ):
        pass


def test_a_live_address_behind_dead_ones_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address has its share of the time, so that one that drops packets leaves some to the next."""
    with serving(servers.answers(200)) as server, dropping() as dead:
        addresses = [dead, dead, (server.host, server.port)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", one) for one in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with HttpClient(seconds=5, answer_seconds=1.5) as client:
            assert client.request("GET", "http://name.invalid").status == 200


@contextmanager
def listening(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept connections, each of which behaves so in its own thread; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                behave(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def drip(connection: socket.socket, first: bytes) -> None:
    """Send what begins a long answer, and then a byte now and then."""
    connection.sendall(first)
    while True:
        time.sleep(0.05)
        connection.sendall(b"\x00")


TLS_RECORD = b"\x16\x03\x03\x40\x00"  # a handshake of 16 KiB


def test_a_handshake_that_drips() -> None:
    with listening(lambda connection: drip(connection, TLS_RECORD)) as port:
        with ends_in_time(), HttpClient(seconds=5, answer_seconds=0.4) as client, pytest.raises(HttpError):
            client.request("GET", f"https://127.0.0.1:{port}")
        with ends_in_time(), HttpClient(seconds=0.4) as client, pytest.raises(HttpError) as caught:
            client.request("GET", f"https://127.0.0.1:{port}")
        assert caught.value.kind == "out_of_time"

    def accepts_tls_and_drips(connection: socket.socket) -> None:
        connection.recv(8)
        drip(connection, b"S" + TLS_RECORD)

    with (
        listening(accepts_tls_and_drips) as port,
        ends_in_time(),
        pytest.raises(DatabaseError),
        reading(server_at(port, "127.0.0.1"), application_name="t", seconds=0.4),
    ):
        pass


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    files = certificates.issue(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server_chain_file, files.server_key_file)
    return context, files.ca_file


def behind_tls(context: ssl.SSLContext, answer: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Return the behaviour of a database server that says something else once it is connected over TLS."""

    def behave(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"S")
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            answer(secure)

    return behave


def test_a_database_that_drips_behind_tls(tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    context, ca_file = tls
    monkeypatch.setenv("PGSSLROOTCERT", str(ca_file))
    with (
        listening(behind_tls(context, lambda secure: drip(secure, b"R\x00\x00\xff\xff"))) as port,
        ends_in_time(),
        pytest.raises(DatabaseError),
        reading(server_at(port, "127.0.0.1"), application_name="t", seconds=0.4),
    ):
        pass


MESSAGE = st.tuples(st.sampled_from(list(b"RSKZENTDCtn1AX")), st.integers(0, 40), st.binary(max_size=40)).map(
    lambda drawn: bytes([drawn[0]]) + drawn[1].to_bytes(4, "big") + drawn[2]
)


@settings(max_examples=60)
@given(garbage=st.lists(MESSAGE, max_size=6).map(b"".join) | st.binary(max_size=200))
def test_garbage_behind_tls_is_a_database_error(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch, garbage: bytes
) -> None:
    context, ca_file = tls
    monkeypatch.setenv("PGSSLROOTCERT", str(ca_file))
    with (
        listening(behind_tls(context, lambda secure: secure.sendall(garbage))) as port,
        ends_in_time(),
        pytest.raises(DatabaseError, match=f"127.0.0.1:{port}: "),
        reading(server_at(port, "127.0.0.1"), application_name="t", seconds=1) as reader,
    ):
        reader.rows("SELECT 1")


def test_a_query_under_way_ends_with_the_connections_time(credentials: Credentials) -> None:
    with (
        ends_in_time(),
        pytest.raises(DatabaseError),
        reading(replace(credentials), application_name="t", seconds=0.4) as reader,
    ):
        reader.rows("SELECT pg_sleep(5)")


def test_aws_clients_with_all_their_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    with serving(servers.hangs) as server, ends_in_time():
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", server.url)
        with pytest.raises(TasksError, match="cannot be listed: no answer within"):
            service_tasks("c", "s", seconds=0.4)
    assert tasks._SECONDS <= 30


def test_a_call_in_time_returns_or_raises_as_it_would() -> None:
    def fails() -> Any:
        raise KeyError("x")

    assert in_time(lambda: 7, 5) == 7
    with pytest.raises(KeyError):
        in_time(fails, 5)
    with pytest.raises(TimeoutError, match="no answer within 0 seconds"):
        in_time(lambda: time.sleep(3), 0)


def test_reading_the_secret_and_the_call_of_the_site_each_end(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:cron"
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    held = servers.answers(200, {"SecretString": '{"value": "cron"}'}, content_type="application/x-amz-json-1.1")
    with serving(held) as secrets, serving(servers.drips()) as drips, ends_in_time():
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url)
        with pytest.raises(HttpError):
            ask(drips.url, arn, seconds=0.4)
    monkeypatch.setattr(site, "_SECRET_SECONDS", 0.4)
    with serving(servers.hangs) as secrets, ends_in_time():
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url)
        with pytest.raises(SecretError, match="cannot be read: no answer within"):
            ask("https://127.0.0.1:9", arn, seconds=0.4)
