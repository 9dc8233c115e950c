"""Set the application up in a deployed region: the database's rows, and the tasks' secrets."""

import json
import ssl
from http import HTTPStatus
from typing import Any

import pg8000.native

from application import SECRETS
from config import REHEARSAL
from rehearsal.machine import loopback
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.stand_in import SEED_SQL
from rehearsal.stand_in.refusals import PROMPTS, prompt_key
from rehearsal.steps import document_commands

_VALUE = "typed by the rehearsal"


def database_secret(run: Run, region: Region) -> dict[str, Any]:
    """Read the deployed database's secret, as the task and the checks do."""
    return dict(json.loads(_secret(run, region, "database-url")))


def cron_secret(run: Run, region: Region) -> str:
    """Read the secret that the operations routes require."""
    return str(json.loads(_secret(run, region, "cron-secret"))["value"])


def connect(run: Run, region: Region) -> pg8000.native.Connection:
    """Connect to the deployed database as the application does, over TLS that is verified."""
    secret = database_secret(run, region)
    return pg8000.native.Connection(
        secret["username"],
        host=secret["host"],
        port=int(secret["port"]),
        database=secret["dbname"],
        password=secret["password"],
        ssl_context=ssl.create_default_context(cafile=region.postgres.ca_file),
        timeout=30,
    )


def query(run: Run, region: Region, sql: str) -> list[list[Any]]:
    """Query the deployed database as the application does."""
    database = connect(run, region)
    try:
        return list(database.run(sql) or [])
    finally:
        database.close()


def set_up(run: Run, region: Region, step: Step) -> None:
    """Fill the tables that the deployment's migration has made, and give the tasks their secrets."""
    query(run, region, SEED_SQL.read_text())
    ((sessions,),) = query(run, region, 'SELECT count(*) FROM "Session"')
    give_secrets(run, region)
    step.detail = f"{sessions} sessions, {len(region.hosts)} tasks"


def give_secrets(run: Run, region: Region) -> None:
    """Give the tasks the deployed secrets, and wait until all are healthy."""
    secrets = {"DATABASE_URL": database_secret(run, region)["url"], "CRON_SECRET": cron_secret(run, region)}
    region.secrets_file.write_text(json.dumps(secrets))
    run.processes.until(
        lambda: all(_is_healthy(run, host) for host in region.hosts),
        timeout_seconds=60,
        what="the sites of all tasks are healthy",
    )
    seen = f"{len(region.hosts)} tasks on {', '.join(region.hosts)}"
    run.report.expect(True, region.name, "the application's tasks are healthy", seen)


def fill_secrets(run: Run, region: Region) -> None:
    """Fill what third parties issue from a file, as an operator does before the tasks start."""
    empty = _empty(run, region)
    if not empty:
        return
    file = run.folder / ".env.secrets"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name.upper().replace('-', '_')}='{_VALUE}'\n" for name in empty))
    command = f"echo yes | make secrets ENV={REHEARSAL.name} REGION={region.name} FILE={file}"
    shown = document_commands.run_in_shell(run, region, command)
    left = _empty(run, region)
    is_so = not left and _VALUE not in shown and all(name in shown for name in empty)
    seen = f"{len(empty) - len(left)} of {len(empty)} empty secrets filled"
    run.report.expect(is_so, region.name, "make secrets fills secrets from a file, and shows no value", seen)


def _empty(run: Run, region: Region) -> list[str]:
    return [one.name for one in SECRETS if not json.loads(_secret(run, region, one.name))["value"]]


def upload_prompts(run: Run, region: Region) -> None:
    """Upload the prompts without which an agent does not come up."""
    for name in PROMPTS:
        run.client("s3", region).put_object(
            Bucket=configuration_bucket(run, region), Key=prompt_key(name), Body=f"The rehearsal's {name}.".encode()
        )


def configuration_bucket(run: Run, region: Region) -> str:
    """Name of the deployed configuration bucket."""
    (stack,) = run.client("cloudformation", region).describe_stacks(StackName=NAMES.stack("data"))["Stacks"]
    (bucket,) = (one["OutputValue"] for one in stack["Outputs"] if one["OutputKey"] == "ConfigurationBucket")
    return str(bucket)


def put_secret(run: Run, region: Region, name: str, text: str) -> None:
    """Give a secret another value."""
    run.client("secretsmanager", region).put_secret_value(SecretId=name, SecretString=text)


def _is_healthy(run: Run, host: str) -> bool:
    status, _ = loopback.get(f"http://{host}:{run.addresses.ports.web}/api/health/coral")
    return status == HTTPStatus.OK


def _secret(run: Run, region: Region, name: str) -> str:
    answer = run.client("secretsmanager", region).get_secret_value(SecretId=NAMES.secret(name))
    return str(answer["SecretString"])
