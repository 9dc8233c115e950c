"""Log groups, always with a name, a retention and a removal policy."""

from dataclasses import dataclass
from typing import cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

from constructs import Construct


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long logs are kept, and what happens to data when its stack is deleted.

    Attributes:
        log_days: one of aws_limits.LOG_RETENTION_DAYS.
        removal_policy: of resources that hold data or have a fixed name.
    """

    log_days: int
    removal_policy: RemovalPolicy


class LogGroup(logs.LogGroup):
    """A log group that keeps its events for `retention.log_days`."""

    def __init__(self, scope: Construct, id: str, *, name: str, retention: Retention) -> None:
        super().__init__(scope, id, log_group_name=name, removal_policy=retention.removal_policy)
        # The L2 takes an enum of the same numbers; the number itself is simpler.
        cast(logs.CfnLogGroup, self.node.default_child).retention_in_days = retention.log_days
