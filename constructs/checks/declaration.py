"""What one scheduled check needs in AWS, declared in one place; and the list of all checks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler

from application import CORAL_PORT
from constructs import Construct
from constructs.alarms.alarm_topic import AlarmTopic
from constructs.alarms.notifications import AlarmContext
from constructs.database.instances import Database
from constructs.network.vpc import Network
from constructs.secrets.application_secrets import ApplicationSecrets
from environment import Environment
from names import CHECKS, DATABASE_ROLE


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What is deployed before the checks, for their settings and permissions.

    Attributes:
        site_url: without a path.
        configuration_bucket: also has the records that restored backups are compared with.
        data_key: encrypts that bucket and the database.
        kept_resources: logical ids in the -data stack of what an update may neither replace nor delete.
    """

    environment: Environment
    network: Network
    secrets: ApplicationSecrets
    database: Database
    site_url: str
    alarm_topic: AlarmTopic
    configuration_bucket: s3.IBucket
    data_key: kms.IKey
    kept_resources: tuple[str, ...]

    def after_deployment_of(self, layers: Iterable[str]) -> events.EventPattern:
        """The event that a stack of one of these layers was created, updated or rolled back to what it was.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/eventbridge-events.html
        """
        region, account, names = self.environment.region, self.environment.account, self.environment.names
        stacks = f"arn:aws:cloudformation:{region}:{account}:stack"
        return events.EventPattern(
            source=["aws.cloudformation"],
            detail_type=["CloudFormation Stack Status Change"],
            detail={
                "stack-id": [{"prefix": f"{stacks}/{names.stack(layer)}/"} for layer in layers],
                "status-details": {"status": ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]},
            },
        )

    @property
    def login(self) -> dict[str, str]:
        """Settings of a check that logs in to the database as the checks' role."""
        return self.database.login_settings(DATABASE_ROLE)

    @property
    def tasks(self) -> dict[str, str]:
        """Settings of a check that calls the Coral server of each task."""
        names = self.environment.names
        return {"ECS_CLUSTER": names.cluster, "ECS_SERVICE": names.service, "CORAL_PORT": str(CORAL_PORT)}

    @property
    def pools(self) -> dict[str, str]:
        """Settings of a check that works on the pools."""
        return {"POOLS": ",".join(self.environment.pools)}


@dataclass(frozen=True)
class Run:
    """When a check runs, and with what event."""

    schedule: scheduler.ScheduleExpression
    event: Mapping[str, str] = field(default_factory=dict)


Permission = Callable[[lambda_.Function, Deployed], None]


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one check needs in AWS.

    Attributes:
        name: its folder under ops_lambdas/, e.g. "pool_health".
        every: time between runs, at least a minute; also the period of the alarm that it is not running.
        timeout: of one run, below `every`.
        settings: environment variables of the function besides ENVIRONMENT; never a secret's value.
        permissions: what it may call, each from check_permissions.
        is_in_vpc: it reaches the database or the tasks.
        memory_mib: of the function; its CPU share grows with it.
        runs_after: layers whose stacks' deployments it runs after, besides its schedules. By default its own: its first
            run does not wait for its schedule, so that no alarm misses it on the first day.
        runs: schedules by name, each with its event; by default one schedule, `every`.
        metrics, metrics_a_pool: how many custom metrics it publishes while all is well, and more for each configured
            pool; for their price.
        alarms: adds the alarms on what it publishes, in the -monitoring stack.
    """

    name: str
    every: Duration
    timeout: Duration
    settings: Callable[[Deployed], Mapping[str, str]]
    permissions: tuple[Permission, ...]
    is_in_vpc: bool = False
    memory_mib: int = 256
    runs_after: tuple[str, ...] = ("operations",)
    runs: Mapping[str, Run] = field(default_factory=dict)
    metrics: int = 0
    metrics_a_pool: int = 0
    alarms: Callable[[Construct, AlarmContext], None] | None = None

    @property
    def id(self) -> str:
        """Its construct's id, e.g. "PoolHealth"."""
        return self.name.title().replace("_", "")


def all_checks() -> list[Check]:
    """`CHECK` of the module of each check in this folder.

    Raises:
        ModuleNotFoundError, AttributeError: a check of ops_lambdas/ has no module here, or no `CHECK` in it.
    """
    checks: list[Check] = [import_module(f"constructs.checks.{name}").CHECK for name in CHECKS]
    return checks
