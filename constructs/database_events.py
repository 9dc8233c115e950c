"""What RDS and AWS Backup tell of the database."""

from functools import partial

from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.event_notice import EventNotice, event_field
from constructs.links import Links

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
# Every event of these is about whether the instance answers.
URGENT = ["availability", "deletion", "failover"]
# Of the other categories' events, those that are, too: no storage left, recovery begun and ended, offline patches
# begun and ended, failed state, incompatible parameters or network, recovery of Multi-AZ begun and ended, key lost.
URGENT_IDS = [f"RDS-EVENT-{number:04}" for number in (7, 20, 21, 26, 27, 31, 35, 36, 52, 53, 419)]
# Left out are the daily backup, and what belongs to making an instance: creation and restoration.
NOTABLE = [
    *("configuration change", "failure", "low storage", "maintenance", "notification", "read replica", "recovery"),
    *("security", "security patching"),
]


class DatabaseEvents(Construct):
    """The database is or was not available, was changed, or its backup failed.

    Whatever happens to the replica is a change: the application reads and writes the primary.

    Args:
        links: pages of the console.
        dead_letters: keeps what could not be handed to the channel's topic.
    """

    def __init__(self, scope: Construct, id: str, *, channel: Channel, links: Links, dead_letters: sqs.IQueue) -> None:
        super().__init__(scope, id)
        prefix, steps = channel.prefix, channel.steps
        notice = partial(EventNotice, self, channel=channel, dead_letters=dead_letters)
        identifier = event_field("$.detail.SourceIdentifier")
        of_rds = partial(
            notice,
            link=links.database,
            source="aws.rds",
            detail_type=["RDS DB Instance Event"],
            what=f"{event_field('$.detail.Message')} ({event_field('$.detail.EventID')})",
            where=f"database {identifier}",
            when=event_field("$.detail.Date"),
            next_steps=(steps.database(identifier), steps.database_events(identifier), steps.check("pool_health")),
        )
        primary, replica = [f"{prefix}-database"], [f"{prefix}-database-replica"]
        of_rds(
            "NotAvailable",
            severity=Severity.P2,
            name="database-not-available",
            problem="the database is not available, was not, or soon will not be",
            detail={
                "SourceIdentifier": primary,
                "$or": [{"EventCategories": URGENT}, {"EventID": URGENT_IDS}],
            },
        )
        of_rds(
            "Changed",
            severity=Severity.P4,
            name="database-changed",
            problem="RDS changed the database or its replica, or is about to",
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
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html
        resource = event_field("$.detail.resourceArn")
        notice(
            "BackupFailed",
            severity=Severity.P4,
            name="backup-failed",
            problem="AWS Backup could not back the database up, or not copy the backup",
            source="aws.backup",
            detail_type=["Backup Job State Change", "Copy Job State Change"],
            detail={
                "state": ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"],
                "resourceArn": [{"wildcard": f"*:db:{prefix}-*"}],
            },
            what=f"{event_field('$.detail-type')}: {event_field('$.detail.state')}, "
            f"{event_field('$.detail.statusMessage')}",
            where=resource,
            link=links.backups,
            next_steps=(steps.backup_jobs(resource), steps.copy_jobs(resource), steps.back_up),
        )
