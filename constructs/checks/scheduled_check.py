"""A check that runs on its schedule, with alarms on failed and missing runs."""

from typing import cast

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as event_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.checks.check_alarms import CheckAlarms
from constructs.checks.declaration import Check, Deployed, Run
from constructs.common.acknowledge import acknowledge
from constructs.common.dead_letter_queue import DeadLetterQueue
from constructs.functions.ops_function import OpsFunction

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
        group: scheduler.IScheduleGroup,
        context: AlarmContext,
    ) -> None:
        super().__init__(scope, check.id)
        self.check = check
        names = deployed.environment.names
        age = max(check.every.to_seconds(), MIN_EVENT_AGE.to_seconds())
        self._max_event_age = Duration.seconds(min(age, MAX_EVENT_AGE.to_seconds()))
        self.dead_letter_queue = DeadLetterQueue(self, "DeadLetters", name=names.check_dead_letter_queue(check.name))
        self.function = self._function(deployed)
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

    def _function(self, deployed: Deployed) -> OpsFunction:
        check, names = self.check, deployed.environment.names
        return OpsFunction(
            self,
            name=names.check(check.name),
            description=f"Operations check {check.name}, every {check.every.to_human_string()}",
            handler=f"{check.name}.handler.handler",
            log_group=names.check_log_group(check.name),
            timeout=check.timeout,
            settings={"ENVIRONMENT": deployed.environment.name, **check.settings(deployed)},
            network=deployed.network if check.is_in_vpc else None,
            memory_mib=check.memory_mib,
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
        # By its name: the roles of a region in standby are made before the functions.
        arn = Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        function = lambda_.Function.from_function_attributes(self, "Named", function_arn=arn, same_environment=True)
        acknowledge(role, "Every version of this one function", f"IAM5[Resource::{arn}:*]")
        runs = self.check.runs or {"": Run(scheduler.ScheduleExpression.rate(self.check.every))}
        schedules = [
            scheduler.Schedule(
                self,
                f"Schedule{run_name.title()}",
                schedule_name=f"{name}-{run_name}" if run_name else name,
                schedule_group=group,
                schedule=run.schedule,
                target=targets.LambdaInvoke(
                    function,
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
            one.node.add_dependency(role, self.function)  # and the role's policy: a rate's first run is at once
        return schedules
