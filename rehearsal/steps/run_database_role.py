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

# As the runbook has it.
_SLOWEST = "SELECT query, mean_exec_time FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 10"


def prove(run: Run, region: Region) -> list[CheckRun]:
    """The deployment gave the role its privileges on the migration's tables; the check restores what is revoked."""
    before = _rights(run, region)
    query(run, region, f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}")
    outcome = fire(run, region, "database_role")
    rights = _rights(run, region)
    wanted = {key: set(columns) - {"ctid"} for key, columns in COLUMNS.items()}  # a system column is not in the schema
    is_so = (outcome.result["state"], outcome.result["pending"]) == ("ensured", []) and before == rights == wanted
    seen = "; ".join(f"{' '.join(key)} ({', '.join(sorted(rights[key]))})" for key in sorted(rights))
    name = f"database_role maintains the privileges of {ROLE}: columns that checks need, nothing else"
    run.report.expect(is_so, region.name, name, seen or "no privileges")
    slowest = query(run, region, _SLOWEST)
    name = "the runbook's query of the slowest statements works: database_role has created pg_stat_statements"
    run.report.expect(bool(slowest), region.name, name, f"{len(slowest)} statements, the slowest {slowest[:1]}")
    did = f"{len(outcome.result['granted'])} grants to {ROLE}, which had been revoked; none pending"
    return [outcome.reported(region, did)]


def _rights(run: Run, region: Region) -> dict[tuple[str, str], set[str]]:
    rights: dict[tuple[str, str], set[str]] = {}
    for table, column, privilege in query(run, region, _RIGHTS):
        rights.setdefault((privilege, table), set()).add(column)
    return rights
