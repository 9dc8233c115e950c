"""A check that runs by itself, and speaks up when it fails or falls silent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets

from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.channel import Channel
from constructs.check_alarms import CheckAlarms
from constructs.dead_letters import DeadLetters
from constructs.lambda_package import RUNTIME
from constructs.lambda_role import LambdaRole
from constructs.log_group import LogGroup

RETRIES = 2
MAX_EVENT_AGE = Duration.hours(6)  # Lambda's


@dataclass(frozen=True)
class Run:
    """When a check runs, and with which event."""

    schedule: scheduler.ScheduleExpression
    event: Mapping[str, str] = field(default_factory=dict)


class ScheduledCheck(Construct):
    """Run one operations check on a schedule; alarm when it fails and when it falls silent.

    One run at a time. A run that fails is tried twice more, as long as the next is not due; what could not be
    run is kept in a dead-letter queue for 14 days.

    Args:
        check: folder under ops_lambdas/, e.g. "pool_health".
        every: time between runs, at least a minute; also the period of the silence alarm.
        timeout: of one run, below `every`.
        settings: environment variables of the function; never a secret's value.
        vpc, security_group: where it runs, when it needs the database, the tasks or the site.
        memory_mib: of the function; its share of a processor grows with it.
        runs: schedules by name, each with its event, when it is not simply `every`.
        channel: how its alarms speak.
    Attributes: function, schedules, dead_letters, alarms.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        check: str,
        prefix: str,
        code: lambda_.Code,
        group: scheduler.IScheduleGroup,
        every: Duration,
        timeout: Duration,
        settings: Mapping[str, str],
        channel: Channel,
        log_retention_days: int,
        removal_policy: RemovalPolicy,
        vpc: ec2.IVpc | None = None,
        security_group: ec2.ISecurityGroup | None = None,
        memory_mib: int = 256,
        runs: Mapping[str, Run] | None = None,
    ) -> None:
        super().__init__(scope, id)
        name = f"{prefix}-{check.replace('_', '-')}"
        log_group = LogGroup(
            self,
            "Logs",
            name=f"/aws/lambda/{name}",
            retention_days=log_retention_days,
            removal_policy=removal_policy,
        )
        self.dead_letters = DeadLetters(self, "DeadLetters", owner=name)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=f"Operations check {check}, every {every.to_human_string()}",
            runtime=lambda_.Runtime(f"python{'.'.join(map(str, RUNTIME))}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            code=code,
            handler=f"ops_lambdas.{check}.handler.handler",
            role=LambdaRole(self, "Role", function_name=name, log_group=log_group, is_in_vpc=vpc is not None),
            memory_size=memory_mib,
            timeout=timeout,
            reserved_concurrent_executions=1,
            environment={
                "POWERTOOLS_SERVICE_NAME": check,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **settings,
            },
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS) if vpc else None,
            security_groups=[security_group] if security_group else None,
            log_group=log_group,
            # The schedule hands its event over and is done; these are the retries of the run itself.
            retry_attempts=RETRIES,
            max_event_age=Duration.seconds(min(every.to_seconds(), MAX_EVENT_AGE.to_seconds())),
            on_failure=destinations.SqsDestination(self.dead_letters),
        )
        role = iam.Role(
            self,
            "ScheduleRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        function_id = Stack.of(self).get_logical_id(cast(lambda_.CfnFunction, self.function.node.default_child))
        acknowledge(role, "Every version of this one function", f"IAM5[Resource::<{function_id}.Arn>:*]")
        self.schedules = [
            scheduler.Schedule(
                self,
                f"Schedule{run_name.title()}",
                schedule_name=f"{name}-{run_name}" if run_name else name,
                schedule_group=group,
                schedule=run.schedule,
                target=targets.LambdaInvoke(
                    self.function,
                    role=role,
                    retry_attempts=RETRIES,
                    max_event_age=every,
                    dead_letter_queue=self.dead_letters,
                    input=scheduler.ScheduleTargetInput.from_object(run.event),
                ),
            )
            for run_name, run in (runs or {"": Run(scheduler.ScheduleExpression.rate(every))}).items()
        ]
        self.alarms = CheckAlarms(
            self,
            "Alarms",
            channel=channel,
            check=check,
            function=self.function,
            dead_letters=self.dead_letters,
            every=every,
            retries=RETRIES,
        )
