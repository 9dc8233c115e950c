"""Calls that are made for tasks: ECS's to start them, and those of one-off tasks and their state machines."""

from collections.abc import Iterable

from application import DATABASE_SECRET
from procedures.verify.arns import Arns
from procedures.verify.call import Call, of_function, on

# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
_LOG_DELIVERY = (
    *("logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies"),
    *("logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery"),
)


def reads_secret(arns: Arns, name: str) -> tuple[Call, ...]:
    """What reading a secret calls."""
    through = f"secretsmanager.{arns.environment.region}.amazonaws.com"
    return (
        Call("secretsmanager:GetSecretValue", arns.secret(name)),
        Call("kms:Decrypt", arns.key("secrets"), (("kms:ViaService", through),)),
    )


def of_execution(
    arns: Arns, *, log_group: str, repositories: Iterable[str] = (), secrets: Iterable[str]
) -> tuple[Call, ...]:
    """What ECS calls to start a task. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""
    pull = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    return (
        *(on("*", "ecr:GetAuthorizationToken") if repositories else ()),  # not for AWS's public registry
        *(call for name in sorted(repositories) for call in on(arns.repository(name), *pull)),
        *on(arns.stream(log_group), "logs:CreateLogStream", "logs:PutLogEvents"),
        *dict.fromkeys(call for name in sorted(secrets) for call in reads_secret(arns, name)),
    )


def of_migration(arns: Arns) -> dict[str, tuple[Call, ...]]:
    """The calls of migrations, by principal."""
    names, site = arns.environment.names, arns.environment.site
    groups = names.migration_log_groups
    return {
        "migration": (
            *of_function(arns, names.migration, groups["function"], is_in_vpc=True),
            *on(arns.state_machine(names.migration), "states:StartExecution"),
            *on(arns.stream(groups["tasks"]), "logs:GetLogEvents"),
            *on(arns.stack("service"), "cloudformation:DescribeStacks"),
            *reads_secret(arns, DATABASE_SECRET),
        ),
        "migration states": (
            *_runs(arns, names.migration),
            *on(arns.function(names.migration), "lambda:InvokeFunction"),
            *on(arns.function(names.check("database_role")), "lambda:InvokeFunction"),
            *on(arns.database, "rds:CreateDBSnapshot"),
            *on(arns.snapshot, "rds:CreateDBSnapshot", "rds:DescribeDBSnapshots"),
        ),
        "migration task": (),
        "migration execution": of_execution(
            arns,
            log_group=groups["tasks"],
            repositories={site.repository} if site else (),
            secrets={DATABASE_SECRET},
        ),
    }


def of_dumps(arns: Arns) -> dict[str, tuple[Call, ...]]:
    """The calls of dumps and their restores, by principal."""
    names, place = arns.environment.names, f"{arns.dump_bucket}/dumps/sample/database.dump"
    through = (("kms:ViaService", f"s3.{arns.environment.region}.amazonaws.com"),)
    decrypts = Call("kms:Decrypt", arns.key("data"), through)
    execution = of_execution(arns, log_group=names.dump_log_groups["tasks"], secrets={DATABASE_SECRET})
    found = {
        "dump execution": execution,
        "dump task": (
            # The whole object, or the end of an upload in parts; and the parts.
            Call("s3:PutObject", place, (("s3:if-none-match", "*"),)),
            Call("s3:PutObject", place, (("s3:ObjectCreationOperation", "false"),)),
            *on(place, "s3:AbortMultipartUpload"),
            decrypts,
            Call("kms:GenerateDataKey", arns.key("data"), through),
        ),
        "dump states": (
            *_runs(arns, names.dump),
            Call("s3:ListBucket", arns.dump_bucket, (("s3:prefix", "dumps/sample/"),)),
        ),
        "dump restore execution": execution,
        "dump restore task": (*on(place, "s3:GetObject"), decrypts),
        "dump restore states": (
            *_runs(arns, names.restore_dump),
            *on(arns.function(names.check("database_role")), "lambda:InvokeFunction"),
        ),
    }
    if arns.environment.dumps.is_weekly:
        found["dump schedule"] = (
            *on(arns.state_machine(names.dump), "states:StartExecution"),
            *on(arns.queue(names.event_dead_letter_queue), "sqs:SendMessage"),
        )
    return found


def _runs(arns: Arns, family: str) -> tuple[Call, ...]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#connect-ecs-iam"""
    to_tasks = (("iam:PassedToService", "ecs-tasks.amazonaws.com"),)
    rule = arns.of("events", "rule/StepFunctionsGetEventsForECSTaskRule")
    return (
        *on(arns.task_definition(family), "ecs:RunTask"),
        *on(arns.task, "ecs:StopTask", "ecs:DescribeTasks"),
        *(Call("iam:PassRole", role, to_tasks) for role in arns.chosen.task_roles.get(family, ())),
        *on(rule, "events:PutTargets", "events:PutRule", "events:DescribeRule"),
        *on("*", *_LOG_DELIVERY),
    )
