"""Settings of restore test, and the event of a restore job."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from ops_lambdas.shared.settings import (
    BucketName,
    DatabaseName,
    EnvironmentName,
    InvalidSettingError,
    ResourceName,
    TopicArn,
    matching,
)

_ARN = r"arn:aws[a-z-]*:{service}:[a-z0-9-]+:\d{{12}}:"
_EVENT = ("aws.backup", "Restore Job State Change")
_JOB = r"[A-Za-z0-9-]{1,64}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of restore test.

    Attributes:
        database_arn: of the primary, whose backups are restored.
        database_name: the database in it.
        record_bucket: where the records are.
        plan_arn, plan_name: of the restore testing plan.
        subnet_group: which restored instances are in.
        topic_arn: the alarm topic.
    """

    environment: EnvironmentName
    database_arn: Annotated[str, matching(_ARN.format(service="rds") + r"db:[\w-]+", "the ARN of a DB instance")]
    database_name: DatabaseName
    record_bucket: BucketName
    plan_arn: Annotated[
        str,
        matching(_ARN.format(service="backup") + r"restore-testing-plan:[\w-]+", "the ARN of a restore testing plan"),
    ]
    plan_name: ResourceName
    subnet_group: ResourceName
    topic_arn: TopicArn


def restore_job(event: object) -> str | None:
    """Return the id of the restore job that an event is about; None for another event, such as a schedule's.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-validation.html

    Raises:
        InvalidSettingError: the event is a restore job's, and names none.
    """
    if not isinstance(event, Mapping) or (event.get("source"), event.get("detail-type")) != _EVENT:
        return None
    detail = event.get("detail")
    job = detail.get("restoreJobId") if isinstance(detail, Mapping) else None
    try:
        return str(matching(_JOB, "").parse(job))
    except ValueError:
        raise InvalidSettingError("detail.restoreJobId", job, "the id of a restore job") from None
