"""What the hourly function records, as the checks' role."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from ops_lambdas.backup_record.function import handler
from ops_lambdas.shared import backup_records
from ops_lambdas.shared.backup_records import RecordError
from ops_lambdas.shared.contents import TABLES
from ops_lambdas.shared.database import DatabaseError, TablesMissingError
from tests.integration.checks.conftest import CONTEXT
from tests.integration.conftest import Database
from tests.integration.emulator_process import Emulator


def test_rows_newest_ids_and_the_heartbeat_are_recorded(
    database: Database, primary: tuple[str, str], emulator: Emulator
) -> None:
    _, bucket = primary
    result = handler({}, CONTEXT)
    record = json.loads(emulator.client("s3").get_object(Bucket=bucket, Key=result["record"])["Body"].read())
    with closing(database.connect()) as owner:
        for table, column in TABLES.items():
            ((rows,),) = owner.run(f'SELECT count(*) FROM public."{table}"')
            newest = [id_ for (id_,) in owner.run(f'SELECT id FROM "{table}" ORDER BY "{column}" DESC, id LIMIT 5')]
            assert rows > 0
            assert record["tables"][table] == {"rows": rows, "newest": newest}
        ((beat,),) = owner.run("SELECT beat_at FROM operations.heartbeat")
    assert datetime.fromisoformat(record["heartbeat"]) == beat
    taken = datetime.fromisoformat(record["taken_at"])
    assert timedelta(0) <= taken - beat < timedelta(seconds=10)
    assert result["record"] == f"backup-records/{taken:%Y-%m-%d/%H%M%S}.json"


def test_a_second_run_makes_a_second_record_with_a_later_heartbeat(primary: tuple[str, str]) -> None:
    _, bucket = primary
    start = datetime.now(UTC)
    handler({}, CONTEXT)
    first = backup_records.newest(bucket, after=start - timedelta(hours=1), before=start + timedelta(hours=1))
    handler({}, CONTEXT)
    last = backup_records.newest(bucket, after=start - timedelta(hours=1), before=start + timedelta(hours=1))
    assert first is not None
    assert last is not None
    assert first.heartbeat is not None
    assert last.heartbeat is not None
    assert last.heartbeat > first.heartbeat


@pytest.mark.usefixtures("primary")
def test_before_the_first_migration_there_are_no_tables_to_record(database: Database) -> None:
    with closing(database.connect()) as owner:
        owner.run("DROP SCHEMA public CASCADE")
        owner.run("CREATE SCHEMA public")
    assert handler({}, CONTEXT)["rows"] == {}


@pytest.mark.usefixtures("primary")
def test_without_a_heartbeat_there_is_no_record(database: Database) -> None:
    with closing(database.connect()) as owner:
        owner.run("DELETE FROM operations.heartbeat")
        with pytest.raises(DatabaseError, match="has no row: database_role"):
            handler({}, CONTEXT)
        owner.run("DROP SCHEMA operations CASCADE")
    with pytest.raises(TablesMissingError):
        handler({}, CONTEXT)


def test_records_of_other_times_and_other_objects_are_not_found(primary: tuple[str, str], emulator: Emulator) -> None:
    _, bucket = primary
    s3, moment = emulator.client("s3"), datetime(2026, 11, 28, 0, 10, tzinfo=UTC)
    for key in ("2026-11-27/220000", "2026-11-27/230500", "2026-11-28/000959", "2026-11-28/001000"):
        taken = datetime.strptime(key, "%Y-%m-%d/%H%M%S").replace(tzinfo=UTC)
        body = json.dumps({"taken_at": taken.isoformat(), "heartbeat": None, "tables": {}})
        s3.put_object(Bucket=bucket, Key=f"backup-records/{key}.json", Body=body.encode())
    s3.put_object(Bucket=bucket, Key="backup-records/2026-11-28/000930.txt", Body=b"?")
    day = timedelta(days=1)
    found = backup_records.newest(bucket, after=moment - timedelta(hours=2), before=moment)
    assert found is not None
    assert found.taken_at == datetime(2026, 11, 28, 0, 9, 59, tzinfo=UTC), "of the two days, and before the moment"
    assert backup_records.newest(bucket, after=moment - 9 * day, before=moment - 8 * day) is None
    s3.put_object(Bucket=bucket, Key="backup-records/2026-11-20/000000.json", Body=b'{"tables": []}')
    with pytest.raises(RecordError, match=r"2026-11-20/000000.json is no record"):
        backup_records.newest(bucket, after=moment - 9 * day, before=moment - 7 * day)
    with pytest.raises(RecordError, match="NoSuchBucket"):
        backup_records.newest("not-there", after=moment - day, before=moment)
