"""Serve the stand-in: a Coral server and a site for each task, and the site of all tasks over TLS."""

import errno
import itertools
import ssl
import threading
from collections.abc import Sequence
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from rehearsal.machine.ports import taken
from rehearsal.stand_in.http_handlers import CoralHandler, CoralMemory, Handler, Settings, SiteHandler, WebHandler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name, which asks DNS."""
        try:
            TCPServer.server_bind(self)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            host, port = self.server_address[:2]
            raise OSError(errno.EADDRINUSE, taken(str(host), int(port))) from None
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


def serve(
    host: str, settings: Settings, coral: CoralMemory | None = None, *, coral_port: int, web_port: int
) -> list[ThreadingHTTPServer]:
    """Start one instance on its host: its Coral server and its site, each in its own threads.

    Raises: OSError when a port is taken; says by whom.
    """
    shared = {"settings": settings, "coral": coral or CoralMemory()}
    handlers: dict[int, type[Handler]] = {coral_port: CoralHandler, web_port: WebHandler}
    return [_start((host, port), handler, shared) for port, handler in handlers.items()]


def serve_site(
    address: tuple[str, int], settings: Settings, corals: Sequence[CoralMemory], chain_file: Path, key_file: Path
) -> ThreadingHTTPServer:
    """Serve the site of all tasks over TLS, as the load balancer does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain_file, key_file)
    return _start(address, SiteHandler, {"settings": settings, "corals": itertools.cycle(corals)}, context)


def _start(
    address: tuple[str, int], handler: type[Handler], shared: dict[str, Any], tls: ssl.SSLContext | None = None
) -> ThreadingHTTPServer:
    server = _Server(address, type(handler.__name__, (handler,), dict(shared)))
    if tls:  # each handshake in the thread of its request
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
