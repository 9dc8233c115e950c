"""Every call that a function, a task, a schedule or a state machine makes, with its resource and its conditions.

The one list of them: the tests hold each role's policies against it, and `make verify` asks IAM about each.
Resources are those of the Service Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from application import DATABASE_SECRET, SECRETS
from names import CHECKS, DATABASE_ROLE
from procedures.verify.arns import Arns


@dataclass(frozen=True)
class Call:
    """One action on one resource.

    Attributes:
        action: as in a policy, e.g. "ecs:DescribeTasks".
        resource: ARN, or "*" for an action that has none.
        context: condition keys that the request has, each with its value.
        is_allowed: what IAM must answer.
    """

    action: str
    resource: str = "*"
    context: tuple[tuple[str, str], ...] = ()
    is_allowed: bool = True


# What Lambda itself calls for a function in the VPC; the function's own code may not.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
NETWORK_INTERFACES = (
    *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
)
_IN_VPC = ("database_role", "pool_health", "session_cleanup", "thread_cleanup")
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
_LOG_DELIVERY = (
    *("logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies"),
    *("logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery"),
)


def calls(arns: Arns) -> dict[str, tuple[Call, ...]]:
    """The calls of each principal, by its name: a check, "migration" and others; see `principals`."""
    environment, names = arns.environment, arns.environment.names
    found = {check: (*_of_check(arns, check), *_OF_CHECKS[check](arns)) for check in CHECKS}
    for check in CHECKS:
        function, queue = arns.function(names.check(check)), arns.queue(names.check_dead_letter_queue(check))
        found[f"{check} schedule"] = (Call("lambda:InvokeFunction", function), Call("sqs:SendMessage", queue))
    found["rotation"] = _of_rotation(arns)
    found["flow logs"] = _on(
        arns.stream(names.flow_log_group), "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"
    )
    found["task"] = _of_task(arns)
    found["task execution"] = _of_execution(
        arns,
        log_group=names.service_log_group,
        repositories={one.repository for one in environment.containers},
        secrets={name for one in environment.containers for name in one.secrets.values()},
    )
    if environment.site:
        found["migration"] = _of_migration(arns)
        found["migration states"] = _of_states(arns)
        found["migration task"] = ()
        found["migration execution"] = _of_execution(
            arns,
            log_group=names.migration_log_groups["tasks"],
            repositories={environment.site.repository},
            secrets={DATABASE_SECRET},
        )
    return found


def _on(resource: str, *actions: str) -> tuple[Call, ...]:
    return tuple(Call(action, resource) for action in actions)


def _of_function(arns: Arns, name: str, log_group: str, *, is_in_vpc: bool) -> tuple[Call, ...]:
    interfaces = _on("*", *NETWORK_INTERFACES) if is_in_vpc else ()
    own = (("lambda:SourceFunctionArn", arns.function(name)),)
    denied = tuple(replace(one, context=own, is_allowed=False) for one in interfaces)
    return (*_on(arns.stream(log_group), "logs:CreateLogStream", "logs:PutLogEvents"), *interfaces, *denied)


def _of_check(arns: Arns, check: str) -> tuple[Call, ...]:
    """What Lambda calls for every check."""
    names = arns.environment.names
    queue = arns.queue(names.check_dead_letter_queue(check))
    function = _of_function(arns, names.check(check), names.check_log_group(check), is_in_vpc=check in _IN_VPC)
    # Lambda sends only; the CDK grants the other two with it.
    return (*function, *_on(queue, "sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"))


def _reads_secret(arns: Arns, name: str) -> tuple[Call, ...]:
    through = f"secretsmanager.{arns.environment.region}.amazonaws.com"
    return (
        Call("secretsmanager:GetSecretValue", arns.secret(name)),
        Call("kms:Decrypt", arns.key("secrets"), (("kms:ViaService", through),)),
    )


def _of_rotation(arns: Arns) -> tuple[Call, ...]:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html"""
    names, through = arns.environment.names, f"secretsmanager.{arns.environment.region}.amazonaws.com"
    actions = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
    rotated = (DATABASE_SECRET, "database-password", *(one.name for one in SECRETS if one.is_generated))
    return (
        *_of_function(arns, names.rotation, names.rotation_log_group, is_in_vpc=True),
        *(Call(f"secretsmanager:{action}", arns.secret(name)) for name in rotated for action in actions),
        *(
            Call(action, arns.key("secrets"), (("kms:ViaService", through),))
            for action in ("kms:Decrypt", "kms:GenerateDataKey")
        ),
    )


def _logs_in(arns: Arns) -> tuple[Call, ...]:
    return _on(arns.database_user(DATABASE_ROLE), "rds-db:connect")


def _finds_tasks(arns: Arns) -> tuple[Call, ...]:
    of_cluster = (("ecs:cluster", arns.cluster),)
    return (Call("ecs:ListTasks", "*", of_cluster), Call("ecs:DescribeTasks", arns.task, of_cluster))


def _publishes(arns: Arns) -> tuple[Call, ...]:
    return (*_on(arns.topic, "sns:Publish"), *_on(arns.key("logs"), "kms:Decrypt", "kms:GenerateDataKey"))


def _of_cleanup(arns: Arns) -> tuple[Call, ...]:
    return (*_finds_tasks(arns), *_logs_in(arns))


def _stacks(arns: Arns) -> Iterable[str]:
    return map(arns.stack, (one.removeprefix(f"{arns.environment.prefix}-") for one in arns.environment.names.stacks))


def _of_cost_report(arns: Arns) -> tuple[Call, ...]:
    return (
        *_on("*", "ce:GetCostAndUsage", "ce:GetCostForecast", "ce:ListCostAllocationTags", "cloudwatch:GetMetricData"),
        *_on("*", "ec2:DescribeAddresses", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"),
        *_on("*", "logs:DescribeLogGroups", "rds:DescribeDBSnapshots"),
        *_on(arns.of("ecr", f"repository/{arns.environment.prefix}/pardon-agent"), "ecr:DescribeImages"),
        *(call for stack in _stacks(arns) for call in _on(stack, "cloudformation:GetTemplate")),
        *_publishes(arns),
    )


def _of_housekeeping(arns: Arns) -> tuple[Call, ...]:
    described = (one.name for one in SECRETS if one.is_replaced or one.is_filled_by_person)
    return (
        *(
            call
            for name in (*described, DATABASE_SECRET, "database-password")
            for call in _on(arns.secret(name), "secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds")
        ),
        *_on("*", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),
        *_on(arns.topic, "sns:ListSubscriptionsByTopic"),
        *_on(arns.database, "rds:DescribeDBInstances", "rds:DescribeDBSnapshots"),
        *_on(arns.of("rds", f"snapshot:{arns.environment.names.database}-sample"), "rds:DeleteDBSnapshot"),
        *_publishes(arns),
    )


def _of_protection(arns: Arns) -> tuple[Call, ...]:
    describe = ("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancerAttributes")
    return (
        *(
            call
            for stack in _stacks(arns)
            for call in _on(stack, "cloudformation:DescribeStacks", "cloudformation:UpdateTerminationProtection")
        ),
        *_on(arns.stack("data"), "cloudformation:GetStackPolicy", "cloudformation:SetStackPolicy"),
        *_on(arns.database, "rds:DescribeDBInstances", "rds:ModifyDBInstance"),
        *_on(arns.load_balancer, "elasticloadbalancing:ModifyLoadBalancerAttributes"),
        *_on("*", *describe),
    )


def _of_containers(arns: Arns) -> tuple[Call, ...]:
    names = arns.environment.names
    alarm = arns.alarm(names.notification(names.alarm(3, "container-missing")))
    return (
        *_finds_tasks(arns),
        *_on(arns.service, "ecs:DescribeServices"),
        *_on(alarm, "cloudwatch:SetAlarmState"),
    )


def _of_secret_deployment(arns: Arns) -> tuple[Call, ...]:
    read = sorted({name for one in arns.environment.containers for name in one.secrets.values()})
    return (
        *_on(arns.service, "ecs:DescribeServices", "ecs:UpdateService"),
        *(call for name in read for call in _on(arns.secret(name), "secretsmanager:ListSecretVersionIds")),
        *_on("*", "secretsmanager:ListSecrets", "cloudwatch:DescribeAlarms"),
    )


_OF_CHECKS: Mapping[str, Callable[[Arns], Iterable[Call]]] = {
    "containers": _of_containers,
    "cost_report": _of_cost_report,
    "cron_routes": lambda arns: (
        *_reads_secret(arns, "cron-secret"),
        *_on(arns.service, "ecs:DescribeServices"),
        *_on(arns.weekly_reset, "ssm:GetParameter", "ssm:PutParameter"),
    ),
    "database_role": lambda arns: _reads_secret(arns, "database-password"),
    "housekeeping": _of_housekeeping,
    "pool_health": lambda arns: (*_reads_secret(arns, "cron-secret"), *_logs_in(arns)),
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
        *_on(arns.bucket, "s3:ListBucket"),
        *_on(f"{arns.bucket}/current/shared/sample.txt", "s3:GetObject"),
        *_on(arns.key("data"), "kms:Decrypt"),
    )


def _of_execution(
    arns: Arns, *, log_group: str, repositories: Iterable[str], secrets: Iterable[str]
) -> tuple[Call, ...]:
    """What ECS calls to start a task. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""
    pull = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    return (
        *_on("*", "ecr:GetAuthorizationToken"),
        *(call for name in sorted(repositories) for call in _on(arns.repository(name), *pull)),
        *_on(arns.stream(log_group), "logs:CreateLogStream", "logs:PutLogEvents"),
        *dict.fromkeys(call for name in sorted(secrets) for call in _reads_secret(arns, name)),
    )


def _of_migration(arns: Arns) -> tuple[Call, ...]:
    names = arns.environment.names
    groups = names.migration_log_groups
    return (
        *_of_function(arns, names.migration, groups["function"], is_in_vpc=True),
        *_on(arns.state_machine, "states:StartExecution"),
        *_on(arns.stream(groups["tasks"]), "logs:GetLogEvents"),
        *_on(arns.stack("service"), "cloudformation:DescribeStacks"),
        *_reads_secret(arns, DATABASE_SECRET),
    )


def _of_states(arns: Arns) -> tuple[Call, ...]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#connect-ecs-iam"""
    names = arns.environment.names
    to_tasks = (("iam:PassedToService", "ecs-tasks.amazonaws.com"),)
    rule = arns.of("events", "rule/StepFunctionsGetEventsForECSTaskRule")
    return (
        *_on(arns.migration, "ecs:RunTask"),
        *_on(arns.task, "ecs:StopTask", "ecs:DescribeTasks"),
        *(Call("iam:PassRole", role, to_tasks) for role in arns.chosen.migration_roles),
        *_on(rule, "events:PutTargets", "events:PutRule", "events:DescribeRule"),
        *_on(arns.function(names.migration), "lambda:InvokeFunction"),
        *_on(arns.function(names.check("database_role")), "lambda:InvokeFunction"),
        *_on(arns.database, "rds:CreateDBSnapshot"),
        *_on(arns.snapshot, "rds:CreateDBSnapshot", "rds:DescribeDBSnapshots"),
        *_on("*", *_LOG_DELIVERY),
    )
