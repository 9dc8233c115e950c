"""Events of RDS, AWS Backup and the weekly dump about the database."""

from functools import partial

from constructs.alarms.severity import Severity
from constructs.events.event_rule import EventRules, event_field

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
# Every event of these categories is about the instance's availability.
URGENT = ["availability", "deletion", "failover"]
# Events of other categories that are, too: no storage left, recovery begun and ended, offline patches
# begun and ended, failed state, incompatible parameters or network, recovery of Multi-AZ begun and ended, key lost.
URGENT_IDS = [f"RDS-EVENT-{number:04}" for number in (7, 20, 21, 26, 27, 31, 35, 36, 52, 53, 419)]
# Left out: the daily backup, and the creation and restoration of an instance.
NOTABLE = [
    *("configuration change", "failure", "low storage", "maintenance", "notification", "read replica", "recovery"),
    *("security", "security patching"),
]


class DatabaseEvents(EventRules):
    """The database is or was unavailable, was changed, or its backup failed.

    Any event of the replica is a change: the application reads and writes the primary.
    """

    def add_rules(self) -> None:
        """Create the rules."""
        self._of_rds()
        self._of_backup()
        self._of_dumps()

    def _of_rds(self) -> None:
        names, steps = self.names, self.steps
        identifier = event_field("$.detail.SourceIdentifier")
        of_rds = partial(
            self.rule,
            link=self.links.database,
            source="aws.rds",
            detail_type=["RDS DB Instance Event"],
            what=f"{event_field('$.detail.Message')} ({event_field('$.detail.EventID')})",
            where=f"database {identifier}",
            when=event_field("$.detail.Date"),
            next_steps=(steps.database(identifier), steps.database_events(identifier), steps.check("pool_health")),
        )
        primary, replica = [names.database], [names.replica]
        of_rds(
            "NotAvailable",
            severity=Severity.P2,
            name="database-not-available",
            problem="the database is, was, or soon will be unavailable",
            detail={
                "SourceIdentifier": primary,
                "$or": [{"EventCategories": URGENT}, {"EventID": URGENT_IDS}],
            },
        )
        of_rds(
            "Changed",
            severity=Severity.P4,
            name="database-changed",
            problem="RDS has changed the database or its replica, or is about to",
            detail={
                "$or": [
                    {
                        "SourceIdentifier": primary,
                        "EventCategories": NOTABLE,
                        "EventID": [{"anything-but": URGENT_IDS}],
                    },
                    {"SourceIdentifier": replica, "EventCategories": [*URGENT, *NOTABLE]},
                ]
            },
        )

    def _of_backup(self) -> None:
        """https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html"""
        steps, resource = self.steps, event_field("$.detail.resourceArn")
        self.rule(
            "BackupFailed",
            severity=Severity.P4,
            name="backup-failed",
            problem="AWS Backup failed to back up the database, or to copy the backup",
            source="aws.backup",
            detail_type=["Backup Job State Change", "Copy Job State Change"],
            detail={
                "state": ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"],
                "resourceArn": [{"wildcard": f"*:db:{self.names.prefix}-*"}],
            },
            what=f"{event_field('$.detail-type')}: {event_field('$.detail.state')}, "
            f"{event_field('$.detail.statusMessage')}",
            where=resource,
            link=self.links.backups,
            next_steps=(steps.backup_jobs(resource), steps.copy_jobs(resource), steps.back_up),
        )

    def _of_dumps(self) -> None:
        """https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html"""
        steps, execution = self.steps, event_field("$.detail.executionArn")
        self.rule(
            "DumpFailed",
            severity=Severity.P4,
            name="dump-failed",
            problem="the database could not be dumped, or a dump not be restored",
            source="aws.states",
            detail_type=["Step Functions Execution Status Change"],
            detail={
                "status": ["ABORTED", "FAILED", "TIMED_OUT"],
                "stateMachineArn": [
                    {"suffix": f":stateMachine:{name}"} for name in (self.names.dump, self.names.restore_dump)
                ],
            },
            what=f"{event_field('$.detail.status')}: {event_field('$.detail.stateMachineArn')}",
            where=execution,
            link=self.links.execution(execution),
            next_steps=(steps.dump_log, steps.execution(execution), steps.dump),
        )
