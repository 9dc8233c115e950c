"""The -operations stack."""

from functools import partial

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns

from config import Environment
from constructs import Construct
from constructs.database import Database
from constructs.lambda_package import lambda_package
from constructs.network import Network
from constructs.scheduled_check import ScheduledCheck
from stacks.base import EnvironmentStack


class OperationsStack(EnvironmentStack):
    """Scheduled checks."""

    layer = "operations"

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        network: Network,
        database: Database,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, environment)
        group = scheduler.ScheduleGroup(
            self,
            "Checks",
            schedule_group_name=f"{environment.prefix}-checks",
            removal_policy=RemovalPolicy.DESTROY,
        )
        check = partial(
            ScheduledCheck,
            self,
            prefix=environment.prefix,
            code=lambda_package(),
            group=group,
            topic=topic,
            log_retention_days=environment.log_retention_days,
            removal_policy=self.removal_policy,
        )
        check_in_vpc = partial(check, vpc=network.vpc, security_group=network.checks_group)
        pool_health = check_in_vpc(
            "PoolHealth",
            check="pool_health",
            every=Duration.minutes(5),
            timeout=Duration.minutes(1),
            settings={
                "ENVIRONMENT": environment.name,
                "DATABASE_SECRET_ARN": database.secret.secret_arn,
                "POOLS": ",".join(environment.pools),
            },
        )
        database.secret.grant_read(pool_health.function)
