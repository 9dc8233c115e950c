"""Rotate every secret that rotates, while the application runs; the deployed check sees that the tasks are due."""

import json
from contextlib import closing
from typing import Any

from application import DATABASE_SECRET, ROTATED_SECRETS
from rehearsal.report.facts import CheckRun
from rehearsal.run import NAMES, Region, Run
from rehearsal.stand_in.database_url import connect
from rehearsal.steps.fire_schedule import fire
from rehearsal.steps.set_up_application import give_secrets

_SECONDS = 60


def prove(run: Run, region: Region) -> list[CheckRun]:
    """Who has the value from before keeps its access; the tasks are due for one deployment, when all is quiet."""
    manager = run.client("secretsmanager", region)
    before = {name: _value(manager, name) for name in ROTATED_SECRETS}
    with closing(connect(before[DATABASE_SECRET]["url"], region.postgres.ca_file)) as task:
        for name in ROTATED_SECRETS:
            _rotate(run, manager, name)
        after = {name: _value(manager, name) for name in ROTATED_SECRETS}
        names = [name for name in ROTATED_SECRETS if before[name] == after[name]]
        run.report.expect(not names, region.name, "every secret that we may replace rotates", ", ".join(names) or "4")
        users = [before[DATABASE_SECRET]["username"], after[DATABASE_SECRET]["username"]]
        owners = [_acts_as(task)]
        for login in (before[DATABASE_SECRET], after[DATABASE_SECRET]):
            with closing(connect(login["url"], region.postgres.ca_file)) as connection:
                owners.append(_acts_as(connection))
    is_so = users[0] != users[1] and owners == [owners[0]] * 3
    seen = f"{users[0]} before and {users[1]} after act as {owners[0]}: an open connection, and new ones of both"
    run.report.expect(is_so, region.name, "tasks keep their access to the database in a rotation", seen)
    outcome = fire(run, region, "secret_deployment")
    result = outcome.result
    is_due = result["state"] == "waiting" and {NAMES.secret(DATABASE_SECRET), NAMES.secret("cron-secret")} <= set(
        result["secrets"]
    )
    seen = f"{result['state']}: {result['reason']}; {len(result['secrets'])} secrets"
    run.report.expect(is_due, region.name, "secret_deployment sees what has changed, and waits for more", seen)
    give_secrets(run, region)  # as tasks that start now get them
    return [outcome.reported(region, seen)]


def _rotate(run: Run, manager: Any, name: str) -> None:
    secret = NAMES.secret(name)
    version = manager.rotate_secret(SecretId=secret)["VersionId"]

    def current() -> bool | None:
        stages = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
        return stages.get(version) == ["AWSCURRENT"] or None

    run.poll(current, timeout_seconds=_SECONDS, what=f"rotation of {secret}")


def _value(manager: Any, name: str) -> dict[str, Any]:
    return dict(json.loads(manager.get_secret_value(SecretId=NAMES.secret(name))["SecretString"]))


def _acts_as(connection: Any) -> str:
    ((role,),) = connection.run("SELECT current_user::text")
    return str(role)
