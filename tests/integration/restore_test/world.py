"""A primary, a copy of it as AWS Backup restores one, and the services that the functions call."""

import itertools
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from rehearsal.postgresql.server import Postgres
from tests.integration.checks.servers import Exchange, answers
from tests.integration.conftest import Database

ACCOUNT = "us-east-1:000000000000"
TOPIC = f"arn:aws:sns:{ACCOUNT}:pardon-rehearsal-alarms"
PRIMARY = f"arn:aws:rds:{ACCOUNT}:db:pardon-rehearsal-database"
PLAN = f"arn:aws:backup:{ACCOUNT}:restore-testing-plan:pardon_rehearsal_restore_test-0a1b"
RESTORED = "awsbackup-restore-test-0a1b2c"
JOB = "7c3e1f0a-0001"
SUBNETS = "pardon-rehearsal-restore-test"
NAMESPACES = {"sns": "http://sns.amazonaws.com/doc/2010-03-31/", "rds": "http://rds.amazonaws.com/doc/2014-10-31/"}
EVENT = {
    "version": "0",
    "source": "aws.backup",
    "detail-type": "Restore Job State Change",
    "detail": {"restoreJobId": JOB, "status": "COMPLETED", "restoreTestingPlanArn": PLAN},
}
_numbers = itertools.count(1)


def seconds(moment: datetime) -> float:
    return moment.timestamp()


@dataclass
class Aws:
    """AWS Backup, RDS and SNS, with recorded answers. A new master password is really set.

    Attributes:
        job, jobs: what AWS Backup knows of restore jobs.
        instances: of RDS, by identifier: status, subnet group, created.
        results: what was told to AWS Backup; emails: subject and text.
        refuses: operations that are refused.
        ignored_passwords: so many new passwords are accepted by RDS, and overwritten by another run.
        is_raced: another run tells its result while this one logs in.
    """

    server: Postgres
    master: str
    job: dict[str, Any]
    jobs: list[dict[str, Any]] = field(default_factory=list)
    plan_created: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    status: str = "available"
    instances: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)
    results: list[dict[str, str]] = field(default_factory=list)
    emails: list[tuple[str, str]] = field(default_factory=list)
    passwords: list[tuple[str, str]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    ignored_passwords: int = 0
    is_raced: bool = False

    def __call__(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.method == "POST":
            self._query(exchange, {name: one[0] for name, one in parse_qs(request.body.decode()).items()})
            return None
        path = unquote(urlsplit(request.target).path)
        if path.endswith("/validations"):
            if "PutRestoreValidationResult" in self.refuses:
                return self._refuse(exchange)
            self.results.append(json.loads(request.body))
            self.job["ValidationStatus"] = self.results[-1]["ValidationStatus"]
            answers(204, b"")(exchange)
        elif path.startswith("/restore-testing/plans/"):
            plan = {"CreationTime": seconds(self.plan_created), "RestoreTestingPlanArn": PLAN}
            answers(200, {"RestoreTestingPlan": plan})(exchange)
        elif path == f"/restore-jobs/{JOB}":
            answers(200, self.job)(exchange)
        elif path.rstrip("/") == "/restore-jobs":
            answers(200, {"RestoreJobs": self.jobs})(exchange)
        else:
            raise AssertionError(request.target)
        return None

    def _query(self, exchange: Exchange, given: dict[str, str]) -> None:
        action = given["Action"]
        if action in self.refuses:
            return self._refuse(exchange)
        if action == "Publish":
            self.emails.append((given["Subject"], given["Message"]))
            return _xml(exchange, "sns", action, "<MessageId>1</MessageId>")
        if action == "ModifyDBInstance":
            self._set_password(given)
            return _xml(exchange, "rds", action, "")
        assert action == "DescribeDBInstances"
        identifier = given.get("DBInstanceIdentifier")
        if identifier is None:
            listed = "".join(_listed(name, *one) for name, one in self.instances.items())
        else:
            assert identifier == RESTORED
            listed = self._restored()
        return _xml(exchange, "rds", action, f"<DBInstances>{listed}</DBInstances>")

    def _set_password(self, given: dict[str, str]) -> None:
        identifier, password = given["DBInstanceIdentifier"], given["MasterUserPassword"]
        assert given["ApplyImmediately"] == "true"
        self.passwords.append((identifier, password))
        if self.is_raced:
            self.job["ValidationStatus"] = "SUCCESSFUL"
        if self.ignored_passwords:
            self.ignored_passwords -= 1
            password = "of-another-run"
        with closing(self.server.connect()) as admin:
            admin.run(f"ALTER ROLE {self.master} PASSWORD '{password}'")

    def _restored(self) -> str:
        endpoint = f"<Endpoint><Address>{self.server.host}</Address><Port>{self.server.port}</Port></Endpoint>"
        return (
            f"<DBInstance><DBInstanceIdentifier>{RESTORED}</DBInstanceIdentifier><DBInstanceStatus>{self.status}"
            f"</DBInstanceStatus><MasterUsername>{self.master}</MasterUsername>{endpoint}</DBInstance>"
        )

    @staticmethod
    def _refuse(exchange: Exchange) -> None:
        text = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
        answers(403, text.encode(), content_type="text/xml")(exchange)


def _listed(name: str, status: str, subnets: str, created: datetime) -> str:
    return (
        f"<DBInstance><DBInstanceIdentifier>{escape(name)}</DBInstanceIdentifier>"
        f"<DBInstanceStatus>{status}</DBInstanceStatus><InstanceCreateTime>{created:%Y-%m-%dT%H:%M:%SZ}"
        f"</InstanceCreateTime><DBSubnetGroup><DBSubnetGroupName>{subnets}</DBSubnetGroupName></DBSubnetGroup>"
        "</DBInstance>"
    )


def _xml(exchange: Exchange, service: str, action: str, inner: str) -> None:
    result = f"<{action}Result>{inner}</{action}Result>"
    body = f'<{action}Response xmlns="{NAMESPACES[service]}">{result}</{action}Response>'
    answers(200, body.encode(), content_type="text/xml")(exchange)


def restore_job(recovery_point: datetime, **others: Any) -> dict[str, Any]:
    """A job that restored a backup in 9.5 minutes; the names are AWS Backup's."""
    began = recovery_point + timedelta(hours=6)
    return {
        "RestoreJobId": JOB,
        "Status": "COMPLETED",
        "SourceResourceArn": PRIMARY,
        "RecoveryPointArn": f"arn:aws:rds:{ACCOUNT}:snapshot:awsbackup:job-1",
        "RecoveryPointCreationDate": seconds(recovery_point),
        "CreationDate": seconds(began),
        "CompletionDate": seconds(began + timedelta(minutes=9, seconds=30)),
        "CreatedResourceArn": f"arn:aws:rds:{ACCOUNT}:db:{RESTORED}",
        "PercentDone": "100.00%",
        "ValidationStatus": "VALIDATING",
        **others,
    }


@dataclass(frozen=True)
class World:
    """Attributes: aws; primary, restored: databases; bucket; ops: the checks' role."""

    aws: Aws
    primary: Database
    restored: Database
    bucket: str
    ops: str

    def run(self, sql: str, database: Database | None = None) -> None:
        """Run a statement as the owner of the tables, by default in the restored database."""
        with closing((database or self.restored).connect()) as owner:
            owner.run(sql)


@contextmanager
def restored_copy(primary: Database) -> Iterator[tuple[str, Database]]:
    """A master user, and a copy of the database as it is now, which is owned as it was."""
    number = next(_numbers)
    master, name = f"restored_master_{number}", f"{primary.name}_restored"
    with closing(primary.server.connect()) as admin:
        admin.run(f"CREATE ROLE {master} LOGIN PASSWORD 'of-the-day-of-the-backup'")
        admin.run(f"GRANT {primary.user} TO {master} WITH INHERIT TRUE, SET TRUE")
        admin.run(f"CREATE DATABASE {name} TEMPLATE {primary.name} OWNER {primary.user}")
        # It acts as another role when it logs in, as after a rotation; this one may read no table.
        admin.run(f"GRANT pg_monitor TO {master}")
        admin.run(f"ALTER ROLE {master} IN DATABASE {name} SET role = pg_monitor")
        try:
            yield master, replace(primary, name=name)
        finally:
            admin.run(f"DROP DATABASE {name} WITH (FORCE)")
            admin.run(f"DROP ROLE {master}")
