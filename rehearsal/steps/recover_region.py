"""`make recover`: refused, killed, run again, and what it has recovered."""

import sys
import time
from collections.abc import Callable
from typing import Any

from config import REHEARSAL
from procedures.recover.deployments import SITE, WHOLE
from procedures.recover.source import TIME_FORMAT
from procedures.verify import answering_site
from rehearsal.machine.processes import Process, ProcessError
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import deploy_stacks, set_up_application
from rehearsal.steps.lose_home_region import Moment, rows_of
from rehearsal.steps.run_verify import deployed

# What the command shows when it may be killed: after it has kept what it restores, when the database is restored, and
# when the database gets its second zone and replica.
_CUTS = (f"{SITE.name} ...", f"✅  {NAMES.stack('data')}", f"{WHOLE.name} ...")
_SECONDS = 300


def prove_refused(run: Run, there: Region, step: Step) -> None:
    """Beside a home region that serves it is refused; nothing is changed."""
    process = begin(run, there)
    output = run.finish(process, allowed=(1,))
    is_refused = "users would be divided between two databases" in output
    run.report.expect(is_refused, there.name, "make recover is refused while the home region serves", "refused")
    step.detail = "nothing was changed"


def prove_killed(run: Run, there: Region, moment: Moment, step: Step) -> None:
    """Killed between its steps, it can be run again each time."""
    for cut in _CUTS:
        process = begin(run, there, *(("--at", moment.at.strftime(TIME_FORMAT)) if cut == _CUTS[0] else ()))
        wait_for(run, there, process, lambda text, cut=cut: cut in text)  # type: ignore[misc]
        process.stop()
    step.detail = f"killed after {', '.join(repr(cut) for cut in _CUTS)}"


def recover(run: Run, there: Region, moment: Moment, step: Step) -> None:
    """Run it to its end."""
    started = time.monotonic()
    process = begin(run, there)
    wait_for(run, there, process, lambda text: "What the database does not know" in text)
    output = run.finish(process)
    step.detail = f"{time.monotonic() - started:.0f} s; recovery point {moment.at:%H:%M:%S} UTC"
    is_told = all(word in output for word in ("Payments", "Prizes", "Weekly reset", "Recovered"))
    run.report.expect(is_told, there.name, "make recover ends, and says what nobody may replay blindly", step.detail)


def prove_rows(run: Run, there: Region, moment: Moment, step: Step) -> None:
    """The recovered tables have the rows of the moment, each of them, and no other."""
    database = set_up_application.connect(run, there)
    found = rows_of(database)
    database.close()
    differing = [table for table, rows in moment.rows.items() if found[table] != rows]
    counted = ", ".join(f"{len(rows)} {table}" for table, rows in found.items())
    step.detail = counted
    run.report.expect(
        not differing and min(map(len, found.values())) > 0,
        there.name,
        "every row is that of the moment, and none is of later",
        f"differing: {', '.join(differing)}" if differing else counted,
    )


def prove_site(run: Run, there: Region, step: Step) -> None:
    """The site answers under its name, from the recovery region."""
    aws = deployed(run, there, REHEARSAL)
    (answer,) = answering_site.answer(aws)
    host, _ = aws.address(str(REHEARSAL.domain), 443)
    seen = f"{answer.subject} {answer.found}, from {host}"
    run.report.expect(host == there.hosts[0], there.name, "the site answers under the same name", seen)
    step.detail = seen


def prove_prompts(run: Run, home: Region, there: Region) -> None:
    """What was uploaded at home is in the bucket of the recovery region."""
    uploaded, copied = (
        {one["Key"] for one in run.client("s3", region).list_objects_v2(Bucket=bucket).get("Contents", [])}
        for region in (home, there)
        for bucket in [set_up_application.configuration_bucket(run, region)]
    )
    seen = f"{len(copied)} of {len(uploaded)} objects"
    run.report.expect(bool(uploaded) and copied == uploaded, there.name, "the prompts are copied", seen)


def prove_again(run: Run, there: Region, step: Step) -> None:
    """A plain deployment of a fresh synthesis changes nothing, and neither does another recovery."""
    before = deploy_stacks.updated_at(run, there)
    deploy_stacks.deploy_assembly(run, there, "again", "cdk deploy as anybody", is_plain=True)
    output = run.finish(begin(run, there))
    after = deploy_stacks.updated_at(run, there)
    changed = [name for name in after if after[name] != before.get(name)]
    is_so = not changed and "is there, restored from backup" in output
    seen = ", ".join(changed) or "no stack was updated"
    run.report.expect(is_so, there.name, "cdk deploy and make recover again change nothing", seen)
    step.detail = seen


def begin(run: Run, there: Region, *options: str) -> Process:
    """Begin `make recover` with these options, and agree to it."""
    arguments = ["--environment", REHEARSAL.name, "--region", there.name, *options]
    own = ["--port", str(run.port), "--ca-file", str(there.postgres.ca_file)]
    words = [sys.executable, "-u", "-m", "rehearsal.recover_here", *own, *arguments]
    script = f"echo yes | {' '.join(words)}"
    return run.begin("make recover", ["bash", "-o", "pipefail", "-c", script], there)


def wait_for(run: Run, there: Region, process: Process, is_there: Callable[[str], bool]) -> None:
    """Wait until `make recover` has shown something; meanwhile tasks that are deployed get their secrets.

    Raises: ProcessError when it ends before.
    """
    given = there.secrets_file.exists()

    def look() -> bool | None:
        nonlocal given
        if is_there(process.log.read_text(errors="replace")):
            return True
        if not given and _has_service(run, there):
            set_up_application.give_secrets(run, there)
            given = True
        if not process.is_running:
            raise ProcessError(process.name, process.end_description(), process.log)
        return None

    run.poll(look, timeout_seconds=_SECONDS, what="make recover")


def _has_service(run: Run, there: Region) -> bool:
    answer: Any = run.client("ecs", there).describe_services(cluster=NAMES.cluster, services=[NAMES.service])
    stack = deploy_stacks.describe_stacks(run, there).get(NAMES.stack("service"), {})
    return (
        any(one["status"] == "ACTIVE" for one in answer["services"]) and stack.get("StackStatus") == "UPDATE_COMPLETE"
    )
