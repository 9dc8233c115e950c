"""Command line of the emulator; README and `python -m rehearsal` start it this way."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from application import CORAL_PORT
from rehearsal.emulator.launch import Settings, run


def main() -> None:
    """Read the command line and serve until the parent ends or asks to stop."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.emulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--folder", type=Path, required=True, help="everything is written below it")
    parser.add_argument("--account", default="000000000000", help="account id, 12 digits")
    for option, metavar, text in (
        ("--database", "[REGION=]HOST:PORT", "PostgreSQL behind the DB instances"),
        ("--database-admin-password-file", "[REGION=]FILE", "password of its role postgres"),
        ("--ca-file", "[REGION=]PEM", "authority that its certificate is verified with"),
        ("--database-endpoint", "[REGION=]HOST:PORT", "where clients find it, also with IAM tokens"),
        ("--database-certificates", "[REGION=]FOLDER", "certificates of that endpoint and of its authority"),
        ("--task-addresses", "[REGION=]ADDRESS,...", "addresses of the stand-ins of ECS tasks"),
        ("--site", "[REGION=]HOST:PORT", "where HTTPS requests to the region's load balancer are answered"),
    ):
        parser.add_argument(
            option, action="append", default=[], metavar=metavar, help=f"{text}; repeat it for another region"
        )
    parser.add_argument(
        "--coral-port", type=int, default=CORAL_PORT, help="where Lambdas find the tasks' Coral servers"
    )
    parser.add_argument(
        "--task-program", default="", help="runs the containers of one-off ECS tasks; image and command are appended"
    )
    arguments = parser.parse_args()
    settings = Settings(
        port=arguments.port,
        folder=arguments.folder.resolve(),
        account=arguments.account,
        databases=by_region(arguments.database),
        admin_password_files=by_region(arguments.database_admin_password_file),
        ca_files=by_region(arguments.ca_file),
        endpoints=by_region(arguments.database_endpoint),
        certificates=by_region(arguments.database_certificates),
        task_addresses={key: value.split(",") for key, value in by_region(arguments.task_addresses).items()},
        sites=by_region(arguments.site),
        task_ports={CORAL_PORT: arguments.coral_port},
        task_program=shlex.split(arguments.task_program),
        parent=os.getppid(),
    )
    try:
        run(settings)
    except OSError as error:
        sys.exit(f"emulator: {error}")


def by_region(texts: list[str]) -> dict[str, str]:
    """Split each "us-east-1=127.0.0.1:5432" into region and value; without a region, "" stands for any."""
    return {region: value for region, _, value in (text.rpartition("=") for text in texts)}


if __name__ == "__main__":
    main()
