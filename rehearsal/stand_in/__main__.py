"""Run the application's stand-in:

    python -m rehearsal.stand_in --host 127.0.0.2 127.0.0.3 --secrets-file FILE --ca-file PEM

On each host, --coral-port is the task's Coral server (`/health`, a pool's threads) and --web-port its site
(`/api/health/coral`, `/api/cron/*`). Coral's threads live in the memory of their instance. The secrets file
is JSON with DATABASE_URL and CRON_SECRET, what the task gets from Secrets Manager; the site is unhealthy until
the file is there. The stand-in adds two calls to Coral's: `PUT` of a thread opens it, and `POST` of a JSON list
of ids to a pool's threads opens them all.

With --site HOST:PORT the site is also served over TLS, as by the load balancer: each request goes to the next
task.
"""

import argparse
import threading
from pathlib import Path

from application import CORAL_PORT, WEB_PORT
from rehearsal.stand_in.http_handlers import CoralMemory, Settings
from rehearsal.stand_in.serve import serve, serve_site


def main() -> None:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.stand_in", description=__doc__)
    parser.add_argument("--host", nargs="+", required=True, help="an instance on each of these addresses")
    parser.add_argument("--coral-port", type=int, default=CORAL_PORT)
    parser.add_argument("--web-port", type=int, default=WEB_PORT)
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
        serve(host, settings, coral, coral_port=arguments.coral_port, web_port=arguments.web_port)
        print(f"task on {host}: Coral on port {arguments.coral_port}, site on port {arguments.web_port}", flush=True)
    if arguments.site:
        host, _, port = arguments.site.rpartition(":")
        serve_site((host, int(port)), settings, corals, arguments.site_certificate, arguments.site_key)
        print(f"site over TLS on {arguments.site}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
