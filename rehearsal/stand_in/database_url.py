"""Connecting with DATABASE_URL as Prisma 6 takes it, whose engine is not on npm.

Rules: https://www.prisma.io/docs/orm/overview/databases/postgresql#arguments, and the query engine's source,
https://github.com/prisma/prisma-engines/blob/main/quaint/src/connector/postgres/url.rs
"""

import ssl
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pg8000.native import Connection

_NUMBERS = ("connection_limit", "connect_timeout", "pool_timeout", "socket_timeout")


class InvalidUrlError(ValueError):
    """Prisma refuses the URL, P1013; the message never has its password."""


def check(url: str) -> dict[str, str]:
    """Return the URL's parameters.

    Raises: InvalidUrlError when Prisma would refuse it, or would connect without TLS where the server has none.
    """
    parts = urlsplit(url)
    given = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if parts.scheme not in ("postgresql", "postgres"):
        raise InvalidUrlError(f"the URL must begin with postgresql:// or postgres://, got {parts.scheme!r}")
    if not (parts.hostname and parts.username and parts.path.strip("/")):
        raise InvalidUrlError("the URL must have a user, a host and a database")
    for name in _NUMBERS:
        if name in given and not given[name].isdecimal():
            raise InvalidUrlError(f"{name} must be a number, got {given[name]!r}")
    if given.get("sslmode") != "require":
        raise InvalidUrlError(f"sslmode must be require, as others allow plain connections, got {given.get('sslmode')}")
    return given


def connect(url: str, ca_file: Path, **arguments: str | float) -> Connection:
    """Connect over TLS.

    Prisma accepts any certificate unless `sslaccept=strict`; we verify it, so that nothing else answers in its place.

    Raises: as `check`.
    """
    given, parts = check(url), urlsplit(url)
    return Connection(
        unquote(parts.username or ""),
        host=parts.hostname or "",
        port=parts.port or 5432,
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")),
        ssl_context=ssl.create_default_context(cafile=ca_file),
        startup_params={"search_path": f'"{given.get("schema", "public")}"'},
        **arguments,
    )
