"""Retention of a stack's logs and data."""

from dataclasses import dataclass

from aws_cdk import RemovalPolicy


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long logs are kept, and what happens to data when its stack is deleted.

    Attributes:
        log_days: one of aws_limits.LOG_RETENTION_DAYS.
        removal_policy: of resources that hold data or have a fixed name.
    """

    log_days: int
    removal_policy: RemovalPolicy
