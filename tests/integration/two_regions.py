"""Two regions of an emulator, each with a PostgreSQL behind its endpoint; the home region's backups are replicated."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pg8000.native
import pytest
from botocore.exceptions import WaiterError

from rehearsal.machine.ports import free_port
from rehearsal.postgresql.server import Postgres
from tests.integration.emulator_process import Emulator, Resources, eventually, start

HOME, OTHER = "us-east-1", "us-west-2"
NAME, OPS = "pardon", "pardon_ops"
MASTER = ("pardon_admin", "of-the-home-region")
NEW_PASSWORD = "of-the-other-region"


@dataclass(frozen=True)
class Regions:
    """An emulator with a PostgreSQL behind an endpoint in each of two regions, and keys of both."""

    emulator: Emulator
    servers: dict[str, Postgres]
    ports: dict[str, int]
    keys: dict[str, str]

    def connect(
        self, region: str, user: str = MASTER[0], password: str = MASTER[1], port: int | None = None
    ) -> pg8000.native.Connection:
        server = self.servers[region]
        return pg8000.native.Connection(
            user,
            password=password,
            host=server.host,
            port=port or self.ports[region],
            database=NAME,
            ssl_context=ssl.create_default_context(cafile=server.ca_file),
            timeout=10,
        )

    def run(self, region: str, statement: str, **login: Any) -> list[Any]:
        connection = self.connect(region, **login)
        try:
            rows: list[Any] = connection.run(statement) or []
            return rows
        finally:
            connection.close()

    def write(self, text: str) -> datetime:
        """Write a row in the home region; return a moment after it, and before anything that follows."""
        self.run(HOME, f"INSERT INTO kept (text) VALUES ('{text}')")
        moment = datetime.now(UTC)
        self.run(HOME, "SELECT pg_sleep(0.01)")
        return moment

    def backups(self) -> dict[str, Any]:
        rds = self.emulator.client("rds", OTHER)
        (one,) = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=NAME)["DBInstanceAutomatedBackups"]
        return dict(one)

    def replicated(self, moment: datetime) -> str:
        """Wait until the other region has the backups up to a moment; return their ARN."""
        eventually(lambda: self.backups()["RestoreWindow"]["LatestTime"] > moment, 10)
        return str(self.backups()["DBInstanceAutomatedBackupsArn"])

    def rows(self, region: str = OTHER, password: str = NEW_PASSWORD, port: int | None = None) -> list[str]:
        connection = self.connect(region, password=password, port=port)
        found = [row[0] for row in connection.run("SELECT text FROM kept ORDER BY id")]
        connection.close()
        return found

    def refused(self, stack: str, resources: Resources) -> str:
        """Deploy what is refused in the other region; return why."""
        with pytest.raises(WaiterError) as error:
            self.emulator.deploy(stack, resources, OTHER)
        return "\n".join(error.value.__notes__)


def restored(**properties: Any) -> Resources:
    own = {"DBInstanceIdentifier": NAME, "MasterUserPassword": NEW_PASSWORD, "EnableIAMDatabaseAuthentication": True}
    return {"Database": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Delete", "Properties": own | properties}}


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@contextmanager
def two_regions(folder: Path) -> Iterator[Regions]:
    """Start them; end them at the end."""
    with ExitStack() as stack:
        servers = {
            region: stack.enter_context(Postgres(folder / region, is_behind_endpoint=True)) for region in (HOME, OTHER)
        }
        ports = {region: free_port() for region in servers}
        options = []
        for region, server in servers.items():
            options += [f"--database={region}={server.host}:{server.port}"]
            options += [f"--database-admin-password-file={region}={server.admin_password_file}"]
            options += [f"--ca-file={region}={server.ca_file}"]
            options += [f"--database-endpoint={region}={server.host}:{ports[region]}"]
            options += [f"--database-certificates={region}={server.certificates_folder}"]
        emulator = start(folder / "emulator", *options)
        stack.callback(emulator.process.wait, 10)
        stack.callback(emulator.process.terminate)
        keys = {region: emulator.client("kms", region).create_key()["KeyMetadata"]["Arn"] for region in servers}
        yield Regions(emulator, servers, ports, keys)


@contextmanager
def home_instance(both: Regions) -> Iterator[None]:
    """Deploy the home region's instance with its backups replicated, and a table; then delete every stack."""
    properties = {
        "DBInstanceIdentifier": NAME,
        "Engine": "postgres",
        "EngineVersion": "18",
        "AllocatedStorage": "20",
        "StorageEncrypted": True,
        "KmsKeyId": both.keys[HOME],
        "DBName": NAME,
        "MasterUsername": MASTER[0],
        "MasterUserPassword": MASTER[1],
        "BackupRetentionPeriod": 7,
        "AutomaticBackupReplicationRegion": OTHER,
        "AutomaticBackupReplicationKmsKeyId": both.keys[OTHER],
    }
    both.emulator.deploy("home", restored(**properties))
    both.run(HOME, "CREATE TABLE kept (id serial PRIMARY KEY, text text)")
    yield
    both.run(HOME, "DROP TABLE kept")
    admin = both.servers[HOME].connect()
    admin.run(f"DROP ROLE IF EXISTS {OPS}")
    admin.close()
    for region in (OTHER, HOME):
        cloudformation = both.emulator.client("cloudformation", region)
        for one in cloudformation.describe_stacks()["Stacks"]:
            cloudformation.delete_stack(StackName=one["StackName"])
            both.emulator.wait(cloudformation, "stack_delete_complete", one["StackName"])
