"""The emulator's RDS restores an instance in another region: to a moment, to the latest one, from a snapshot."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pg8000.native
import psutil
import pytest
from botocore.exceptions import ClientError
from pg8000.exceptions import DatabaseError

from rehearsal.postgresql.server import Postgres
from tests.integration.emulator_process import start
from tests.integration.two_regions import (
    HOME,
    MASTER,
    NAME,
    NEW_PASSWORD,
    OPS,
    OTHER,
    Regions,
    home_instance,
    restored,
    two_regions,
    utc,
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regions]:
    with two_regions(tmp_path_factory.mktemp("restore")) as started:
        yield started


@pytest.fixture
def regions(both: Regions) -> Iterator[Regions]:
    """With the home region's instance, its backups replicated; and nothing in the other region."""
    with home_instance(both):
        yield both


def test_instance_is_restored_to_a_moment_with_its_roles_and_rows(regions: Regions) -> None:
    admin = regions.servers[HOME].connect()
    admin.run(f"CREATE ROLE {OPS} LOGIN PASSWORD 'unused'")  # not by the master, who would become a member
    admin.run(f"GRANT rds_iam TO {OPS}")
    admin.close()
    for text in ("first", "second"):
        moment = regions.write(text)
    arn = regions.replicated(regions.write("too late"))
    assert arn.startswith(f"arn:aws:rds:{OTHER}:000000000000:auto-backup:ab-")

    source = {"SourceDBInstanceAutomatedBackupsArn": arn, "RestoreTime": utc(moment)}
    regions.emulator.deploy("other", restored(**source, MultiAZ=True, BackupRetentionPeriod=3), OTHER)
    assert regions.rows() == ["first", "second"]
    assert regions.rows(HOME, MASTER[1]) == ["first", "second", "too late"]
    with pytest.raises(DatabaseError, match="password authentication failed"):
        regions.connect(OTHER, password=MASTER[1])
    is_writable = regions.run(OTHER, "INSERT INTO kept (text) VALUES ('third') RETURNING text", password=NEW_PASSWORD)
    assert is_writable == [["third"]]
    (instance,) = regions.emulator.client("rds", OTHER).describe_db_instances()["DBInstances"]
    expected = {"Engine": "postgres", "EngineVersion": "18", "AllocatedStorage": 20, "MasterUsername": MASTER[0]}
    expected |= {"DBName": NAME, "KmsKeyId": regions.keys[OTHER], "StorageEncrypted": True}
    expected |= {"MultiAZ": True, "BackupRetentionPeriod": 3}
    assert {key: instance[key] for key in expected} == expected
    assert instance["Endpoint"]["Port"] == regions.ports[OTHER]

    iam = regions.emulator.client("iam")
    iam.create_user(UserName="restored")
    resource = f"arn:aws:rds-db:{OTHER}:000000000000:dbuser:{instance['DbiResourceId']}/{OPS}"
    statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="restored", PolicyName="connect", PolicyDocument=policy)
    key = iam.create_access_key(UserName="restored")["AccessKey"]
    client = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=OTHER).client("rds")
    host = regions.servers[OTHER].host
    token = client.generate_db_auth_token(DBHostname=host, Port=regions.ports[OTHER], DBUsername=OPS)
    assert regions.run(OTHER, "SELECT current_user", user=OPS, password=token) == [[OPS]]


def test_latest_time_is_what_is_archived(regions: Regions) -> None:
    arn = regions.replicated(regions.write("archived"))
    source = {"SourceDBInstanceAutomatedBackupsArn": arn, "UseLatestRestorableTime": True}
    regions.emulator.deploy("other", restored(**source), OTHER)
    assert regions.rows() == ["archived"]


def test_backups_can_be_restored_when_the_server_is_gone(regions: Regions) -> None:
    moment = regions.write("before the loss")
    arn = regions.replicated(moment)
    postmaster = psutil.Process(regions.servers[HOME].process.popen.pid).children()[0]
    postmaster.suspend()
    try:
        source = {"SourceDBInstanceAutomatedBackupsArn": arn, "RestoreTime": utc(moment)}
        regions.emulator.deploy("other", restored(**source), OTHER)
        assert regions.rows() == ["before the loss"]
    finally:
        postmaster.resume()


def test_restored_instance_is_backed_up_and_restored_in_its_turn(regions: Regions) -> None:
    arn = regions.replicated(regions.write("once"))
    regions.emulator.deploy(
        "other", restored(SourceDBInstanceAutomatedBackupsArn=arn, UseLatestRestorableTime=True), OTHER
    )
    regions.run(OTHER, "INSERT INTO kept (text) VALUES ('twice')", password=NEW_PASSWORD)
    rds = regions.emulator.client("rds", OTHER)
    rds.create_db_snapshot(DBInstanceIdentifier=NAME, DBSnapshotIdentifier="of-restored")
    regions.run(OTHER, "DELETE FROM kept", password=NEW_PASSWORD)
    rds.modify_db_instance(DBInstanceIdentifier=NAME, NewDBInstanceIdentifier=f"{NAME}-old", ApplyImmediately=True)
    regions.emulator.deploy("again", restored(DBSnapshotIdentifier="of-restored"), OTHER)
    assert regions.rows() == ["once", "twice"]
    rds.delete_db_snapshot(DBSnapshotIdentifier="of-restored")
    rds.delete_db_instance(DBInstanceIdentifier=f"{NAME}-old", SkipFinalSnapshot=True)


def test_snapshot_and_its_copy_hold_what_was_there_when_it_was_taken(regions: Regions) -> None:
    home, other = (regions.emulator.client("rds", region) for region in (HOME, OTHER))
    regions.write("in the snapshot")
    taken = home.create_db_snapshot(DBInstanceIdentifier=NAME, DBSnapshotIdentifier="taken")["DBSnapshot"]
    regions.write("too late")
    copy = {"SourceDBSnapshotIdentifier": taken["DBSnapshotArn"], "TargetDBSnapshotIdentifier": "copied"}
    for key in ({}, {"KmsKeyId": regions.keys[HOME]}):
        with pytest.raises(ClientError, match="KMSKeyNotAccessibleFault"):
            other.copy_db_snapshot(**copy, **key)
    copied = other.copy_db_snapshot(**copy, KmsKeyId=regions.keys[OTHER])["DBSnapshot"]
    home.delete_db_snapshot(DBSnapshotIdentifier="taken")
    assert "DBSnapshotNotFound" in regions.refused("unknown", restored(DBSnapshotIdentifier=taken["DBSnapshotArn"]))
    regions.emulator.deploy("other", restored(DBSnapshotIdentifier=copied["DBSnapshotArn"]), OTHER)
    assert regions.rows() == ["in the snapshot"]
    (instance,) = other.describe_db_instances()["DBInstances"]
    assert (instance["KmsKeyId"], instance["MasterUsername"]) == (regions.keys[OTHER], MASTER[0])
    other.delete_db_snapshot(DBSnapshotIdentifier="copied")


def test_what_aws_refuses_in_a_restore_is_refused(regions: Regions) -> None:
    arn = regions.replicated(regions.write("kept"))
    window = regions.backups()["RestoreWindow"]
    backups, latest = {"SourceDBInstanceAutomatedBackupsArn": arn}, {"UseLatestRestorableTime": True}
    second = timedelta(seconds=1)
    cases: list[tuple[dict[str, Any], str]] = [
        ({**backups, "RestoreTime": utc(window["EarliestTime"] - second)}, "to a time earlier than 20"),
        ({**backups, "RestoreTime": utc(datetime.now(UTC) + 60 * second)}, "to a time later than 20"),
        ({**backups, "RestoreTime": "2026-11-28 06:00"}, "must be a time in Universal Coordinated Time"),
        (backups, "exactly one of RestoreTime and UseLatestRestorableTime"),
        ({**backups, **latest, "RestoreTime": utc(window["LatestTime"])}, "exactly one of"),
        ({"SourceDBInstanceAutomatedBackupsArn": f"{arn}x", **latest}, "DBInstanceAutomatedBackupNotFound"),
        ({"DBSnapshotIdentifier": "unknown"}, "DBSnapshot not found: unknown"),
        ({"DBSnapshotIdentifier": "unknown", **backups, **latest}, "InvalidParameterCombination"),
        ({**backups, **latest, "DBName": NAME}, "DBName must be null when Restoring for this Engine"),
        ({**latest, "SourceDbiResourceId": "db-1"}, "is rehearsed with"),
    ]
    for number, (properties, reason) in enumerate(cases):
        assert reason in regions.refused(f"refused-{number}", restored(**properties))
    rds = regions.emulator.client("rds", OTHER)
    assert rds.describe_db_instances()["DBInstances"] == []
    with pytest.raises(ClientError, match="DBInstanceAutomatedBackupNotFound"):
        rds.describe_db_instance_automated_backups(DBInstanceAutomatedBackupsArn=f"{arn}x")
    regions.emulator.client("kms", OTHER).disable_key(KeyId=regions.keys[OTHER])
    assert "KMSKeyNotAccessibleFault" in regions.refused("disabled", restored(**backups, **latest))
    regions.emulator.client("kms", OTHER).enable_key(KeyId=regions.keys[OTHER])


def test_source_of_a_restored_instance_may_not_change_or_go(regions: Regions) -> None:
    arn = regions.replicated(regions.write("kept"))
    source = {"SourceDBInstanceAutomatedBackupsArn": arn, "UseLatestRestorableTime": True}
    regions.emulator.deploy("other", restored(**source), OTHER)
    latest = utc(regions.backups()["RestoreWindow"]["LatestTime"])
    for changed in (
        {"SourceDBInstanceAutomatedBackupsArn": arn, "RestoreTime": latest},
        {},
        {**source, "MasterUsername": "another"},
        {**source, "DBName": "another"},
    ):
        assert "requires replacing" in regions.refused("other", restored(**changed))
    policy = '{"Statement": [{"Effect": "Deny", "Action": "Update:Replace", "Resource": "*", "Principal": "*"}]}'
    regions.emulator.client("cloudformation", OTHER).set_stack_policy(StackName="other", StackPolicyBody=policy)
    assert "[Update:Replace] for resource [LogicalResourceId/Database]" in regions.refused("other", restored())
    assert regions.rows() == ["kept"]


def test_renamed_instance_keeps_its_data_and_frees_its_name(regions: Regions) -> None:
    arn = regions.replicated(regions.write("kept"))
    own = {"Engine": "postgres", "AllocatedStorage": "20", "DBName": NAME, "MasterUsername": MASTER[0]}
    regions.emulator.deploy("old", restored(**own), OTHER)
    regions.run(OTHER, "CREATE TABLE IF NOT EXISTS kept (id serial, text text)", password=NEW_PASSWORD)
    regions.run(OTHER, "INSERT INTO kept (text) VALUES ('of the old one')", password=NEW_PASSWORD)
    rds = regions.emulator.client("rds", OTHER)
    old = f"{NAME}-old"
    later = rds.modify_db_instance(DBInstanceIdentifier=NAME, NewDBInstanceIdentifier=old)["DBInstance"]
    assert later["PendingModifiedValues"] == {"DBInstanceIdentifier": old}
    with pytest.raises(ClientError, match="DBInstanceAlreadyExists"):
        rds.modify_db_instance(DBInstanceIdentifier=NAME, NewDBInstanceIdentifier=NAME, ApplyImmediately=True)
    rds.modify_db_instance(DBInstanceIdentifier=NAME, NewDBInstanceIdentifier=old, ApplyImmediately=True)
    with pytest.raises(ClientError, match="DBInstanceNotFound"):
        rds.describe_db_instances(DBInstanceIdentifier=NAME)
    with pytest.raises((pg8000.native.InterfaceError, OSError)):
        regions.connect(OTHER, password=NEW_PASSWORD)

    source = {"SourceDBInstanceAutomatedBackupsArn": arn, "UseLatestRestorableTime": True}
    regions.emulator.deploy("new", restored(**source), OTHER)
    (renamed,) = rds.describe_db_instances(DBInstanceIdentifier=old)["DBInstances"]
    assert renamed["DBInstanceArn"].endswith(f":db:{old}")
    assert regions.rows() == ["kept"]
    assert regions.rows(port=renamed["Endpoint"]["Port"]) == ["of the old one"]
    rds.modify_db_instance(DBInstanceIdentifier=old, MasterUserPassword="other-password", ApplyImmediately=True)
    assert regions.rows(password="other-password", port=renamed["Endpoint"]["Port"]) == ["of the old one"]
    assert regions.rows() == ["kept"]
    rds.delete_db_instance(DBInstanceIdentifier=old, SkipFinalSnapshot=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_restored_server_ends_with_the_emulator_even_when_it_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    with Postgres(tmp_path / "postgres") as server:
        emulator = start(
            tmp_path / "emulator",
            f"--database={server.host}:{server.port}",
            f"--database-admin-password-file={server.admin_password_file}",
            f"--ca-file={server.ca_file}",
        )
        own = {"Engine": "postgres", "AllocatedStorage": "20", "DBName": NAME, "MasterUsername": MASTER[0]}
        emulator.deploy("first", restored(**own))
        emulator.client("rds").create_db_snapshot(DBInstanceIdentifier=NAME, DBSnapshotIdentifier="taken")
        emulator.deploy("second", restored(DBSnapshotIdentifier="taken", DBInstanceIdentifier="second"))
        below = psutil.Process(emulator.process.pid).children(recursive=True)
        servers = [one for one in below if one.name() == "postgres"]
        assert servers
        emulator.process.send_signal(number)
        emulator.process.wait(10)
        assert server._home
        assert number == signal.SIGKILL or not list(server._home.glob("restored-*")), "it waits for their end"
        psutil.wait_procs(servers, timeout=10)
        assert not any(one.is_running() for one in servers)
