"""Run the deployed database_role on its schedule, and compare the privileges of the checks' role."""

from ops_lambdas.database_role.grants import COLUMNS
from rehearsal.report.facts import CheckRun
from rehearsal.run import Region, Run
from rehearsal.steps.fire_schedule import fire
from rehearsal.steps.set_up_application import query

ROLE = "pardon_ops"
_RIGHTS = f"""
    SELECT table_name, column_name, privilege FROM information_schema.columns,
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS privilege
    WHERE table_schema = 'public' AND has_column_privilege(
        '{ROLE}', format('%I.%I', table_schema, table_name), column_name, privilege)"""  # noqa: S608 - our own name


def prove(run: Run, region: Region) -> list[CheckRun]:
    """The role was created before the application's tables; now it must get its privileges on them, and no others."""
    before = query(run, region, _RIGHTS)
    outcome = fire(run, region, "database_role")
    rights: dict[tuple[str, str], set[str]] = {}
    for table, column, privilege in query(run, region, _RIGHTS):
        rights.setdefault((privilege, table), set()).add(column)
    wanted = {key: set(columns) - {"ctid"} for key, columns in COLUMNS.items()}  # a system column is not in the schema
    is_so = (before, outcome.result["state"], outcome.result["pending"]) == ([], "ensured", []) and rights == wanted
    seen = "; ".join(f"{' '.join(key)} ({', '.join(sorted(rights[key]))})" for key in sorted(rights))
    name = f"database_role completes the privileges of {ROLE}: columns that checks need, nothing else"
    run.report.expect(is_so, region.name, name, seen or "no privileges")
    did = f"{len(outcome.result['granted'])} grants to {ROLE} on the new tables, none pending"
    return [outcome.reported(region, did)]
