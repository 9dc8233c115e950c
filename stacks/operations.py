"""The -operations stack."""

from functools import partial

import aws_cdk as cdk
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_scheduler as scheduler

from application import CORAL_PORT
from constructs import Construct
from constructs.account_checks import add_cost_report, add_housekeeping
from constructs.alarm_topic import AlarmTopic
from constructs.application_secrets import ApplicationSecrets
from constructs.application_service import ApplicationService
from constructs.channel import Channel
from constructs.check_permissions import may_find_tasks, may_log_in
from constructs.database import Database
from constructs.lambda_package import LambdaPackage, lambda_package
from constructs.network import Network
from constructs.scheduled_check import ScheduledCheck
from environment import Environment
from stacks.base import EnvironmentStack

DATABASE_ROLE = "pardon_ops"


class OperationsStack(EnvironmentStack):
    """Scheduled checks."""

    layer = "operations"

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        network: Network,
        secrets: ApplicationSecrets,
        database: Database,
        service: ApplicationService,
        site_url: str,
        alarm_topic: AlarmTopic,
        channel: Channel,
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
            channel=channel,
            log_retention_days=environment.log_retention_days,
            removal_policy=self.removal_policy,
        )
        check_in_vpc = partial(check, vpc=network.vpc, security_group=network.checks_group)
        common = {"ENVIRONMENT": environment.name}
        login = {**common, **database.login_settings(DATABASE_ROLE)}
        tasks = {
            "ECS_CLUSTER": service.cluster_name,
            "ECS_SERVICE": service.service_name,
            "CORAL_PORT": str(CORAL_PORT),
        }
        pools = {"POOLS": ",".join(environment.pools)}

        database_role = check_in_vpc(
            "DatabaseRole",
            check="database_role",
            every=Duration.hours(1),
            timeout=Duration.minutes(1),
            settings={**common, "DATABASE_SECRET_ARN": database.secret.secret_arn, "DATABASE_USER": DATABASE_ROLE},
        )
        database.secret.grant_read(database_role.function)
        role = cdk.CustomResource(
            self,
            "Role",
            resource_type="Custom::DatabaseRole",
            service_token=database_role.function.function_arn,
            service_timeout=Duration.minutes(10),
            properties={"Role": DATABASE_ROLE, "Code": LambdaPackage().build()[1]},  # runs again with new code
        )

        pool_health = check_in_vpc(
            "PoolHealth",
            check="pool_health",
            every=Duration.minutes(5),
            timeout=Duration.seconds(90),
            settings={
                **login,
                **pools,
                "SITE_URL": site_url,
                "CRON_SECRET_ARN": secrets.by_name["cron-secret"].secret_arn,
            },
        )
        secrets.by_name["cron-secret"].grant_read(pool_health.function)
        session_cleanup = check_in_vpc(
            "SessionCleanup",
            check="session_cleanup",
            every=Duration.minutes(15),
            timeout=Duration.minutes(5),
            settings={**login, **tasks},
        )
        thread_cleanup = check_in_vpc(
            "ThreadCleanup",
            check="thread_cleanup",
            every=Duration.minutes(30),
            timeout=Duration.minutes(10),
            memory_mib=512,  # forty calls at a time need a share of a processor
            settings={**login, **tasks, **pools, "GRACE_SECONDS": str(environment.thread_grace_seconds)},
        )
        for cleanup in (session_cleanup, thread_cleanup):
            may_find_tasks(cleanup.function, service.cluster_name)
        for reader in (pool_health, session_cleanup, thread_cleanup):
            may_log_in(reader.function, database, DATABASE_ROLE)
            reader.node.add_dependency(role)

        add_cost_report(
            check,
            common,
            alarm_topic=alarm_topic,
            cost_metric=environment.cost_metric,
            cost_bands=environment.cost_bands,
        )
        add_housekeeping(
            check,
            common,
            secrets=(*secrets.replaced, database.secret, database.password_secret),
            alarm_topic=alarm_topic,
            alarm_emails=environment.alarm_emails,
            instance=database.instance,
        )
