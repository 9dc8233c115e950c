"""Runs in a Lambda's process before its handler is loaded, and sets up what AWS gives a Lambda.

It is put before MiniStack's worker script, and runs in an interpreter with the standard library only.
"""

import ipaddress
import json
import os
import socket
import sys
import threading
import time
from typing import Any
from urllib.parse import urlencode


def prepare(
    packages: str, ca_files: dict[str, str], trust_file: str, emulator: tuple[str, int], ports: dict[int, int]
) -> None:
    """Set the runtime up.

    Args:
        packages: folder of the runtime's distributions.
        ca_files: what PostgreSQL is verified with; by region, "" is any.
        trust_file: what any other server is verified with.
        emulator: host and port of the emulator.
        ports: of the tasks, and where their stand-ins have them.
    """
    sys.path.append(packages)
    os.environ["SSL_CERT_FILE"] = trust_file
    ca_file = ca_files.get(os.environ["AWS_REGION"]) or ca_files.get("")
    if ca_file:
        os.environ["PGSSLROOTCERT"] = ca_file
    mark_end_of_output()
    resolve_names(emulator, ports)
    threading.Thread(target=end_with, args=[os.getppid()], daemon=True).start()


def end_with(parent: int) -> None:
    """End when the emulator was killed outright."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


END = "-- end of a run's output --"


def mark_end_of_output() -> None:
    """Before each response, which goes to standard output, mark in the log that nothing more belongs to the run."""
    responses = sys.stdout

    class Marked:
        """Standard output for MiniStack's worker."""

        def write(self, text: str) -> int:
            if text.startswith(('{"status": "ok"', '{"status": "error"')):  # not that the worker is ready
                sys.stderr.write(f"{END}\n")
                sys.stderr.flush()
            return responses.write(text)

        def __getattr__(self, name: str) -> Any:
            return getattr(responses, name)

    sys.stdout = Marked()


def resolve_names(emulator: tuple[str, int], ports: dict[int, int]) -> None:
    """Resolve the names of the emulated Route 53 and no others: nothing outside this machine is reached.

    Tasks have addresses of this machine, and their ports elsewhere.
    """
    resolve = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not name or name == "localhost" or is_address(name):
            return resolve(host, ports.get(port, port), *args, **kwargs)
        found = ask(emulator, name, int(port or 0))
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(found[0], found[1], *args, **kwargs)

    socket.getaddrinfo = look_up


def is_address(name: str) -> bool:
    """Whether it is an address rather than a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def ask(emulator: tuple[str, int], name: str, port: int) -> tuple[str, int] | None:
    """Ask the emulator where a name's port is on this machine."""
    from http.client import HTTPConnection  # only where a name is looked up: it takes time to import

    connection = HTTPConnection(*emulator, timeout=5)
    connection.request("GET", f"/_rehearsal/address?{urlencode({'name': name, 'port': port})}")
    found: tuple[str, int] | None = json.loads(connection.getresponse().read())
    connection.close()
    return found
