"""A check run end to end: its settings, its secret over HTTP, a real database, and what it wrote to its log."""

import json
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pg8000.native
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.database_role.role import RoleMaker
from ops_lambdas.pool_health import handler
from ops_lambdas.pool_health.report import PoolHealthResult
from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared.database import Credentials, writing
from ops_lambdas.shared.settings import DatabaseSettings
from rehearsal.postgresql.server import Postgres
from tests.integration.checks.servers import Behaviour, Server, serving
from tests.integration.checks.variables import AWS
from tests.integration.conftest import Database

ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:pardon-rehearsal/database-AbCdEf"
CRON_ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:pardon-rehearsal/cron-secret-AbCdEf"
CRON_SECRET = "cron-and-secret"
CONTEXT = cast(
    LambdaContext,
    SimpleNamespace(
        function_name="pardon-rehearsal-pool-health",
        memory_limit_in_mb="256",
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:pardon-rehearsal-pool-health",
        aws_request_id="6bc28136-xmpl-4365-b021-0ce6b2e64ab0",
        get_remaining_time_in_millis=lambda: 120_000,
    ),
)


class Secrets:
    """The part of Secrets Manager that the check may use: one secret, one action."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}
        self.answers: dict[str, dict[str, Any]] = {}  # of other secrets, by ARN, or ARN AWSPREVIOUS
        self.status = 200
        self.requests: list[tuple[str, dict[str, Any]]] = []
        secrets = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                secrets.requests.append((self.headers["X-Amz-Target"], json.loads(body)))
                asked = secrets.requests[-1][1].get("SecretId", "")
                if secrets.requests[-1][1].get("VersionStage") == "AWSPREVIOUS":
                    asked += " AWSPREVIOUS"
                answer = json.dumps(secrets.answers.get(asked, secrets.answer)).encode()
                self.send_response(secrets.status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Write nothing: standard output is the check's."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def hold(self, text: str) -> None:
        self.answer = {"ARN": ARN, "Name": "pardon-rehearsal/database", "SecretString": text}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[Secrets]:
    secrets = Secrets()
    yield secrets
    secrets.close()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Callable[[Behaviour], AbstractContextManager[Server]]:
    """Start a site that behaves so, at which the check finds it."""

    @contextmanager
    def serve(behaviour: Behaviour) -> Iterator[Server]:
        with serving(behaviour) as server:
            monkeypatch.setenv("SITE_URL", server.url)
            yield server

    return serve


@pytest.fixture
def secrets(server: Secrets) -> Secrets:
    server.status = 200
    server.answers = {CRON_ARN: {"SecretString": json.dumps({"value": CRON_SECRET})}}
    server.requests.clear()
    return server


class Check:
    """Pool health as its Lambda runs it, and what it wrote to its log.

    Attributes:
        user, password: what it logs in with, instead of a token.
    """

    def __init__(self, database: Database, secrets: Secrets, capsys: pytest.CaptureFixture[str]) -> None:
        self.secrets = secrets
        self._capsys = capsys
        self.user = database.user
        self.password = database.password
        self.metrics: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []

    def login(self, config: DatabaseSettings) -> Credentials:
        """Return a login by password instead of signing a token."""
        return Credentials(
            host=config.database_host,
            port=config.database_port,
            database=config.database_name,
            username=self.user,
            password=self.password,
        )

    def run(self, event: object = None) -> PoolHealthResult:
        try:
            # pytest has another standard output than when the logger was made.
            with mock.patch.object(handler.logger.handlers[0], "stream", sys.stdout):
                result: PoolHealthResult = handler.handler(event, CONTEXT)
        finally:
            written = self._capsys.readouterr()
            assert self.password not in written.out + written.err
            assert CRON_SECRET not in written.out + written.err
            assert written.err == ""
            lines = [json.loads(line) for line in written.out.splitlines()]
            self.metrics = [line for line in lines if "_aws" in line]
            self.logs = [line for line in lines if "_aws" not in line]
        json.dumps(result, allow_nan=False)
        return result

    def refuses(self, kind: type[Exception], message: str) -> None:
        with pytest.raises(kind, match=message) as caught:
            self.run()
        assert self.password not in "".join(traceback.format_exception(caught.value)), "AWS logs the traceback"
        assert not [line for line in self.metrics if line.get("DatabaseReadable") != [0.0]], "could not look"


def environment(database: Database, secrets: Secrets) -> dict[str, str]:
    return {
        "ENVIRONMENT": "rehearsal",
        "DATABASE_HOST": database.server.host,
        "DATABASE_PORT": str(database.server.port),
        "DATABASE_NAME": database.name,
        "DATABASE_USER": "pardon_ops",
        "POOLS": "pool-0,pool-1",
        "SITE_URL": "http://127.0.0.1:9",  # where nothing listens
        "CRON_SECRET_ARN": CRON_ARN,
        "PGSSLROOTCERT": str(database.server.ca_file),
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets.url,
        **AWS,
        "POWERTOOLS_SERVICE_NAME": "pool_health",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


@pytest.fixture
def check(
    database: Database, secrets: Secrets, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Check:
    for name, value in environment(database, secrets).items():
        monkeypatch.setenv(name, value)
    check = Check(database, secrets, capsys)
    monkeypatch.setattr(shared_database, "iam_login", check.login)
    return check


@pytest.fixture(scope="module")
def module_database(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Database]:
    """One database for all tests of a module: faster than a new one for each."""
    name = "_".join(request.module.__name__.split(".")[-2:])  # the check's and the module's: roles are named after it
    with closing(postgres.connect()) as admin:
        admin.run(f"CREATE DATABASE {name} TEMPLATE application_template OWNER pardon_admin")
        yield Database(postgres, name)
        admin.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def connection(database: Database) -> Iterator[pg8000.native.Connection]:
    connection = database.connect()
    connection.run(
        """INSERT INTO "User" ("id", "walletAddress", "username") VALUES ('u', 'w', 'n') ON CONFLICT DO NOTHING"""
    )
    yield connection
    connection.close()


@pytest.fixture
def credentials(database: Database, monkeypatch: pytest.MonkeyPatch) -> Credentials:
    monkeypatch.setenv("PGSSLROOTCERT", str(database.server.ca_file))
    host, port = database.server.host, database.server.port
    return Credentials(host=host, port=port, database=database.name, username=database.user, password=database.password)


@pytest.fixture(scope="session")
def made_roles() -> set[str]:
    """The checks' roles that exist; they end with their server."""
    return set()


@pytest.fixture
def ops_login(credentials: Credentials, database: Database, made_roles: set[str]) -> Credentials:
    """The login of the checks' role, as the deployment creates it, with a password instead of a token."""
    role = f"ops_{database.name}"
    if role not in made_roles:
        with writing(credentials, application_name="database_role") as writer:
            RoleMaker(writer, role, lambda: True).ensure("rehearsal")
        admin = database.server.connect()
        admin.run(f"ALTER ROLE {role} PASSWORD '{database.password}'")
        admin.close()
        made_roles.add(role)
    return replace(credentials, username=role, kind="token")
