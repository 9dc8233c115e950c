"""Give the deployed region its application: the database's tables and rows, and the tasks' secrets."""

import json
from http import HTTPStatus
from typing import Any

from rehearsal import loopback
from rehearsal.application import WEB_PORT
from rehearsal.guards import ROOT
from rehearsal.report import Step
from rehearsal.run import PREFIX, Region, Run


def database_secret(run: Run, region: Region) -> dict[str, Any]:
    """Read the deployed database's secret, as the task and the checks do."""
    return dict(json.loads(_secret(run, region, "database-url")))


def cron_secret(run: Run, region: Region) -> str:
    """Read the secret that the operations routes want."""
    return str(json.loads(_secret(run, region, "cron-secret"))["value"])


def query(run: Run, region: Region, sql: str) -> list[list[Any]]:
    """Ask the deployed database as its owner."""
    secret = database_secret(run, region)
    database = region.postgres.connect(secret["dbname"], user=secret["username"], password=secret["password"])
    try:
        return list(database.run(sql) or [])
    finally:
        database.close()


def move_in(run: Run, region: Region, step: Step) -> None:
    """Make the application's tables in the deployed database and hand the tasks their secrets."""
    for file in ("application.sql", "application_seed.sql"):
        query(run, region, (ROOT / "rehearsal" / file).read_text())
    ((sessions,),) = query(run, region, 'SELECT count(*) FROM "Session"')
    secrets = {"DATABASE_URL": database_secret(run, region)["url"], "CRON_SECRET": cron_secret(run, region)}
    region.secrets_file.write_text(json.dumps(secrets))
    run.processes.until(
        lambda: all(_is_well(host) for host in region.hosts), timeout_seconds=60, what="the sites of all tasks are well"
    )
    seen = f"{len(region.hosts)} tasks on {', '.join(region.hosts)}"
    run.report.expect(True, region.name, "the application's tasks are well", seen)
    step.detail = f"{sessions} sessions, {len(region.hosts)} tasks"


def _is_well(host: str) -> bool:
    status, _ = loopback.get(f"http://{host}:{WEB_PORT}/api/health/coral")
    return status == HTTPStatus.OK


def _secret(run: Run, region: Region, name: str) -> str:
    answer = run.client("secretsmanager", region).get_secret_value(SecretId=f"{PREFIX}/{name}")
    return str(answer["SecretString"])
