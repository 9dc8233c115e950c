"""HTTP handlers of a task of the stand-in: of its Coral server, and of its site."""

import hmac
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pg8000.native

from rehearsal.stand_in.cron_routes import ROUTES
from rehearsal.stand_in.database_url import InvalidUrlError, connect

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
    """Settings that all instances share."""

    secrets_file: Path
    ca_file: Path
    pools: list[str]

    def secrets(self) -> dict[str, str]:
        """Read the task's secrets; empty until the file is there."""
        if not self.secrets_file.exists():
            return {}
        values: dict[str, str] = json.loads(self.secrets_file.read_text())
        return values

    def connect(self) -> pg8000.native.Connection:
        """Connect to DATABASE_URL."""
        return connect(self.secrets()["DATABASE_URL"], self.ca_file, application_name="application", timeout=10)


class Handler(BaseHTTPRequestHandler):
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


def without_threads_api(secrets_file: Path) -> Path:
    """The file beside the secrets that makes Coral servers as the public one while it exists."""
    return secrets_file.with_name(f"{secrets_file.stem}-without-threads-api")


class CoralHandler(Handler):
    """The Coral server of one task."""

    def _thread(self) -> tuple[str, str | None] | None:
        """Pool and thread (None: all of the pool) of the path; None when it is not one of theirs."""
        if without_threads_api(self.settings.secrets_file).exists():
            return None
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


class WebHandler(Handler):
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
        except (pg8000.native.InterfaceError, pg8000.native.DatabaseError, OSError, InvalidUrlError) as error:
            self.answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"success": False, "error": str(error)})
        else:
            self.answer(HTTPStatus.OK, body)


class SiteHandler(WebHandler):
    """The site as behind the load balancer."""

    corals: Iterator[CoralMemory]

    def do_GET(self) -> None:
        """Answer from the next task."""
        self.coral = next(self.corals)
        super().do_GET()
