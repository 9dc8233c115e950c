"""Settings of housekeeping."""

from dataclasses import dataclass
from typing import Annotated

from ops_lambdas.shared.settings import (
    EnvironmentName,
    Kind,
    ResourceName,
    SecretArns,
    SecretArnsOrNone,
    TopicArn,
    matching,
)

_EMAIL = matching(r"[^@,\s]+@[^@,\s]+", "an email address")


def _emails(value: str) -> tuple[str, ...]:
    parts = tuple(_EMAIL.parse(part) for part in value.split(",")) if value else ()
    if len(set(parts)) < len(parts):
        raise ValueError
    return parts


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of housekeeping.

    Attributes:
        secret_arns: secrets that are rotated or replaced.
        empty_secret_arns: secrets that are made empty, for a person to fill; there may be none.
        topic_arn: the alarm topic.
        alarm_emails: addresses that should be subscribed to it; may be empty.
        alarm_prefix: what the names of this environment's alarms begin with, up to their severity.
        database_instance: identifier of the primary.
        recovery_region: where its backups are replicated to; may be empty.
    """

    environment: EnvironmentName
    secret_arns: SecretArns
    empty_secret_arns: SecretArnsOrNone
    topic_arn: TopicArn
    alarm_emails: Annotated[tuple[str, ...], Kind("different comma-separated email addresses, or empty", _emails)]
    database_instance: ResourceName
    alarm_prefix: ResourceName
    recovery_region: Annotated[str, matching(r"([a-z]{2}(-[a-z]+)+-\d)?", "a region, or empty")]
