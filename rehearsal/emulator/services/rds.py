"""RDS: DB instances that can be connected to; each is a role and a database in an embedded PostgreSQL.

A read replica is the same database as its source, without lag.
"""

from contextlib import closing
from functools import partial
from typing import Any

import pg8000.native
from ministack.core.responses import get_account_id, get_region
from ministack.services import rds
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services import iam_database_authentication, rds_restore
from rehearsal.emulator.services.cloudformation_handler import Attributes, Properties
from rehearsal.emulator.services.rds_automated_backups import AutomatedBackups
from rehearsal.emulator.services.rds_endpoint import Endpoint
from rehearsal.emulator.services.rds_servers import Server, Servers

TYPE = rds_restore.TYPE
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


class Instances:
    """The DB instances of templates, with the endpoint of their region's PostgreSQL.

    A region without a server has instances that are records only.
    """

    def __init__(self, servers: Servers, automated: AutomatedBackups) -> None:
        self._servers, self._automated = servers, automated
        self._handler = provisioners._RESOURCE_HANDLERS[TYPE]
        self._modify, self._delete = (rds._ACTION_MAP[f"{verb}DBInstance"] for verb in ("Modify", "Delete"))

    def register(self) -> None:
        """Handle the type, and the calls that change or delete an instance."""
        own = {"create": self.create, "update": self.update, "delete": self.delete}
        provisioners._RESOURCE_HANDLERS[TYPE] = {**self._handler, **own}
        rds._ACTION_MAP |= {"ModifyDBInstance": self.modify, "DeleteDBInstance": self.delete_by_api}
        rds_restore.register()

    def create(self, logical_id: str, props: Properties, stack: str) -> tuple[str, Attributes]:
        """Create an instance: empty, a replica, or restored from a backup."""
        self._automated.check(props)
        restored = rds_restore.source(props, self._automated)
        if restored:
            if restored.point:
                self._servers.restore(restored.point)
            instance_id, _ = self._handler["create"](logical_id, restored.properties(props), stack)
        else:
            instance_id = self._create_new(logical_id, props, stack)
        instance = rds._instances[instance_id]
        self._servers.place(instance)
        attributes = self.connect(instance_id, props.get("MasterUserPassword"))
        self._automated.follow(instance, props)
        return instance_id, attributes

    def update(self, physical_id: str, old: Properties, new: Properties, *more: Any) -> tuple[str, Attributes]:
        """Change an instance as its template says."""
        self._automated.check(new)
        instance_id, _ = self._handler["update"](physical_id, old, new, *more)
        self._automated.follow(rds._instances[instance_id], new)
        return instance_id, self.connect(instance_id, new.get("MasterUserPassword"))

    def delete(self, physical_id: str, props: Properties) -> None:
        """Delete an instance; its backups stay if its template says so."""
        instance = rds._instances.get(physical_id)
        self._handler["delete"](physical_id, props)
        if instance:
            is_retained = str(props.get("DeleteAutomatedBackups", "true")).lower() == "false"
            self._forget(instance, is_retained=is_retained)

    def delete_by_api(self, parameters: Any) -> Any:
        """Delete an instance; its backups stay if the request says so. MiniStack does not ask for a last snapshot.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
        """
        instance = rds._instances.get(rds._p(parameters, "DBInstanceIdentifier"))
        skips, snapshot = rds._p(parameters, "SkipFinalSnapshot"), rds._p(parameters, "FinalDBSnapshotIdentifier")
        if (skips == "true") == bool(snapshot):
            found = "may not be specified with" if snapshot else "is required without"
            message = f"FinalDBSnapshotIdentifier {found} SkipFinalSnapshot"
            return rds._error("InvalidParameterCombination", message, 400)
        answer = self._delete(parameters)
        if instance and answer[0] == 200:
            self._forget(instance, is_retained=rds._p(parameters, "DeleteAutomatedBackups") == "false")
        return answer

    def modify(self, parameters: Any) -> Any:
        """Change the instance, its password in PostgreSQL where MiniStack would look for a container, and its name."""
        name, new_name, password = (
            rds._p(parameters, key) for key in ("DBInstanceIdentifier", "NewDBInstanceIdentifier", "MasterUserPassword")
        )
        if new_name and new_name in rds._instances:
            return rds._error("DBInstanceAlreadyExists", f"DB instance already exists: {new_name}", 400)
        answer = self._modify({key: value for key, value in parameters.items() if key != "MasterUserPassword"})
        if answer[0] != 200:
            return answer
        if password:
            self.connect(name, password)
        if not new_name:
            return answer
        instance = rds._instances[name]
        if rds._p(parameters, "ApplyImmediately") == "true":
            self._rename(instance, new_name.lower())
        else:
            instance["PendingModifiedValues"] |= {"DBInstanceIdentifier": new_name.lower()}
        return rds._single_instance_response("ModifyDBInstanceResponse", "ModifyDBInstanceResult", instance)

    def connect(self, instance_id: str, password: str | None) -> Attributes:
        """Give the instance the address where clients find it, and its master the password."""
        instance = rds._instances[instance_id]
        # MiniStack's stays at the creation; without one it returns the current time, as if logs were shipped.
        instance["LatestRestorableTime"] = ""
        server, address = self._servers.of_instance(instance), self._servers.address(instance)
        if server and address:
            instance["Endpoint"] |= dict(zip(("Address", "Port"), address, strict=True))
            if password is not None:
                with closing(server.admin()) as admin:
                    prepare(admin, instance["MasterUsername"], password, instance["DBName"])
        return dict(provisioners._rds_db_instance_attrs(instance))

    def _create_new(self, logical_id: str, props: Properties, stack: str) -> str:
        """Create an empty instance or a replica; return its name."""
        source = rds._instances.get(str(props.get("SourceDBInstanceIdentifier", "")).rsplit(":", 1)[-1])
        if "SourceDBInstanceIdentifier" in props and source is None:
            raise ValueError(f"DBInstance {props['SourceDBInstanceIdentifier']} not found.")
        inherited = {key: source[key] for key in FROM_SOURCE if key in source} if source else {}
        instance_id: str = self._handler["create"](logical_id, {**inherited, **props}, stack)[0]
        if source:
            rds._instances[instance_id]["ReadReplicaSourceDBInstanceIdentifier"] = source["DBInstanceIdentifier"]
            source["ReadReplicaDBInstanceIdentifiers"].append(instance_id)
        return instance_id

    def _rename(self, instance: dict[str, Any], name: str) -> None:
        """Rename an instance: its old name and what that leads to are free, the data stays where it is.

        https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RenameInstance.html
        """
        old, old_arn = instance["DBInstanceIdentifier"], instance["DBInstanceArn"]
        arn = f"arn:aws:rds:{get_region()}:{get_account_id()}:db:{name}"
        rds._instances[name] = rds._instances.pop(old)
        instance |= {"DBInstanceIdentifier": name, "DBInstanceArn": arn}
        rds._tags[arn] = rds._tags.pop(old_arn, instance["TagList"])
        for other in rds._instances.values():
            if other.get("ReadReplicaSourceDBInstanceIdentifier") == old:
                other["ReadReplicaSourceDBInstanceIdentifier"] = name
            replicas = other.get("ReadReplicaDBInstanceIdentifiers", [])
            other["ReadReplicaDBInstanceIdentifiers"] = [name if one == old else one for one in replicas]
        if self._servers.of_instance(instance) == self._servers.at_endpoint(get_region()):
            self._servers.vacate()
        for one in (name, *instance["ReadReplicaDBInstanceIdentifiers"]):
            self.connect(one, None)

    def _forget(self, instance: dict[str, Any], *, is_retained: bool) -> None:
        self._automated.forget(instance, is_retained=is_retained)
        self._servers.remove(instance)


def open_endpoints(servers: Servers, account: str) -> None:
    """Listen where clients find each region's database.

    Raises:
        OSError: an address is taken.
    """
    for region, (host, port) in servers.endpoints.items():
        Endpoint(
            address=(host, port),
            server=partial(address_of, servers, region),
            certificates=servers.first[region].ca_file.parent,
            needs_token=partial(needs_token, servers, region),
            refusal=partial(iam_database_authentication.refusal, host=host, port=port, region=region, account=account),
        ).serve()


def server_of(servers: Servers, region: str) -> Server:
    """The server that the region's endpoint leads to.

    Raises:
        ConnectionError: there is none now, or the region is lost.
    """
    server = None if servers.is_lost(region) else servers.at_endpoint(region)
    if server is None:
        raise ConnectionError(f"no DB instance has this name in {region}")
    return server


def address_of(servers: Servers, region: str) -> tuple[str, int]:
    """Host and port of the server that the region's endpoint leads to."""
    server = server_of(servers, region)
    return server.host, server.port


def needs_token(servers: Servers, region: str, user: str) -> bool:
    """Whether a role is a member of rds_iam, also indirectly, but not through rds_superuser, which may grant it."""
    with closing(server_of(servers, region).admin()) as admin:
        return bool(admin.run(MEMBERSHIP, user=user)[0][0])


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
