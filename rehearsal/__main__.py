"""Rehearse: deploy a whole region on this machine, prove it with the runbook's commands, destroy it."""

import argparse
import shutil
import signal
import sys
from datetime import datetime
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError
from pg8000.exceptions import DatabaseError, InterfaceError
from rich.console import Console

from config import REHEARSAL
from procedures.terminal import escape, plain
from rehearsal import ROOT, cut_over_story, drill_story, protected_story, story
from rehearsal.machine import guards, tether, workspace
from rehearsal.machine.loopback import NoAnswerError
from rehearsal.machine.ports import claim_addresses, free_port
from rehearsal.machine.processes import CancelledError, ProcessError
from rehearsal.postgresql.binaries import PostgresUnavailableError
from rehearsal.postgresql.server import Postgres
from rehearsal.report import summary
from rehearsal.report.facts import NotHeldError, Report
from rehearsal.run import Region, Run

_FILE_WIDTH = 160
_EXPECTED = (
    *(ProcessError, NotHeldError, PostgresUnavailableError, TimeoutError, OSError),
    *(BotoCoreError, ClientError, DatabaseError, InterfaceError, NoAnswerError),
)
_OTHERS = {
    "protected": protected_story.rehearse,
    "cut-over": cut_over_story.rehearse,
    "drill": drill_story.rehearse,
}


_IN_TWO_REGIONS = ("cut-over", "drill")


class TerminatedError(Exception):
    """A signal asked the rehearsal to end."""


def main() -> int:
    """Rehearse and return the exit code: 0 when all checks passed, 130 after ctrl-C, else 1."""
    arguments = _arguments()
    names = [REHEARSAL.home_region] + [REHEARSAL.recovery_region] * (arguments.story in _IN_TWO_REGIONS)
    prefix = f"{arguments.story}-" if arguments.story else ""
    report = Report(_console(), arguments.output / f"{prefix}rehearsal.json", names)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell had it ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    tether.adopt_orphans()
    own = workspace.make()
    run = None
    failure: BaseException | None = None
    try:
        run = _prepare(own.folder, report)
        if arguments.story:
            _OTHERS[arguments.story](run)
        else:
            story.rehearse(run, is_kept=arguments.keep)
        report.pass_()
        summary.print_all(report)
        report.write()
        if arguments.keep:
            story.keep(run)
    except (KeyboardInterrupt, TerminatedError, *_EXPECTED) as error:
        failure = _cause(run, error)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # ending takes a second or two, and is not left half-way
        if run:
            _end(run)
        tether.end_orphans()
        report.write()  # also when an unexpected error passes through
    code = _explain(report, failure, own.folder)
    report.write()
    own.remove()
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="leave everything running until ctrl-C, and print how to use it"
    )
    parser.add_argument(
        "--story",
        choices=_OTHERS,
        help="rehearse instead a protected environment that fails, changes, loses stacks; docs/cut-over.md; or the "
        "drill of docs/recovery.md",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "build",
        metavar="FOLDER",
        help="where the facts are written as JSON, and the logs when it fails (build)",
    )
    arguments = parser.parse_args()
    if arguments.story and arguments.keep:
        parser.error("--story does not go with --keep")
    return arguments


def _console() -> Console:
    """Colours and width of the terminal, if it is one; lines of a fixed width in a file or pipe."""
    console = Console(highlight=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, emoji=False, width=_FILE_WIDTH)


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise TerminatedError(f"asked to end by {signal.Signals(number).name}")


def _prepare(folder: Path, report: Report) -> Run:
    """Create the run: its own folders and addresses, a free port, nothing of the user's environment."""
    for program in (guards.PROGRAMS / "aws", ROOT / "node_modules" / ".bin" / "cdk"):
        if not program.exists():
            raise FileNotFoundError(f"{_shown(program)} is missing: run `make setup`")
    addresses = claim_addresses()
    regions_ = []
    for number, name in enumerate(report.regions):
        host, log = addresses.database_host(number), folder / "logs" / f"postgres-{name}.log"
        postgres = Postgres(folder / name / "postgres", host=host, is_behind_endpoint=True, log=log)
        regions_.append(Region(name, folder / name, postgres))
    run = Run(folder, free_port(), regions_, report, addresses)
    (folder / "home").mkdir()
    guards.take_over(run.environment(report.regions[0]))
    return run


def _end(run: Run) -> None:
    """End every process and free the run's addresses."""
    run.processes.stop()
    for region in run.regions:
        region.postgres.stop()
    run.addresses.release()


def _cause(run: Run | None, error: BaseException) -> BaseException:
    """The reason behind an error: a server that has ended explains every other error."""
    if run and not isinstance(error, KeyboardInterrupt | TerminatedError):
        try:
            run.processes.check_soon()
        except ProcessError as ended:
            return ended
        except CancelledError:  # this wait was cancelled because another one failed
            pass
    return error


def _explain(report: Report, failure: BaseException | None, folder: Path) -> int:
    """Print what failed, its log and where all logs are kept, and return the exit code."""
    if failure is None or (report.is_passed and isinstance(failure, KeyboardInterrupt | TerminatedError)):
        return 0  # all checks passed, and the kept run was ended
    interrupted = isinstance(failure, KeyboardInterrupt)
    report.error = "interrupted by ctrl-C" if interrupted else str(failure) or type(failure).__name__
    step = "kept running" if report.is_passed else report.steps[-1].name if report.steps else "preparation"
    report.is_passed = False
    report.console.print(f"\n[bold red]Rehearsal failed[/] in “{escape(step)}”: {escape(report.error)}", soft_wrap=True)
    logs = report.file.parent / "rehearsal-logs" / f"{datetime.now():%Y%m%d-%H%M%S}-{folder.name.rpartition('-')[2]}"  # noqa: DTZ005
    if (folder / "logs").exists():
        shutil.copytree(folder / "logs", logs)
        if isinstance(failure, ProcessError):
            log = logs / failure.log.relative_to(folder / "logs")
            report.console.print(f"\nLast lines of {_shown(log)}:", soft_wrap=True)
            report.console.print(plain(failure.log_tail), style="dim", markup=False, soft_wrap=True)
        report.console.print(f"\nAll logs: {_shown(logs)}", soft_wrap=True)
    return 130 if interrupted else 1


if __name__ == "__main__":
    sys.exit(main())
