"""Events of RDS and AWS Backup about the database."""

from functools import partial

from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.alarms.notifications import Notifications
from constructs.alarms.severity import Severity
from constructs.common.links import Links
from constructs.events.event_rule import EventRule, event_field

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


class DatabaseEvents(Construct):
    """The database is or was unavailable, was changed, or its backup failed.

    Any event of the replica is a change: the application reads and writes the primary.

    Args:
        links: pages of the console.
        dead_letter_queue: keeps what could not be delivered to the topic.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        notifications: Notifications,
        links: Links,
        dead_letter_queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        self._names, self._steps, self._links = notifications.names, notifications.steps, links
        self._rule = partial(EventRule, self, notifications=notifications, dead_letter_queue=dead_letter_queue)
        self._of_rds()
        self._of_backup()

    def _of_rds(self) -> None:
        names, steps = self._names, self._steps
        identifier = event_field("$.detail.SourceIdentifier")
        of_rds = partial(
            self._rule,
            link=self._links.database,
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
        steps, resource = self._steps, event_field("$.detail.resourceArn")
        self._rule(
            "BackupFailed",
            severity=Severity.P4,
            name="backup-failed",
            problem="AWS Backup failed to back up the database, or to copy the backup",
            source="aws.backup",
            detail_type=["Backup Job State Change", "Copy Job State Change"],
            detail={
                "state": ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"],
                "resourceArn": [{"wildcard": f"*:db:{self._names.prefix}-*"}],
            },
            what=f"{event_field('$.detail-type')}: {event_field('$.detail.state')}, "
            f"{event_field('$.detail.statusMessage')}",
            where=resource,
            link=self._links.backups,
            next_steps=(steps.backup_jobs(resource), steps.copy_jobs(resource), steps.back_up),
        )
