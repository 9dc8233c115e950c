"""Connect to the deployed database as the site's clients do, with the URL that the task gets."""

import json
import subprocess
from collections.abc import Mapping

from rehearsal import ROOT
from rehearsal.report.facts import Step
from rehearsal.run import Region, Run
from rehearsal.stand_in.database_url import connect
from rehearsal.steps.set_up_application import database_secret

_CLIENTS = ROOT / "rehearsal" / "stand_in" / "database_clients.mjs"
_SECONDS = 60


def prove(run: Run, region: Region, step: Step) -> None:
    """`url` of the secret works for Prisma 6, Prisma 7 and node-postgres, over TLS, in an image without RDS's CA."""
    secret = database_secret(run, region)
    seen = seen_by_node(secret["url"], run.environment(region.name))
    is_so = all(row[:2] == [secret["username"], True] for row in seen.values())
    name = "node-postgres and Prisma 7's adapter connect over TLS with the database secret's url"
    run.report.expect(is_so and len(seen) == 2, region.name, name, str(seen))
    database = connect(secret["url"], region.postgres.ca_file)
    ((path,),) = database.run("SELECT current_setting('search_path')")
    database.close()
    run.report.expect(path == '"public"', region.name, "Prisma 6 takes the url, by its rules", f"search_path is {path}")
    step.detail = ", ".join(["Prisma 6 by its rules", *seen])


def seen_by_node(url: str, environment: Mapping[str, str]) -> dict[str, list[object]]:
    """What node-postgres and Prisma 7's adapter see: user, TLS, version of TLS; or "refused" and why."""
    ended = subprocess.run(
        ["node", str(_CLIENTS)],  # noqa: S607 - the environment's PATH has it
        env={**environment, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
        timeout=_SECONDS,
    )
    return dict(json.loads(ended.stdout))
