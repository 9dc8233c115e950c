"""The URLs of the database's secret, against PostgreSQL that takes TLS only, from a CA that no client knows."""

import os
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest

from constructs.database.credentials import client_urls
from rehearsal.stand_in.database_url import InvalidUrlError, connect
from rehearsal.steps.connect_clients import seen_by_node
from tests.integration.conftest import Database

COMPATIBLE = "uselibpqcompat=true&"


@pytest.fixture
def urls(database: Database) -> dict[str, str]:
    server = database.server
    return client_urls(f"{database.user}:{database.password}@{server.host}:{server.port}/{database.name}", 10)


def test_clients_of_node_connect_over_tls(database: Database, urls: dict[str, str]) -> None:
    seen = seen_by_node(urls["url"], os.environ)
    assert seen == {name: [database.user, True, "TLSv1.3"] for name in ("node-postgres", "Prisma 7")}


def test_without_libpqs_meaning_of_require_they_refuse_the_certificate(urls: dict[str, str]) -> None:
    seen = seen_by_node(urls["url"].replace(COMPATIBLE, ""), os.environ)
    assert seen == {
        "node-postgres": ["refused", "self-signed certificate in certificate chain"],
        "Prisma 7": ["refused", "TlsConnectionError"],
    }


def test_they_verify_in_full_where_the_image_has_the_authority(database: Database, urls: dict[str, str]) -> None:
    verified = urls["url"].replace(COMPATIBLE, "").replace("sslmode=require", "sslmode=verify-full")
    trusting = {**os.environ, "NODE_EXTRA_CA_CERTS": str(database.server.ca_file)}
    assert [row[1] for row in seen_by_node(verified, trusting).values()] == [True, True]
    assert [row[0] for row in seen_by_node(verified, os.environ).values()] == ["refused"] * 2


def test_prisma_6_takes_it_by_its_rules(database: Database, urls: dict[str, str]) -> None:
    with closing(connect(urls["url"], database.server.ca_file)) as connection:
        assert connection.run("SELECT current_setting('search_path'), current_user::text") == [
            ['"public"', database.user]
        ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("postgresql://", "mysql://", "must begin with postgresql://"),
        ("connection_limit=10", "connection_limit=ten", "connection_limit must be a number, got 'ten'"),
        ("sslmode=require", "sslmode=prefer", "sslmode must be require"),
        ("sslmode=require&", "", "sslmode must be require"),
    ],
)
def test_what_prisma_6_would_refuse_the_stand_in_refuses(
    database: Database, urls: dict[str, str], old: str, new: str, message: str
) -> None:
    with pytest.raises(InvalidUrlError, match=message) as refusal:
        connect(urls["url"].replace(old, new), database.server.ca_file)
    assert database.password not in str(refusal.value)


def test_libpq_gets_no_parameter_that_it_does_not_know(urls: dict[str, str]) -> None:
    # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    assert parse_qs(urlsplit(urls["libpq_url"]).query) == {"sslmode": ["require"]}
    assert urlsplit(urls["libpq_url"])[:3] == urlsplit(urls["url"])[:3]
