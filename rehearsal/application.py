"""Stand-in for the application: what the operations see of it, one instance for each running task.

    python -m rehearsal.application --host 127.0.0.2 127.0.0.3 --secrets-file FILE --ca-file PEM

On each host, port 5555 is the task's Coral server (`/health`, a pool's threads) and port 3000 its site
(`/api/health/coral`, `/api/cron/*`). Coral's threads live in the memory of their instance. The secrets file
is JSON with DATABASE_URL and CRON_SECRET, what the task gets from Secrets Manager; it may come later than
the stand-in, whose site is not well until then. The stand-in adds two calls to Coral's: `PUT` of a thread
opens it, and `POST` of a JSON list of ids to a pool's threads opens them all.

With --site HOST:PORT the site is there over TLS, too, as behind the load balancer: each request goes to the
next task.
"""

import argparse
import hmac
import itertools
import json
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pg8000.native

from rehearsal.application_cron import ROUTES

CORAL_PORT = 5555
WEB_PORT = 3000
_THREADS = ("api", "v1", "sessions")


class CoralMemory:
    """The threads of one task's Coral server."""

    def __init__(self) -> None:
        self._pools: dict[str, dict[str, None]] = defaultdict(dict)
        self._lock = threading.Lock()

    def threads(self, pool: str) -> list[str]:
        """List a pool's thread ids, oldest first."""
        with self._lock:
            return list(self._pools[pool])

    def open(self, pool: str, thread: str) -> None:
        """Open a thread."""
        with self._lock:
            self._pools[pool][thread] = None

    def close(self, pool: str, thread: str) -> bool:
        """Close a thread; False when there is none of this id."""
        with self._lock:
            return self._pools[pool].pop(thread, thread) is None


@dataclass(frozen=True)
class Settings:
    """What every instance shares."""

    secrets_file: Path
    ca_file: Path
    pools: list[str]

    def secrets(self) -> dict[str, str]:
        """Read the task's secrets; empty before they are there."""
        if not self.secrets_file.exists():
            return {}
        values: dict[str, str] = json.loads(self.secrets_file.read_text())
        return values

    def connect(self) -> pg8000.native.Connection:
        """Connect to DATABASE_URL over verified TLS."""
        url = urlsplit(self.secrets()["DATABASE_URL"])
        return pg8000.native.Connection(
            unquote(url.username or ""),
            password=unquote(url.password or ""),
            host=url.hostname or "",
            port=url.port or 5432,
            database=url.path.removeprefix("/"),
            ssl_context=ssl.create_default_context(cafile=self.ca_file),
            application_name="application",
            timeout=10,
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    settings: Settings
    coral: CoralMemory

    def answer(self, status: HTTPStatus, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def not_found(self) -> None:
        self.answer(HTTPStatus.NOT_FOUND, {"error": f"no such route: {self.path}"})


class CoralHandler(_Handler):
    """The Coral server of one task."""

    def _thread(self) -> tuple[str, str | None] | None:
        """Pool and thread (None: all of the pool) of the path; None when it is not one of theirs."""
        parts = tuple(unquote(part) for part in urlsplit(self.path).path.strip("/").split("/"))
        if parts[:3] != _THREADS or parts[4:5] != ("threads",) or len(parts) > 6:
            return None
        return parts[3], parts[5] if len(parts) > 5 else None

    def do_GET(self) -> None:
        """`/health`, and the ids of a pool's threads."""
        match self._thread():
            case (pool, None):
                self.answer(HTTPStatus.OK, self.coral.threads(pool))
            case None if self.path == "/health":
                self.answer(HTTPStatus.OK, {"status": "healthy"})
            case _:
                self.not_found()

    def do_DELETE(self) -> None:
        """Close a thread."""
        match self._thread():
            case (pool, str(thread)) if self.coral.close(pool, thread):
                self.answer(HTTPStatus.OK, {"closed": thread})
            case _:
                self.not_found()

    def do_POST(self) -> None:
        """Open the threads of a JSON list; the stand-in's own."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self._thread():
            case (pool, None):
                threads = json.loads(content)
                for thread in threads:
                    self.coral.open(pool, thread)
                self.answer(HTTPStatus.CREATED, {"opened": len(threads)})
            case _:
                self.not_found()

    def do_PUT(self) -> None:
        """Open a thread; the stand-in's own."""
        match self._thread():
            case (pool, str(thread)):
                self.coral.open(pool, thread)
                self.answer(HTTPStatus.CREATED, {"opened": thread})
            case _:
                self.not_found()


class WebHandler(_Handler):
    """The site of one task."""

    def do_GET(self) -> None:
        """The health route and the operations routes."""
        path = urlsplit(self.path).path
        secrets = self.settings.secrets()
        if path == "/api/health/coral":
            status = HTTPStatus.OK if secrets else HTTPStatus.SERVICE_UNAVAILABLE
            self.answer(status, {"status": "healthy" if secrets else "unhealthy"})
        elif path not in ROUTES:
            self.not_found()
        elif not self._is_authorized(secrets.get("CRON_SECRET", "")):
            self.answer(HTTPStatus.UNAUTHORIZED, {"success": False, "error": "Unauthorized"})
        else:
            self._run(path)

    def _is_authorized(self, cron_secret: str) -> bool:
        given = self.headers.get("Authorization", "")
        return bool(cron_secret) and hmac.compare_digest(given.encode(), f"Bearer {cron_secret}".encode())

    def _run(self, path: str) -> None:
        try:
            database = self.settings.connect()
            try:
                body = ROUTES[path](database, self.coral, self.settings.pools)
            finally:
                database.close()
        except (pg8000.native.InterfaceError, pg8000.native.DatabaseError, OSError) as error:
            self.answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"success": False, "error": str(error)})
        else:
            self.answer(HTTPStatus.OK, body)


class SiteHandler(WebHandler):
    """The site as the load balancer answers for it."""

    corals: Iterator[CoralMemory]

    def do_GET(self) -> None:
        """Let the next task answer."""
        self.coral = next(self.corals)
        super().do_GET()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name, which asks DNS."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


def serve(host: str, settings: Settings, coral: CoralMemory | None = None) -> list[ThreadingHTTPServer]:
    """Start one instance on its host: its Coral server and its site, each in threads of their own."""
    shared = {"settings": settings, "coral": coral or CoralMemory()}
    return [_start((host, port), handler, shared) for port, handler in _PORTS.items()]


def serve_site(
    address: tuple[str, int], settings: Settings, corals: Sequence[CoralMemory], chain_file: Path, key_file: Path
) -> ThreadingHTTPServer:
    """Answer for all tasks over TLS, as the load balancer does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain_file, key_file)
    return _start(address, SiteHandler, {"settings": settings, "corals": itertools.cycle(corals)}, context)


_PORTS: dict[int, type[_Handler]] = {CORAL_PORT: CoralHandler, WEB_PORT: WebHandler}


def _start(
    address: tuple[str, int], handler: type[_Handler], shared: dict[str, Any], tls: ssl.SSLContext | None = None
) -> ThreadingHTTPServer:
    server = _Server(address, type(handler.__name__, (handler,), dict(shared)))
    if tls:  # each handshake in the thread of its request
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.application", description=__doc__)
    parser.add_argument("--host", nargs="+", required=True, help="an instance on each of these addresses")
    parser.add_argument("--secrets-file", type=Path, required=True)
    parser.add_argument("--ca-file", type=Path, required=True)
    parser.add_argument("--pools", default="pool-0,pool-1,pool-2,pool-3,pool-4")
    parser.add_argument("--site", metavar="HOST:PORT", help="the site over TLS, for all tasks")
    parser.add_argument("--site-certificate", type=Path, metavar="PEM", help="its certificate's chain")
    parser.add_argument("--site-key", type=Path, metavar="PEM", help="its private key")
    arguments = parser.parse_args()
    settings = Settings(arguments.secrets_file, arguments.ca_file, arguments.pools.split(","))
    corals = [CoralMemory() for _ in arguments.host]
    for host, coral in zip(arguments.host, corals, strict=True):
        serve(host, settings, coral)
        print(f"task on {host}: Coral on port {CORAL_PORT}, site on port {WEB_PORT}", flush=True)
    if arguments.site:
        host, _, port = arguments.site.rpartition(":")
        serve_site((host, int(port)), settings, corals, arguments.site_certificate, arguments.site_key)
        print(f"site over TLS on {arguments.site}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
