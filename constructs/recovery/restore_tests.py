"""Tests of restoring: each month AWS Backup restores the latest backup, and a function compares it with a record."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from constructs import Construct
from constructs.checks.check_permissions import may_log_in, may_publish
from constructs.checks.declaration import Deployed
from constructs.functions.ops_function import OpsFunction
from constructs.recovery.backup_plan import MONTHLY_DAYS
from constructs.recovery.restore_permissions import may_read_records, may_validate, may_write_records
from constructs.recovery.restore_testing_plan import RestoreTestingPlan
from ops_lambdas.shared.backup_records import PREFIX

_RETRIES, _EVENT_AGE = 2, Duration.hours(1)


def expire_records(bucket: s3.Bucket) -> None:
    """Delete records when the last backup that they can be compared with has expired."""
    bucket.add_lifecycle_rule(id="BackupRecords", prefix=PREFIX, expiration=Duration.days(MONTHLY_DAYS + 1))


class RestoreTests(Construct):
    """A restore testing plan of AWS Backup, the function that validates what it restores, and the hourly record.

    What is restored is in the isolated subnets, in a security group that only that function reaches (decision 27). Its
    emails say how a test ended; a run that fails for good is emailed by Lambda itself, so no alarm is needed.

    Attributes: recorder, validator: functions.
    """

    def __init__(self, scope: Construct, id: str, *, deployed: Deployed) -> None:
        super().__init__(scope, id)
        self._deployed, self._names = deployed, deployed.environment.names
        self._plan_arn = RestoreTestingPlan(self, "Plan", deployed=deployed).arn
        self.recorder = self._record_each_hour()
        self.validator = self._validate()

    def _record_each_hour(self) -> OpsFunction:
        deployed, holder = self._deployed, Construct(self, "Record")
        function = OpsFunction(
            holder,
            name=self._names.backup_record,
            description="Records what the database holds, every hour",
            handler="backup_record.function.handler",
            log_group=self._names.backup_record_log_group,
            timeout=Duration.minutes(3),
            settings={
                "ENVIRONMENT": deployed.environment.name,
                **deployed.login,
                "RECORD_BUCKET": deployed.configuration_bucket.bucket_name,
            },
            network=deployed.network,
        )
        for permission in (may_log_in, may_write_records):
            permission(function, deployed)
        self._email_failures(holder, function)
        self._every(holder, Duration.hours(1), function, self._names.backup_record)
        return function

    def _validate(self) -> OpsFunction:
        deployed, holder = self._deployed, Construct(self, "Validation")
        function = OpsFunction(
            holder,
            name=self._names.restore_test,
            description="Validates restored backups, and looks each day whether tests run and leave nothing",
            handler="restore_test.function.handler",
            log_group=self._names.restore_test_log_group,
            timeout=Duration.minutes(15),
            settings={
                "ENVIRONMENT": deployed.environment.name,
                "DATABASE_ARN": deployed.database.instance.instance_arn,
                "DATABASE_NAME": deployed.login["DATABASE_NAME"],
                "RECORD_BUCKET": deployed.configuration_bucket.bucket_name,
                "PLAN_ARN": self._plan_arn,
                "PLAN_NAME": self._names.restore_testing_plan,
                "SUBNET_GROUP": self._names.restore_test,
                "TOPIC_ARN": deployed.alarm_topic.topic.topic_arn,
            },
            network=deployed.network,
            security_group=deployed.network.restore_test_group,
        )
        for permission in (may_read_records, may_validate):
            permission(function, deployed)
        self._email_failures(holder, function)
        self._every(holder, Duration.days(1), function, self._names.restore_test)
        plans = Stack.of(self).format_arn(
            service="backup",
            resource="restore-testing-plan",
            resource_name=f"{self._names.restore_testing_plan}-",  # and what AWS Backup adds
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        events.Rule(
            holder,
            "Restored",
            rule_name=f"{self._names.restore_test}-restored",
            description="Validates a restore job of the restore testing plan when it has ended",
            event_pattern=events.EventPattern(
                source=["aws.backup"],
                detail_type=["Restore Job State Change"],
                detail={
                    "status": ["COMPLETED", "FAILED", "ABORTED"],
                    "restoreTestingPlanArn": events.Match.prefix(plans),
                },
            ),
            targets=[targets.LambdaFunction(function, retry_attempts=_RETRIES, max_event_age=_EVENT_AGE)],
        )
        return function

    def _email_failures(self, holder: Construct, function: OpsFunction) -> None:
        """Let Lambda do a run that failed twice more, and then email it, in its own words."""
        destination = lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
            on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(
                destination=self._deployed.alarm_topic.topic.topic_arn
            )
        )
        may_publish(function, self._deployed)
        config = lambda_.CfnEventInvokeConfig(
            holder,
            "Failures",
            function_name=function.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=_RETRIES,
            maximum_event_age_in_seconds=_EVENT_AGE.to_seconds(),
            destination_config=destination,
        )
        config.node.add_dependency(holder.node.find_child("Role"))  # and its policy, which Lambda looks at

    @staticmethod
    def _every(holder: Construct, every: Duration, function: lambda_.IFunction, name: str) -> None:
        target = targets.LambdaFunction(
            function,
            event=events.RuleTargetInput.from_object({}),  # no options
            retry_attempts=_RETRIES,
            max_event_age=_EVENT_AGE,
        )
        schedule = events.Schedule.rate(every)
        events.Rule(holder, "Schedule", rule_name=f"{name}-schedule", schedule=schedule, targets=[target])
