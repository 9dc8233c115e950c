"""RDS: DB instances that can be connected to; each is a role and a database in the embedded PostgreSQL.

A read replica is the same database as its source, without lag.
"""

import ssl
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pg8000.native
from ministack.core.responses import get_region
from ministack.services import rds
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services import iam_database_authentication, rds_automated_backups
from rehearsal.emulator.services.cloudformation_handler import Attributes, Properties
from rehearsal.emulator.services.rds_endpoint import Endpoint

TYPE = "AWS::RDS::DBInstance"
FROM_SOURCE = (
    "Engine",
    "EngineVersion",
    "AllocatedStorage",
    "StorageType",
    "MasterUsername",
    "DBName",
    "StorageEncrypted",
)

MEMBERSHIP = """
    WITH RECURSIVE groups (oid) AS (
        SELECT oid FROM pg_roles WHERE rolname = :user AND NOT rolsuper
        UNION
        SELECT member.roleid FROM pg_auth_members AS member JOIN groups ON groups.oid = member.member
        WHERE member.roleid <> 'rds_superuser'::regrole)
    SELECT 'rds_iam'::regrole::oid IN (SELECT oid FROM groups)
"""


def register(
    databases: dict[str, str], admin_password_files: dict[str, str], ca_files: dict[str, str], endpoints: dict[str, str]
) -> None:
    """Give every DB instance created from a template the endpoint of its region's PostgreSQL.

    Args:
        databases, admin_password_files, ca_files: HOST:PORT and paths by region, "" for any region. A
            region without a database has instances that are records only.
        endpoints: HOST:PORT by region where clients find it, if not at the database's own.
    """
    handler = provisioners._RESOURCE_HANDLERS[TYPE]
    create_record, update_record = handler["create"], handler["update"]

    def connect(instance_id: str, password: str | None) -> Attributes:
        instance = rds._instances[instance_id]
        # MiniStack's stays at the creation; without one it returns the current time, as if logs were shipped.
        instance["LatestRestorableTime"] = ""
        address = of_region(databases)
        if address:
            host, port = split(address)
            instance["Endpoint"] |= dict(zip(("Address", "Port"), split(of_region(endpoints) or address), strict=True))
            if password is not None:
                password_file, ca_file = of_region(admin_password_files), of_region(ca_files)
                with closing(admin_connection(host, port, password_file, ca_file)) as admin:
                    prepare(admin, instance["MasterUsername"], password, instance["DBName"])
        return dict(provisioners._rds_db_instance_attrs(instance))

    def create(logical_id: str, props: Properties, stack: str) -> tuple[str, Attributes]:
        source = rds._instances.get(str(props.get("SourceDBInstanceIdentifier", "")).rsplit(":", 1)[-1])
        if "SourceDBInstanceIdentifier" in props and source is None:
            raise ValueError(f"DBInstance {props['SourceDBInstanceIdentifier']} not found.")
        rds_automated_backups.check(props)
        inherited = {key: source[key] for key in FROM_SOURCE if key in source} if source else {}
        instance_id, _ = create_record(logical_id, {**inherited, **props}, stack)
        if source:
            rds._instances[instance_id]["ReadReplicaSourceDBInstanceIdentifier"] = source["DBInstanceIdentifier"]
            source["ReadReplicaDBInstanceIdentifiers"].append(instance_id)
        rds_automated_backups.follow(rds._instances[instance_id], props)
        return instance_id, connect(instance_id, props.get("MasterUserPassword"))

    def update(physical_id: str, old: Properties, new: Properties, *more: Any) -> tuple[str, Attributes]:
        rds_automated_backups.check(new)
        instance_id, _ = update_record(physical_id, old, new, *more)
        rds_automated_backups.follow(rds._instances[instance_id], new)
        return instance_id, connect(instance_id, new.get("MasterUserPassword"))

    def modify(parameters: Any) -> Any:
        """Change the instance, and its password in PostgreSQL where MiniStack would look for a container."""
        password = rds._p(parameters, "MasterUserPassword")
        answer = modify_record({key: value for key, value in parameters.items() if key != "MasterUserPassword"})
        if password and answer[0] == 200:
            connect(rds._p(parameters, "DBInstanceIdentifier"), password)
        return answer

    provisioners._RESOURCE_HANDLERS[TYPE] = {**handler, "create": create, "update": update}
    modify_record = rds._ACTION_MAP["ModifyDBInstance"]
    rds._ACTION_MAP["ModifyDBInstance"] = modify


def open_endpoints(
    databases: dict[str, str],
    endpoints: dict[str, str],
    certificates: dict[str, str],
    admin_password_files: dict[str, str],
    account: str,
) -> None:
    """Listen where clients find each region's database.

    Raises:
        OSError: an address is taken.
    """
    for region, address in endpoints.items():
        host, port = split(address)
        server, folder = split(databases[region]), Path(certificates[region])
        Endpoint(
            address=(host, port),
            server=server,
            certificates=folder,
            needs_token=partial(needs_token, server, admin_password_files[region], str(folder / "ca.pem")),
            refusal=partial(iam_database_authentication.refusal, host=host, port=port, region=region, account=account),
        ).serve()


def needs_token(server: tuple[str, int], password_file: str, ca_file: str, user: str) -> bool:
    """Whether a role is a member of rds_iam, also indirectly, but not through rds_superuser, which may grant it."""
    with closing(admin_connection(*server, password_file, ca_file)) as admin:
        return bool(admin.run(MEMBERSHIP, user=user)[0][0])


def split(address: str) -> tuple[str, int]:
    """Host and port of HOST:PORT."""
    host, _, port = address.rpartition(":")
    return host, int(port)


def of_region(values: dict[str, str]) -> str:
    """The value for the region of the running request, else that for any region, else ""."""
    return values.get(get_region()) or values.get("", "")


def admin_connection(host: str, port: int, password_file: str, ca_file: str) -> Any:
    """Log in as postgres, over TLS that is verified."""
    return pg8000.native.Connection(
        "postgres",
        host=host,
        port=port,
        password=Path(password_file).read_text(encoding="utf-8").strip(),
        database="postgres",
        ssl_context=ssl.create_default_context(cafile=ca_file),
        timeout=10,
    )


def prepare(admin: Any, user: str, password: str, name: str) -> None:
    """Create the master role and the database, or update the role's password.

    The role has the privileges of RDS's master user: it creates roles and databases, may grant those of
    rds_superuser, and is not a superuser.
    """
    role, secret, database = (
        pg8000.native.identifier(user),
        pg8000.native.literal(password),
        pg8000.native.identifier(name),
    )
    exists = admin.run("SELECT 1 FROM pg_roles WHERE rolname = :user", user=user)
    verb = "ALTER" if exists else "CREATE"
    admin.run(f"{verb} ROLE {role} LOGIN CREATEROLE CREATEDB PASSWORD {secret}")
    admin.run(f"GRANT rds_superuser TO {role}")
    if not admin.run("SELECT 1 FROM pg_database WHERE datname = :name", name=name):
        admin.run(f"CREATE DATABASE {database} OWNER {role}")
