"""Restore a dump into the empty database: `make restore-dump ENV=production DUMP=dumps/2026-11-29T090000.000Z`.

It asks first. A database with any table is refused, and a dump is restored as a whole or not at all. The row counts are
compared with those beside the dump.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from config import environment
from environment import Environment
from procedures.dump_bucket import Bucket, Dump, DumpError, rows, table
from procedures.execution import Machine, follow
from procedures.terminal import Terminal
from validation import ConfigurationError

_STATES = {
    "Restore": "Downloading and restoring, in a task of its own",
    "DatabaseRole": "Giving the checks access to the tables",
}
_COUNTED = "restored: "  # before the row counts that the task logs


def restore(chosen: Environment, console: Terminal, found: Dump, ask: Callable[[str], str]) -> int:
    """Ask, run the state machine of restores, compare the row counts, and return the exit code.

    Raises:
        BotoCoreError, ClientError: AWS cannot be reached, or refuses.
        DumpError: the operator does not agree; nothing has begun.
    """
    _agree(chosen, console, found, ask)
    counted: list[str] = []

    def show(line: str) -> None:
        if line.strip().startswith(_COUNTED):
            counted.append(line.strip().removeprefix(_COUNTED))
        else:
            console.print(line, soft_wrap=True)

    names = chosen.names
    machine = Machine(name=names.restore_dump, log_group=names.dump_log_groups["tasks"], states=_STATES)
    ended = follow(
        chosen, machine, json.dumps({"key": found.key}), show, has_all_lines=lambda: len(counted) >= len(found.rows)
    )
    restored = rows("\n".join(counted))
    if restored:
        console.print(table(found.key, {"dumped": found.rows, "restored": restored}))
    if ended.reason:
        console.print(ended.reason, style="red", soft_wrap=True)
        return 1
    if restored != found.rows:
        console.print("The row counts are not those beside the dump, or not all in the log.", style="red")
        return 1
    console.print(f"Restored in {ended.seconds:.0f} s; every table has as many rows as were dumped.")
    return 0


def _agree(chosen: Environment, console: Terminal, found: Dump, ask: Callable[[str], str]) -> None:
    place = f"{chosen.names.database} in {chosen.region}"
    console.print(f"{found.key}: {found.described}. It is restored into {place}, which must have no table.")
    try:
        answer = ask(f"To go on, type {chosen.name}: ").strip()
    except EOFError:
        answer = ""
    if answer != chosen.name:
        raise DumpError(f"nothing was restored: {chosen.name} was to be typed, got {answer!r}")


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and restore; 0, 1 when it failed or anything differs, 2 for a bad command line."""
    parser = argparse.ArgumentParser(prog="make restore-dump", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    parser.add_argument("--dump", default="", help="key of the dump, as make dump prints it")
    arguments = parser.parse_args(argv)
    errors = Terminal(stderr=True)
    try:
        chosen = environment(arguments.environment, region=arguments.region)
        return restore(chosen, Terminal(), Bucket(chosen).dump(arguments.dump), input)
    except (BotoCoreError, ClientError, ConfigurationError, DumpError) as error:
        errors.print(str(error), style="red", soft_wrap=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
