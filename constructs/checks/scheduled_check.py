"""A check that runs on its schedule, with alarms on failed and missing runs."""

from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as event_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.checks.check_alarms import CheckAlarms
from constructs.checks.declaration import Check, Deployed, Run
from constructs.common.acknowledge import acknowledge
from constructs.common.dead_letter_queue import DeadLetterQueue
from constructs.functions.lambda_package import RUNTIME
from constructs.functions.lambda_role import LambdaRole

RETRIES = 2
MIN_EVENT_AGE, MAX_EVENT_AGE = (
    Duration.minutes(5),
    Duration.hours(6),
)  # it retries after one and three minutes; Lambda's


class ScheduledCheck(Construct):
    """Run one operations check on its schedule.

    One run at a time. A failed run is retried twice, unless the next is due; after that its event stays in a
    dead-letter queue for 14 days.

    Attributes: check, function, dead_letter_queue, schedules, alarms.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        check: Check,
        deployed: Deployed,
        code: lambda_.Code,
        group: scheduler.IScheduleGroup,
        context: AlarmContext,
    ) -> None:
        super().__init__(scope, check.id)
        self.check = check
        names = deployed.environment.names
        age = max(check.every.to_seconds(), MIN_EVENT_AGE.to_seconds())
        self._max_event_age = Duration.seconds(min(age, MAX_EVENT_AGE.to_seconds()))
        log_group = logs.LogGroup.from_log_group_name(self, "Logs", names.check_log_group(check.name))
        self.dead_letter_queue = DeadLetterQueue(self, "DeadLetters", name=names.check_dead_letter_queue(check.name))
        self.function = self._function(deployed, code, log_group)
        metrics = check.metrics + check.metrics_a_pool * len(deployed.environment.pools)
        if metrics:  # prices/resources.py reads it
            cast(lambda_.CfnFunction, self.function.node.default_child).add_metadata("PublishedMetrics", metrics)
        for permission in check.permissions:
            permission(self.function, deployed)
        self.schedules = self._schedules(names.check(check.name), group)
        self._run_after(deployed.after_deployment_of(check.runs_after), names.check(check.name))
        self.alarms = CheckAlarms(
            self,
            "Alarms",
            context=context,
            check=check,
            function=self.function,
            dead_letter_queue=self.dead_letter_queue,
        )

    def _function(self, deployed: Deployed, code: lambda_.Code, log_group: logs.ILogGroup) -> lambda_.Function:
        check, network = self.check, deployed.network if self.check.is_in_vpc else None
        name = deployed.environment.names.check(check.name)
        return lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=f"Operations check {check.name}, every {check.every.to_human_string()}",
            runtime=lambda_.Runtime(f"python{'.'.join(map(str, RUNTIME))}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            code=code,
            handler=f"ops_lambdas.{check.name}.handler.handler",
            role=LambdaRole(self, "Role", function_name=name, log_group=log_group, is_in_vpc=check.is_in_vpc),
            memory_size=check.memory_mib,
            timeout=check.timeout,
            environment={
                "POWERTOOLS_SERVICE_NAME": check.name,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                "ENVIRONMENT": deployed.environment.name,
                **check.settings(deployed),
            },
            vpc=network.vpc if network else None,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS) if network else None,
            security_groups=[network.checks_group] if network else None,
            log_group=log_group,
            # The schedule only hands the event over; these are the retries of the run.
            retry_attempts=RETRIES,
            max_event_age=self._max_event_age,
            on_failure=destinations.SqsDestination(self.dead_letter_queue),
        )

    def _run_after(self, pattern: events.EventPattern, name: str) -> None:
        target = event_targets.LambdaFunction(
            self.function,
            event=events.RuleTargetInput.from_object({}),  # no options
            retry_attempts=RETRIES,
            max_event_age=self._max_event_age,
            dead_letter_queue=self.dead_letter_queue,
        )
        events.Rule(
            self,
            "Event",
            rule_name=f"{name}-event",
            description=f"Runs the check {self.check.name}",
            event_pattern=pattern,
            targets=[target],
        )

    def _schedules(self, name: str, group: scheduler.IScheduleGroup) -> list[scheduler.Schedule]:
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
        runs = self.check.runs or {"": Run(scheduler.ScheduleExpression.rate(self.check.every))}
        schedules = [
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
                    max_event_age=self._max_event_age,
                    dead_letter_queue=self.dead_letter_queue,
                    input=scheduler.ScheduleTargetInput.from_object(run.event),
                ),
            )
            for run_name, run in runs.items()
        ]
        for one in schedules:
            one.node.add_dependency(role)  # and its policy: a rate's first run is at once
        return schedules
