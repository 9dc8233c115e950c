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
import itertools
import ssl
import threading
from collections.abc import Sequence
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from rehearsal.application_handlers import CoralHandler, CoralMemory, Handler, Settings, SiteHandler, WebHandler

CORAL_PORT = 5555
WEB_PORT = 3000


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


_PORTS: dict[int, type[Handler]] = {CORAL_PORT: CoralHandler, WEB_PORT: WebHandler}


def _start(
    address: tuple[str, int], handler: type[Handler], shared: dict[str, Any], tls: ssl.SSLContext | None = None
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
