"""Every call that a function, a task, a schedule or a state machine makes, with its resource and its conditions.

The one list of them: the tests hold each role's policies against it, and `make verify` asks IAM about each.
Resources are those of the Service Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from collections.abc import Callable, Iterable, Mapping

from application import DATABASE_SECRET, PASSWORD_SECRET, SECRETS
from names import CHECKS, DATABASE_ROLE
from procedures.verify.arns import Arns
from procedures.verify.call import Call, of_function, on
from procedures.verify.calls_for_data import (
    of_backup,
    of_bucket_replication,
    of_copied_secrets,
    of_recovery_region,
    of_rotation,
)
from procedures.verify.calls_for_restore_tests import of_backup_record, of_restore, of_restore_test
from procedures.verify.calls_for_tasks import of_dumps, of_execution, of_migration, reads_secret

_IN_VPC = ("database_role", "pool_health", "session_cleanup", "thread_cleanup")


def calls(arns: Arns) -> dict[str, tuple[Call, ...]]:
    """The calls of each principal, by its name: a check, "migration" and others; see `principals`."""
    environment, names = arns.environment, arns.environment.names
    found = {check: (*_of_check(arns, check), *_OF_CHECKS[check](arns)) for check in CHECKS}
    for check in CHECKS:
        function, queue = arns.function(names.check(check)), arns.queue(names.check_dead_letter_queue(check))
        found[f"{check} schedule"] = (Call("lambda:InvokeFunction", function), Call("sqs:SendMessage", queue))
    found["rotation"] = of_rotation(arns)
    if environment.copies_backups:
        found["recovery region"] = of_recovery_region(arns)
        found["bucket replication"] = of_bucket_replication(arns)
        found["backup record"] = of_backup_record(arns)
        found["restore"] = of_restore(arns)
        found["restore test"] = of_restore_test(arns)
    if environment.receives_copies:
        found["copied secrets"] = of_copied_secrets(arns)
    if environment.recovery != "none" and environment.region in (environment.home_region, environment.recovery_region):
        found["backup"] = of_backup(arns)
    found["flow logs"] = on(
        arns.stream(names.flow_log_group), "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"
    )
    found["task"] = _of_task(arns)
    found["task execution"] = of_execution(
        arns,
        log_group=names.service_log_group,
        repositories={one.repository for one in environment.containers},
        secrets={name for one in environment.containers for name in one.secrets.values()},
    )
    if environment.site:
        found |= of_migration(arns)
    found |= of_dumps(arns)
    return found


def _of_check(arns: Arns, check: str) -> tuple[Call, ...]:
    """What Lambda calls for every check."""
    names = arns.environment.names
    queue = arns.queue(names.check_dead_letter_queue(check))
    function = of_function(arns, names.check(check), names.check_log_group(check), is_in_vpc=check in _IN_VPC)
    # Lambda sends only; the CDK grants the other two with it.
    return (*function, *on(queue, "sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"))


def _logs_in(arns: Arns) -> tuple[Call, ...]:
    return on(arns.database_user(DATABASE_ROLE), "rds-db:connect")


def _finds_tasks(arns: Arns) -> tuple[Call, ...]:
    of_cluster = (("ecs:cluster", arns.cluster),)
    return (Call("ecs:ListTasks", "*", of_cluster), Call("ecs:DescribeTasks", arns.task, of_cluster))


def _publishes(arns: Arns) -> tuple[Call, ...]:
    return (*on(arns.topic, "sns:Publish"), *on(arns.key("logs"), "kms:Decrypt", "kms:GenerateDataKey"))


def _of_cleanup(arns: Arns) -> tuple[Call, ...]:
    return (*_finds_tasks(arns), *_logs_in(arns))


def _stacks(arns: Arns) -> Iterable[str]:
    return map(arns.stack, (one.removeprefix(f"{arns.environment.prefix}-") for one in arns.environment.names.stacks))


def _of_cost_report(arns: Arns) -> tuple[Call, ...]:
    return (
        *on("*", "ce:GetCostAndUsage", "ce:GetCostForecast", "ce:ListCostAllocationTags", "cloudwatch:GetMetricData"),
        *on("*", "ec2:DescribeAddresses", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"),
        *on("*", "logs:DescribeLogGroups", "rds:DescribeDBSnapshots"),
        *on(arns.of("ecr", f"repository/{arns.environment.prefix}/pardon-agent"), "ecr:DescribeImages"),
        *(call for stack in _stacks(arns) for call in on(stack, "cloudformation:GetTemplate")),
        *_publishes(arns),
    )


def _of_housekeeping(arns: Arns) -> tuple[Call, ...]:
    described = (one.name for one in SECRETS if one.is_replaced or one.is_filled_by_person)
    return (
        *(
            call
            for name in (*described, DATABASE_SECRET, PASSWORD_SECRET)
            for call in on(arns.secret(name), "secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds")
        ),
        *on("*", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),
        *on(arns.topic, "sns:ListSubscriptionsByTopic"),
        *on(arns.database, "rds:DescribeDBInstances", "rds:DescribeDBSnapshots"),
        *on(arns.of("rds", f"snapshot:{arns.environment.names.database}-sample"), "rds:DeleteDBSnapshot"),
        *(
            on(arns.copies("rds", f"db:{arns.environment.names.database}"), "rds:DescribeDBInstanceAutomatedBackups")
            if arns.environment.copies_backups
            else ()
        ),
        *_publishes(arns),
    )


def _of_protection(arns: Arns) -> tuple[Call, ...]:
    describe = ("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancerAttributes")
    return (
        *(
            call
            for stack in _stacks(arns)
            for call in on(stack, "cloudformation:DescribeStacks", "cloudformation:UpdateTerminationProtection")
        ),
        *on(arns.stack("data"), "cloudformation:GetStackPolicy", "cloudformation:SetStackPolicy"),
        *on(arns.database, "rds:DescribeDBInstances", "rds:ModifyDBInstance"),
        *on(arns.load_balancer, "elasticloadbalancing:ModifyLoadBalancerAttributes"),
        *on("*", *describe),
    )


def _of_containers(arns: Arns) -> tuple[Call, ...]:
    names = arns.environment.names
    alarm = arns.alarm(names.notification(names.alarm(3, "container-missing")))
    return (
        *_finds_tasks(arns),
        *on(arns.service, "ecs:DescribeServices"),
        *on(alarm, "cloudwatch:SetAlarmState"),
    )


def _of_secret_deployment(arns: Arns) -> tuple[Call, ...]:
    read = sorted({name for one in arns.environment.containers for name in one.secrets.values()})
    return (
        *on(arns.service, "ecs:DescribeServices", "ecs:UpdateService"),
        *(call for name in read for call in on(arns.secret(name), "secretsmanager:ListSecretVersionIds")),
        *on("*", "secretsmanager:ListSecrets", "cloudwatch:DescribeAlarms"),
    )


_OF_CHECKS: Mapping[str, Callable[[Arns], Iterable[Call]]] = {
    "containers": _of_containers,
    "cost_report": _of_cost_report,
    "cron_routes": lambda arns: (
        *reads_secret(arns, "cron-secret"),
        *on(arns.service, "ecs:DescribeServices"),
        *on(arns.weekly_reset, "ssm:GetParameter", "ssm:PutParameter"),
    ),
    "database_role": lambda arns: reads_secret(arns, PASSWORD_SECRET),
    "housekeeping": _of_housekeeping,
    "pool_health": lambda arns: (*reads_secret(arns, "cron-secret"), *_logs_in(arns)),
    "protection": _of_protection,
    "secret_deployment": _of_secret_deployment,
    "session_cleanup": _of_cleanup,
    "thread_cleanup": _of_cleanup,
}


def _of_task(arns: Arns) -> tuple[Call, ...]:
    """What the agents' start script calls."""
    if not any(one.reads_configuration for one in arns.environment.containers):
        return ()
    return (
        *on(arns.bucket, "s3:ListBucket"),
        *on(f"{arns.bucket}/current/shared/sample.txt", "s3:GetObject"),
        *on(arns.key("data"), "kms:Decrypt"),
    )
