"""The emulator's RDS: DB instances are databases that can be connected to."""

import json
from datetime import UTC, datetime, timedelta

from rehearsal.postgresql.server import Postgres
from tests.integration.emulator_process import Emulator
from tests.integration.emulator_templates import database


def test_instance_can_be_connected_to_with_its_secret(emulator: Emulator, postgres: Postgres) -> None:
    secrets, rds = emulator.client("secretsmanager"), emulator.client("rds")
    for password in ("Password", "OtherPassword"):  # the second: a changed password, on the same database
        ids = emulator.deploy("database", database(password))

        assert ids["Url"].startswith("arn:aws:secretsmanager:us-east-1:")
        value = json.loads(secrets.get_secret_value(SecretId=ids["Url"])["SecretString"])
        assert (value["host"], value["port"]) == (postgres.host, str(postgres.port))
        assert len(value["password"]) == 30
        assert value["password"].isalnum()
        connection = postgres.connect("emulator_test", user="emulator_master", password=value["password"])
        assert connection.run("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user") == [
            ["emulator_master", False]
        ]
        connection.close()

    instances = {item["DBInstanceIdentifier"]: item for item in rds.describe_db_instances()["DBInstances"]}
    behind = datetime.now(UTC) - instances[ids["Database"]]["LatestRestorableTime"]
    assert behind < timedelta(seconds=5), "it moves on after the creation"
    replica = instances[ids["Replica"]]
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == ids["Database"]
    assert (replica["Engine"], replica["DBName"]) == ("postgres", "emulator_test")
    assert replica["Endpoint"]["Port"] == postgres.port
    emulator.delete("database")
    assert rds.describe_db_instances()["DBInstances"] == []
