"""The containers' health check, run by a shell that has only one of the programs that images carry."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from constructs.service.application_task import health_command


@contextmanager
def site(status: int) -> Iterator[str]:
    """A server on loopback that answers everything with this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/health/coral"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run(command: str, folder: Path, *programs: str) -> int:
    """Exit code of the command where only these programs are found."""
    for program in programs:
        found = shutil.which(program)
        if found is None:
            pytest.skip(f"{program} is not here")
        (folder / program).symlink_to(found)
    done = subprocess.run(
        ["/bin/sh", "-c", command], env={"PATH": str(folder)}, capture_output=True, check=False, timeout=30
    )
    return done.returncode


@pytest.mark.parametrize("program", ["curl", "wget", "node"])
@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_one_program_is_enough(tmp_path: Path, program: str, status: int, code: int) -> None:
    with site(status) as url:
        assert run(health_command(url), tmp_path, program) == code


def test_without_a_program_or_a_server_it_is_unhealthy(tmp_path: Path) -> None:
    assert run(health_command("http://127.0.0.1:9/"), tmp_path) == 1
    assert run(health_command("http://127.0.0.1:9/"), tmp_path, "node") == 1
