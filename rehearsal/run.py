"""One run of the rehearsal: its folders, servers and regions, and how its steps run commands."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from config import REHEARSAL
from rehearsal import ROOT
from rehearsal.machine import guards
from rehearsal.machine.ports import AddressBlock
from rehearsal.machine.processes import Process, ProcessError, Processes, start
from rehearsal.postgresql.server import Postgres
from rehearsal.report.facts import Report

T = TypeVar("T")
ACCOUNT = REHEARSAL.account
NAMES = REHEARSAL.names
_COMMAND_SECONDS = 600


@dataclass
class Region:
    """A region that is rehearsed: its name, its database server and its tasks' hosts."""

    name: str
    folder: Path
    postgres: Postgres
    hosts: list[str] = field(default_factory=list)

    @property
    def alarm_topic(self) -> str:
        """ARN of the topic that the alarms notify."""
        return f"arn:aws:sns:{self.name}:{ACCOUNT}:{NAMES.alarm_topic}"

    @property
    def secrets_file(self) -> Path:
        """Secrets of the application's tasks, once they are deployed."""
        return self.folder / "secrets.json"

    def assembly(self, variant: str) -> Path:
        """Folder of a synthesized cloud assembly."""
        return self.folder / f"cdk.out-{variant}"

    def stack_names(self) -> list[str]:
        """Stacks of the first assembly, in its order."""
        manifest = json.loads((self.assembly("first") / "manifest.json").read_text())
        return [name for name, one in manifest["artifacts"].items() if one["type"] == "aws:cloudformation:stack"]


@dataclass
class Run:
    """What the steps share."""

    folder: Path
    port: int
    regions: list[Region]
    report: Report
    addresses: AddressBlock
    processes: Processes = field(default_factory=Processes)
    commands: Any = field(default_factory=lambda: count(1))

    @property
    def endpoint(self) -> str:
        """Of the emulator, for clients."""
        return f"http://localhost:{self.port}"

    @property
    def logs(self) -> Path:
        """Folder of all logs."""
        return self.folder / "logs"

    @property
    def hosts(self) -> list[str]:
        """Of the tasks of all regions."""
        return [host for region in self.regions for host in region.hosts]

    def environment(self, region: str) -> dict[str, str]:
        """Of the programs that work in a region."""
        return guards.environment(self.folder / "home", region=region, port=self.port)

    def begin(self, name: str, arguments: Sequence[str | Path], region: Region, *, folder: Path = ROOT) -> Process:
        """Start a command, in the project's folder by default, output and errors in one log."""
        log = self.logs / f"{next(self.commands):02}-{name.replace(' ', '-')}.log"
        return start(name, arguments, log=log, environment=self.environment(region.name), folder=folder)

    def finish(self, process: Process, allowed: Sequence[int] = (0,)) -> str:
        """Wait for a command and return its output.

        Raises: ProcessError when its exit code is not an allowed one, or when a server ends meanwhile.
        """
        code = self.processes.wait(process, timeout_seconds=_COMMAND_SECONDS)
        if code not in allowed:
            raise ProcessError(process.name, process.end_description(), process.log)
        return process.log.read_text(errors="replace")

    def aws(self, region: Region, *arguments: str) -> Any:
        """Run the AWS CLI against the emulator and return its answer, parsed."""
        name = f"aws {' '.join(arguments[:2])}"
        log = self.logs / f"{next(self.commands):02}-{'-'.join(name.split())}.log"
        errors = log.with_suffix(".errors.log")
        program = guards.PROGRAMS / "aws"
        options = ["--endpoint-url", self.endpoint, "--region", region.name, "--output", "json"]
        process = start(
            name,
            [program, *arguments, *options],
            log=log,
            errors_log=errors,
            environment=self.environment(region.name),
            folder=ROOT,
        )
        if self.processes.wait(process, timeout_seconds=_COMMAND_SECONDS):
            raise ProcessError(name, process.end_description(), errors)
        return json.loads(log.read_text() or "null")

    @property
    def standby_assembly(self) -> Path:
        """Folder of the cloud assembly of the recovery region in standby."""
        return self.folder / "cdk.out-standby"

    def client(self, service: str, region: Region | str) -> Any:
        """Make a boto3 client of the emulator."""
        return boto3.client(
            service,
            region_name=region if isinstance(region, str) else region.name,
            endpoint_url=self.endpoint,
            config=Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 2}),
        )

    def parallel(self, *calls: Callable[[], T]) -> list[T]:
        """Make independent calls in parallel and return their results; the first failure ends the others."""
        with ThreadPoolExecutor(len(calls)) as pool:
            futures = [pool.submit(call) for call in calls]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self.processes.cancel()
                raise

    def poll(self, look: Callable[[], T | None], *, timeout_seconds: float, what: str) -> T:
        """Poll until something is found, while all servers run."""
        found: list[T] = []

        def has_found() -> bool:
            one = look()
            found.extend([one] if one is not None else [])
            return bool(found)

        self.processes.until(has_found, timeout_seconds=timeout_seconds, what=what, pause_seconds=0.2)
        return found[0]
