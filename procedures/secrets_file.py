"""Give several secrets the values of a file: `make secrets ENV=production FILE=.env.secrets`.

A line for each secret, its name in capitals: `OPENAI_API_KEY=...`. What would change is shown and asked first; no value
is shown. Tasks read secrets when they start, so that one deployment replaces them afterwards.
"""

import argparse
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from dotenv.parser import Binding, parse_stream
from rich.table import Table

from application import SECRETS
from config import environment
from environment import Environment
from procedures.secret import SecretValueError, current, put, readers, replace_tasks, restart_command
from procedures.terminal import Terminal
from validation import ConfigurationError

_NAMES = {one.name.upper().replace("-", "_"): one.name for one in SECRETS}
# An identity: another key is another wallet, without the tokens of the one before.
_WALLETS = frozenset(one.name for one in SECRETS if one.is_filled_by_person and not one.is_replaced)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


class SecretsFileError(Exception):
    """The file cannot be taken. The message is for the operator, and holds no value."""


@dataclass(frozen=True)
class Change:
    """What a secret's new value would do.

    Attributes:
        name: the secret's, without the environment.
        readers: names of the containers that read it when their task starts.
    """

    name: str
    was_empty: bool
    readers: tuple[str, ...]


def read(path: Path) -> dict[str, str]:
    """Return the values of a file by the secrets' names.

    Raises:
        SecretsFileError: others can read it, git tracks it, or a line of it cannot be taken.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SecretsFileError(f"FILE {path} is open to others ({stat.filemode(mode)}); do: chmod 600 {path}")
            _refuse_tracked(path.resolve())
            bindings = list(parse_stream(file))
    except (OSError, UnicodeDecodeError) as error:
        # An OSError's text names the file; the other's text may hold a part of a value.
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SecretsFileError(f"FILE {path} cannot be read: {why}") from None
    return _values(path, bindings)


def _refuse_tracked(path: Path) -> None:
    command = ["git", "-C", str(path.parent), "ls-files", "--error-unmatch", "--", path.name]
    try:
        asked = subprocess.run(  # noqa: S603 - git, about a file that the operator names
            command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}, check=False
        )
    except FileNotFoundError:
        return  # no git, so nothing is tracked from here
    if asked.returncode == 0:
        raise SecretsFileError(
            f"FILE {path} is tracked by git, so that its values are in the history: do git rm --cached {path.name}, "
            "and have every value in it replaced by whoever issued it"
        )
    if asked.returncode != 1 and "not a git repository" not in asked.stderr:
        raise SecretsFileError(f"git cannot tell whether it tracks FILE {path}: {asked.stderr.strip()}")


def _values(path: Path, bindings: Iterable[Binding]) -> dict[str, str]:
    values: dict[str, str] = {}
    faults = []
    for one in bindings:
        text = one.original.string
        line = one.original.line + text[: len(text) - len(text.lstrip())].count("\n")
        key, value = one.key or "", one.value
        if one.error or (key and value is None):
            faults.append(f"line {line}: it must be NAME=value; a value with quotes or # stands in single quotes")
        elif key and key not in _NAMES:
            # Anything else may be a value that stands where a name belongs.
            got = f"got {key}" if _VARIABLE.fullmatch(key) else "got another text"
            faults.append(f"line {line}: the name must be one of {', '.join(_NAMES)}, {got}")
        elif key and _NAMES[key] in values:
            faults.append(f"line {line}: {key} stands twice")
        elif key and not (value or "").strip():
            faults.append(f"line {line}: the value of {key} must not be empty")
        elif key:
            values[_NAMES[key]] = value or ""
    if faults:
        raise SecretsFileError("\n".join(f"FILE {path}, {fault}" for fault in faults))
    if not values:
        raise SecretsFileError(f"FILE {path} must hold NAME=value for at least one of {', '.join(_NAMES)}")
    return values


def changes(chosen: Environment, values: Mapping[str, str]) -> list[Change]:
    """Compare with the current values, and return what would change.

    Raises:
        SecretValueError: a secret is not there, or is being deleted.
        BotoCoreError, ClientError: AWS cannot be reached, or refuses.
    """
    now = {name: current(chosen, name) for name in values}
    return [
        Change(name, now[name] == "", readers(chosen, name)) for name, value in values.items() if now[name] != value
    ]


def table(names: Iterable[str], changed: Sequence[Change]) -> Table:
    """Show each secret of the file and what would become of it."""
    shown = Table("Secret", "Value", "Read by", box=None, pad_edge=False)
    by_name = {one.name: one for one in changed}
    for name in names:
        one = by_name.get(name)
        if one is None:
            shown.add_row(name, "stays", "")
            continue
        does = "is filled" if one.was_empty else "is replaced"
        if name in _WALLETS and not one.was_empty:
            does = "is replaced: another key is ANOTHER WALLET, without this one's tokens"
        shown.add_row(name, does, ", ".join(one.readers) or "no container")
    return shown


def write(chosen: Environment, values: Mapping[str, str], changed: Sequence[Change]) -> None:
    """Write the changed values.

    Raises:
        SecretsFileError: AWS fails; names what has its new value and what has not.
    """
    for number, one in enumerate(changed):
        try:
            put(chosen, one.name, values[one.name])
        except (BotoCoreError, ClientError, SecretValueError) as error:
            done = ", ".join(before.name for before in changed[:number]) or "none"
            left = ", ".join(after.name for after in changed[number:])
            raise SecretsFileError(
                f"{one.name} was not written: {error}\nWritten: {done}. Not written: {left}. Run it again; "
                f"tasks read what is written when they start: {restart_command(chosen)}"
            ) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and the file; 0, 1 when not everything was done, 2 for a bad command line."""
    parser = argparse.ArgumentParser(prog="make secrets", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    parser.add_argument("--file", required=True, type=Path)
    arguments = parser.parse_args(argv)
    console, errors = Terminal(), Terminal(stderr=True, soft_wrap=True)
    try:
        chosen = environment(arguments.environment, region=arguments.region)
        values = read(arguments.file)
        changed = changes(chosen, values)
        console.print(table(values, changed))
        if not changed:
            console.print("Nothing changes. To have the tasks read their secrets again:")
            console.print(restart_command(chosen), soft_wrap=True)
            return 0
        if not _agreed(chosen, changed):
            errors.print("Nothing was changed", style="red")
            return 1
        write(chosen, values, changed)
    except (BotoCoreError, ClientError, ConfigurationError, SecretValueError, SecretsFileError) as error:
        errors.print(str(error), style="red")
        return 1
    console.print(f"Written: {', '.join(one.name for one in changed)}.")
    return replace_tasks(chosen, console, errors) if any(one.readers for one in changed) else 0


def _agreed(chosen: Environment, changed: Sequence[Change]) -> bool:
    then = ", and replace the tasks without an interruption" if any(one.readers for one in changed) else ""
    try:
        answer = input(f"Write {len(changed)} of {chosen.name} in {chosen.region}{then}? [yes/no] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


if __name__ == "__main__":
    sys.exit(main())
