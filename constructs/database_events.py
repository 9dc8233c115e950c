"""What RDS and AWS Backup tell of the database."""

from functools import partial

from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.event_notice import EventNotice, field
from constructs.links import Links

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html; left out are the daily backup,
# and what follows a deployment at once: creation and restoration.
URGENT = ["availability", "deletion", "failover", "failure", "low storage", "recovery"]
NOTABLE = ["configuration change", "maintenance", "notification", "read replica", "security", "security patching"]


class DatabaseEvents(Construct):
    """The database is or was not available, was changed, or its backup failed."""

    def __init__(self, scope: Construct, id: str, *, channel: Channel, links: Links, dead_letters: sqs.IQueue) -> None:
        super().__init__(scope, id)
        prefix, steps = channel.prefix, channel.steps
        notice = partial(EventNotice, self, channel=channel, link=links.database, dead_letters=dead_letters)
        identifier = field("$.detail.SourceIdentifier")
        of_rds = partial(
            notice,
            source="aws.rds",
            detail_type=["RDS DB Instance Event"],
            what=f"{field('$.detail.Message')} ({field('$.detail.EventID')})",
            where=f"database {identifier}",
            when=field("$.detail.Date"),
            next_steps=(steps.database(identifier), steps.database_events(identifier), steps.check("pool_health")),
        )
        instances = [f"{prefix}-database", f"{prefix}-database-replica"]
        of_rds(
            "NotAvailable",
            severity=Severity.P2,
            name="database-not-available",
            problem="the database is not available, was not, or soon will not be",
            detail={"EventCategories": URGENT, "SourceIdentifier": instances},
        )
        of_rds(
            "Changed",
            severity=Severity.P4,
            name="database-changed",
            problem="RDS changed the database, or is about to",
            detail={"EventCategories": NOTABLE, "SourceIdentifier": instances},
        )
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html
        resource = field("$.detail.resourceArn")
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
            what=f"{field('$.detail-type')}: {field('$.detail.state')}, {field('$.detail.statusMessage')}",
            where=resource,
            next_steps=(steps.backup_jobs(resource), steps.back_up),
        )
