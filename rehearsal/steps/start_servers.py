"""Start the servers of a rehearsal: PostgreSQL for each region, the emulator, and the application's stand-ins."""

import shlex
import sys
from pathlib import Path

from config import REHEARSAL
from rehearsal import ROOT
from rehearsal.machine import loopback
from rehearsal.machine.processes import Process, start
from rehearsal.report.facts import Step
from rehearsal.run import ACCOUNT, Region, Run

_START_SECONDS = 120


def start_all(run: Run, step: Step) -> None:
    """Start every server and wait until each answers; from then on they are watched."""
    for region in run.regions:
        region.hosts = run.addresses.hosts(REHEARSAL.min_tasks, skip=len(run.hosts))
        region.postgres.start()
        run.processes.watch(region.postgres.process)
    run.processes.watch(_emulator(run))
    for region in run.regions:
        run.processes.watch(_stand_in(run, region))
    urls = [f"http://127.0.0.1:{run.port}/_ministack/health"]
    urls += [f"http://{host}:{run.addresses.ports.web}/api/health/coral" for host in run.hosts]
    for url in urls:
        run.processes.until(lambda url=url: _answers(url), timeout_seconds=_START_SECONDS, what=url)  # type: ignore[misc]
    step.detail = f"emulator on port {run.port}, PostgreSQL and {len(run.hosts)} tasks on {run.addresses.prefix}.*"


def _emulator(run: Run) -> Process:
    program = shlex.join([sys.executable, "-m", "rehearsal.stand_in.one_off"])
    arguments = [
        "--task-program",
        program,
        "--port",
        str(run.port),
        "--folder",
        str(run.folder / "emulator"),
        "--account",
        ACCOUNT,
        "--coral-port",
        str(run.addresses.ports.coral),
    ]
    for region in run.regions:
        server = region.postgres
        arguments += ["--database", f"{region.name}={server.host}:{server.port}"]
        arguments += ["--database-endpoint", f"{region.name}={server.host}:{run.addresses.ports.database}"]
        arguments += ["--database-certificates", f"{region.name}={server.certificates_folder}"]
        arguments += ["--database-admin-password-file", f"{region.name}={server.admin_password_file}"]
        arguments += ["--ca-file", f"{region.name}={server.ca_file}"]
        arguments += ["--task-addresses", f"{region.name}={','.join(region.hosts)}"]
        arguments += ["--site", f"{region.name}={_site(run, region)}"]
    return _start(run, "the emulator", "rehearsal.emulator", arguments, run.regions[0])


def _stand_in(run: Run, region: Region) -> Process:
    arguments = ["--host", *region.hosts, "--secrets-file", str(region.secrets_file)]
    arguments += ["--coral-port", str(run.addresses.ports.coral), "--web-port", str(run.addresses.ports.web)]
    arguments += ["--ca-file", str(region.postgres.ca_file), "--pools", ",".join(REHEARSAL.pools)]
    pair = region.postgres.authority.issue("site", str(REHEARSAL.domain))
    arguments += ["--site", _site(run, region)]
    arguments += ["--site-certificate", str(pair.chain_file), "--site-key", str(pair.key_file)]
    return _start(run, f"the application's stand-in ({region.name})", "rehearsal.stand_in", arguments, region)


def _site(run: Run, region: Region) -> str:
    """Where HTTPS of the region's load balancer is answered."""
    return f"{region.hosts[0]}:{run.addresses.ports.site}"


def _start(run: Run, name: str, module: str, arguments: list[str], region: Region) -> Process:
    log = run.logs / f"{module.rpartition('.')[2]}-{region.name}.log"
    environment = run.environment(region.name)
    return start(
        name,
        [Path(sys.executable), "-m", module, *arguments],
        log=log,
        environment=environment,
        folder=ROOT,
    )


def _answers(url: str) -> bool:
    """Whether a server answers at all; the site answers 503 until it has its secrets."""
    try:
        loopback.get(url, timeout_seconds=2)
    except loopback.NoAnswerError:
        return False
    return True
