"""How long what a stack holds is kept."""

from dataclasses import dataclass

from aws_cdk import RemovalPolicy


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long logs are kept, and what becomes of data when its stack is deleted.

    Attributes:
        log_days: one of aws_limits.LOG_RETENTION_DAYS.
        removal_policy: of what holds data or has a fixed name.
    """

    log_days: int
    removal_policy: RemovalPolicy
