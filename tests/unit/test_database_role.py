"""Which privileges the checks' role needs, and the SQL that grants and revokes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lambdas.database_role import grants
from ops_lambdas.database_role.core import Right, statements, wanted_rights
from ops_lambdas.shared import contents, custom_resource
from ops_lambdas.shared.sql import quoted

WANTED = {("SELECT", "Session"): ("id", "endTime"), ("UPDATE", "Session"): ("endTime",)}


# In AWS: when it runs in production.
SCHEDULES = {"database-role": "rate(1 hour)"}


def publish_every_metric(_environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard: it has none."""


def test_the_list_of_rights_has_no_private_column_and_one_update() -> None:
    assert {"pg_monitor", "rds_iam"} == grants.MEMBERSHIPS
    assert {key: columns for key, columns in grants.COLUMNS.items() if key[0] != "SELECT"} == {
        ("UPDATE", "Session"): ("endTime",)
    }
    assert {table for _, table in grants.COLUMNS} == {"Session", "Thread", "Message", "User"}
    assert set(grants.COLUMNS["SELECT", "User"]) == {"id", "createdAt"}
    for table, column in contents.TABLES.items():  # what a backup is compared by
        assert {"id", column} <= set(grants.COLUMNS["SELECT", table])
    private = {"userId", "walletAddress", "currentScore", "weekId", "senderId", "content", "username", "totalScore"}
    assert not private & {column for columns in grants.COLUMNS.values() for column in columns}


@pytest.mark.parametrize(
    ("existing", "has_schema", "columns", "pending"),
    [
        ({}, False, [], ["public", "public.Session"]),
        ({}, True, [], ["public.Session"]),
        ({"Session": ["id"]}, True, ["SELECT id"], ["public.Session.endTime"]),
        ({"Session": ["id", "endTime", "more"]}, True, ["SELECT id", "SELECT endTime", "UPDATE endTime"], []),
    ],
)
def test_what_is_not_there_yet_is_pending(
    existing: dict[str, list[str]], has_schema: bool, columns: list[str], pending: list[str]
) -> None:
    rights, waits_for = wanted_rights("d", "public", WANTED, existing, has_schema=has_schema)
    assert Right("CONNECT", "DATABASE", "", "d") in rights
    assert (Right("USAGE", "SCHEMA", "", "public") in rights) == has_schema
    assert {f"{right.privilege} {right.column}" for right in rights if right.column} == set(columns)
    assert list(waits_for) == pending


def test_columns_of_a_table_are_granted_together() -> None:
    rights, _ = wanted_rights("d", "public", WANTED, {"Session": ["id", "endTime"]}, has_schema=True)
    assert statements("GRANT", rights, "pardon_ops") == [
        'GRANT CONNECT ON DATABASE "d" TO "pardon_ops"',
        'GRANT SELECT ("endTime", "id") ON TABLE "public"."Session" TO "pardon_ops"',
        'GRANT UPDATE ("endTime") ON TABLE "public"."Session" TO "pardon_ops"',
        'GRANT USAGE ON SCHEMA "public" TO "pardon_ops"',
    ]


def test_a_whole_table_is_not_mixed_with_its_columns() -> None:
    rights = [Right("SELECT", "TABLE", "public", "T"), Right("SELECT", "TABLE", "public", "T", "c", is_grantable=True)]
    assert statements("REVOKE", rights, "r") == [
        'REVOKE SELECT ON TABLE "public"."T" FROM "r" CASCADE',
        'REVOKE SELECT ("c") ON TABLE "public"."T" FROM "r" CASCADE',
    ]


@given(st.text(min_size=1))
def test_no_name_ends_its_quotes(name: str) -> None:
    inner = quoted(name)[1:-1]
    assert inner.replace('""', "").count('"') == 0
    assert inner.replace('""', '"') == name


@pytest.mark.parametrize(
    ("event", "is_request"),
    [
        ({"RequestType": "Create", "ResponseURL": "https://x"}, True),
        ({"RequestType": "Create"}, False),
        ({}, False),
        (None, False),
        ([], False),
        ({"source": "aws.scheduler", "detail-type": "Scheduled Event"}, False),
    ],
)
def test_cloudformations_requests_are_known(event: object, is_request: bool) -> None:
    assert custom_resource.is_request(event) is is_request
