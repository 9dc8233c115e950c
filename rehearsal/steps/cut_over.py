"""docs/cut-over.md, from the first deployment beside the former system to the way back.

Rows move by COPY, as PostgreSQL's npm package has neither pg_dump nor pg_restore: these two commands of the page are
not run. The others are, as the page has them.
"""

import io
from collections.abc import Iterator

import pg8000.native
from rich.console import Console

from config import REHEARSAL
from environment import Environment
from procedures import check
from procedures.findings import State, find
from procedures.verify import answering_site
from rehearsal import ROOT
from rehearsal.changed_app import changed
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.stand_in import TABLES
from rehearsal.steps import deploy_stacks, former_system, set_up_application
from rehearsal.steps.document_commands import of_document, run_in_shell
from rehearsal.steps.run_preflight import look_at
from rehearsal.steps.run_verify import deployed

# By the name of its assembly: the changes of the configuration, before the site's name is moved and after.
VARIANTS = {"first": ("moved", "without-domain"), "named": ("moved",)}
_SITE = (answering_site.certificate, answering_site.record, answering_site.answer)


def stand_up(run: Run, former: Region, new: Region, step: Step) -> None:
    """The former system has the names; beside it, in the recovery region, the first deployment succeeds."""
    names = former_system.occupy(run, former)
    former_system.run_it(run, former)
    findings = look_at(run, new, _environment("first", new), "first")
    failing = [f"{one.area}: {one.subject}" for one in findings if one.state is State.FAILS]
    name = "preflight: beside the former system, nothing is in the way"
    run.report.expect(not failing, new.name, name, ", ".join(failing) or f"{len(findings)} findings, none fails")
    deploy_stacks.deploy_assembly(run, new, "first", "cdk deploy beside")
    set_up_application.give_secrets(run, new)
    step.detail = f"{len(names)} names in use in {former.name}, {len(NAMES.stacks)} stacks in {new.name}"


def move_data(run: Run, former: Region, new: Region, step: Step) -> None:
    """The standstill: nothing writes, every row is moved, the checks get access."""
    stop, stop_new, _ = _commands(former)
    for command, region in ((stop, former), (stop_new, new)):
        run_in_shell(run, region, command)
    tasks = [former_system.running(run, region) for region in (former, new)]
    run.report.expect(tasks == [0, 0], former.name, "the standstill: no task runs", f"{tasks} tasks")
    rows = _copy(run, _of_former(former), set_up_application.connect(run, new))
    is_equal = rows == _rows(_of_former(former)) and min(rows.values()) > 0
    seen = ", ".join(f"{count} {table}" for table, count in rows.items())
    run.report.expect(is_equal, new.name, "both databases have the same rows", seen)
    result = check.run("database_role", NAMES, new.name, {})
    is_ensured = result["state"] == "ensured"
    run.report.expect(is_ensured, new.name, "make check CHECK=database_role, after it", result["state"])
    step.detail = seen


def move_name(run: Run, former: Region, new: Region, step: Step) -> None:
    """Beside the simple record the deployment is refused; without it the new region answers under the site's name."""
    output = deploy_stacks.deploy_assembly(run, new, "named", "cdk deploy beside a record", allowed=(1,))
    status = deploy_stacks.describe_stacks(run, new)[NAMES.stack("service")]["StackStatus"]
    is_refused = "exists with the same name and type" in output and status == "UPDATE_ROLLBACK_COMPLETE"
    name = "beside the site's simple record the deployment is refused"
    run.report.expect(is_refused, new.name, name, status)
    former_system.change_record(run, former, "DELETE")
    deploy_stacks.deploy_assembly(run, new, "named", "cdk deploy with the name")
    *_, start = _commands(former)
    run_in_shell(run, new, start)
    tasks = former_system.running(run, new)
    run.report.expect(tasks == REHEARSAL.min_tasks, new.name, "the new tasks run again", f"{tasks} tasks")
    findings = find(_SITE, deployed(run, new, _environment("named", new)), Console(quiet=True))
    held = all(one.state is State.HOLDS for one in findings)
    seen = "; ".join(f"{one.subject}: {one.found}" for one in findings)
    run.report.expect(held, new.name, "the site's name leads to the new region", seen)
    step.detail = f"refused, then {tasks} tasks under {REHEARSAL.domain}"


def go_back(run: Run, former: Region, new: Region, step: Step) -> None:
    """What was written since goes back, too: rows, then the record, then the former tasks."""
    _, stop_new, _ = _commands(former)
    run_in_shell(run, new, stop_new)
    database = set_up_application.connect(run, new)
    database.run("""UPDATE "User" SET "username" = 'renamed since' WHERE "id" = 'user-1'""")
    database.close()
    _copy(run, set_up_application.connect(run, new), _of_former(former))
    deploy_stacks.deploy_assembly(run, new, "first", "cdk deploy without the name")
    former_system.change_record(run, former, "CREATE")
    run.client("ecs", former).update_service(
        cluster=NAMES.cluster, service=NAMES.service, desiredCount=former_system.TASKS
    )
    back = _of_former(former)
    ((renamed,),) = back.run("""SELECT "username" FROM "User" WHERE "id" = 'user-1'""") or [[""]]
    back.close()
    tasks = former_system.running(run, former)
    is_back = renamed == "renamed since" and tasks == former_system.TASKS
    seen = f"{tasks} former tasks, the row that was written since"
    run.report.expect(is_back, former.name, "the way back loses nothing that was written since", seen)
    step.detail = seen


def _environment(variant: str, new: Region) -> Environment:
    environment = changed(REHEARSAL, *VARIANTS[variant])
    assert environment.home_region == new.name  # noqa: S101 - what "moved" means
    return environment


def _commands(former: Region) -> Iterator[str]:
    """The page's commands of the AWS CLI: stop the former tasks, stop the new ones, let these run again."""
    commands = of_document(ROOT / "docs" / "cut-over.md", former, language="text")
    return (one for one in commands if one.startswith("aws "))


def _of_former(region: Region) -> pg8000.native.Connection:
    return region.postgres.connect(former_system.DATABASE)


def _copy(run: Run, source: pg8000.native.Connection, target: pg8000.native.Connection) -> dict[str, int]:
    """Replace the target's rows by the source's, in one transaction, and return how many the target has."""
    run.processes.check()
    target.run("BEGIN")
    target.run(f"TRUNCATE {', '.join(map(_quoted, TABLES))}")
    for table in TABLES:
        rows = io.BytesIO()
        source.run(f"COPY {_quoted(table)} TO STDOUT", stream=rows)
        rows.seek(0)
        target.run(f"COPY {_quoted(table)} FROM STDIN", stream=rows)
    target.run("COMMIT")
    source.close()
    return _rows(target)


def _rows(database: pg8000.native.Connection) -> dict[str, int]:
    """How many rows each table has; closes the connection."""
    counted = {table: int(database.run(f"SELECT count(*) FROM {_quoted(table)}")[0][0]) for table in TABLES}  # noqa: S608
    database.close()
    return counted


def _quoted(table: str) -> str:
    return str(pg8000.native.identifier(table))
