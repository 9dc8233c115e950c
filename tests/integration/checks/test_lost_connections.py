"""A lost connection spoils no later call of the process, over many tries."""

import ssl
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ops_lambdas.shared.database import Credentials, DatabaseError, reading
from ops_lambdas.shared.http import HttpClient, HttpError
from rehearsal.postgresql import certificates
from tests.integration.checks import servers
from tests.integration.checks.servers import answers, serving
from tests.integration.conftest import Database

TRIES = 30


@pytest.fixture(scope="module")
def database(module_database: Database) -> Database:
    """One for all tests here, as none of them changes it."""
    return module_database


def lose_one(credentials: Credentials, database: Database) -> None:
    """Have the server end a connection, and use it twice more."""
    with suppress(DatabaseError), closing(database.server.connect()) as admin:
        with reading(credentials, application_name="t") as reader:
            ((pid,),) = reader.rows("SELECT pg_backend_pid()")
            admin.run("SELECT pg_terminate_backend(:pid, 5000)", pid=pid)
            with suppress(Exception):  # each read and write fails in its own way
                reader.rows("SELECT 1")
            reader.rows("SELECT 2")
        pytest.fail("the connection was not lost")


def test_the_next_call_over_https_works_and_one_that_fails_spoils_none(
    credentials: Credentials, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = certificates.issue(tmp_path, "localhost", "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.server_chain_file, files.server_key_file)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.ca_file))
    with serving(answers(200, "well"), tls=tls) as good, serving(servers.resets, tls=tls) as bad:
        for _ in range(TRIES):
            lose_one(credentials, database)
            with HttpClient(seconds=10) as client:
                assert client.request("GET", good.url).json() == "well"
                with pytest.raises(HttpError):
                    client.request("GET", bad.url)
                assert client.request("GET", good.url).json() == "well"
            with reading(credentials, application_name="t") as reader:
                assert reader.rows("SELECT 1") == [[1]]
