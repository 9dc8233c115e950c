"""Dumps of the database: by hand, each week, and back into an empty database."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions

from constructs import Construct
from constructs.common.one_off_task import database_role_state, function_arn, run_task, task_state_machine
from constructs.dump.dump_states import dump_states, restore_states
from constructs.dump.transfer_task import PREFIX, TransferParts, TransferTask
from constructs.network.vpc import Network
from constructs.secrets.encrypted_secret import ReadableSecret
from environment import Environment
from names import Names

# Sunday, when few play; after RDS's maintenance window and the snapshot of AWS Backup.
SCHEDULE = scheduler.ScheduleExpression.cron(minute="0", hour="9", week_day="SUN")
RETRIES, MAX_EVENT_AGE = 2, Duration.hours(6)
# Of Fargate, in GiB. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
_MIN_STORAGE, _MAX_STORAGE = 21, 200


class Dumps(Construct):
    """State machines that dump the database into the bucket, and restore a dump, by tasks of their own.

    A schedule starts a dump each week, where the environment has that. What it cannot start is in the dead-letter queue
    of the event rules, whose alarm notifies; an execution that fails is an event that they email.

    Args:
        bucket: encrypted with a key of its own; its objects begin with `dumps/`.
        database_secret: the login of the application, who owns the tables.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        network: Network,
        bucket: s3.IBucket,
        database_secret: ReadableSecret,
    ) -> None:
        super().__init__(scope, id)
        names = environment.names
        log_group = logs.LogGroup.from_log_group_name(self, "TaskLogs", names.dump_log_groups["tasks"])
        parts = TransferParts(
            architecture=environment.architecture,
            # A dump is compressed, and so smaller than what the database can grow to.
            storage_gib=min(max(environment.max_storage_gib, _MIN_STORAGE), _MAX_STORAGE),
            log_group=log_group,
            bucket=bucket,
            database_secret=database_secret,
        )
        cluster = Stack.of(self).format_arn(service="ecs", resource="cluster", resource_name=names.cluster)
        dump = self._dump(names, network, cluster, parts)
        self._restore(names, network, cluster, parts)
        if environment.dumps.is_weekly:
            self._each_week(dump, names)

    def _dump(self, names: Names, network: Network, cluster: str, parts: TransferParts) -> stepfunctions.StateMachine:
        scope = Construct(self, "Dump")
        task = TransferTask(scope, family=names.dump, direction="dump", parts=parts)
        state_machine, role = task_state_machine(
            scope,
            name=names.dump,
            names=names,
            states=dump_states(run_task=run_task(network, cluster, task), bucket=parts.bucket.bucket_name),
            definition=task,
            log_group=names.dump_log_groups["states"],
            statements={},
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[parts.bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{PREFIX}/*"}},
            )
        )
        return state_machine

    def _restore(self, names: Names, network: Network, cluster: str, parts: TransferParts) -> None:
        scope = Construct(self, "Restore")
        task = TransferTask(scope, family=names.restore_dump, direction="restore", parts=parts)
        task_state_machine(
            scope,
            name=names.restore_dump,
            names=names,
            states=restore_states(
                run_task=run_task(network, cluster, task),
                database_role=database_role_state(self, names, then="Restored"),
            ),
            definition=task,
            log_group=names.dump_log_groups["states"],
            statements={"lambda:InvokeFunction": [function_arn(self, names.check("database_role"))]},
        )

    def _each_week(self, dump: stepfunctions.StateMachine, names: Names) -> None:
        stack = Stack.of(self)
        queue = stack.format_arn(
            service="sqs", resource=names.event_dead_letter_queue, arn_format=ArnFormat.NO_RESOURCE_NAME
        )
        machine = stack.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=names.dump,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        role = iam.Role(
            self,
            "ScheduleRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
            ),
        )
        schedule = scheduler.Schedule(
            self,
            "Schedule",
            schedule_name=names.dump,
            description="Dumps the database each week",
            schedule=SCHEDULE,
            target=targets.StepFunctionsStartExecution(
                # By its name: the roles of a region in standby are made before it.
                stepfunctions.StateMachine.from_state_machine_arn(self, "Machine", machine),
                role=role,
                retry_attempts=RETRIES,
                max_event_age=MAX_EVENT_AGE,
                dead_letter_queue=sqs.Queue.from_queue_arn(self, "DeadLetters", queue),
                input=scheduler.ScheduleTargetInput.from_object({}),
            ),
        )
        schedule.node.add_dependency(role, dump)
