"""Whether each role may do what is done with it, and not what nobody does: IAM's own simulation of its policies.

It knows identity policies, boundaries and an organization's policies. What the policies of topic, keys and bucket
allow, it does not know.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial, update_wrapper

from application import PASSWORD_SECRET
from names import CHECKS, DATABASE_OWNER, Names
from procedures.findings import Finding, Probe, State
from procedures.verify.arns import Arns
from procedures.verify.call import Call
from procedures.verify.calls import calls
from procedures.verify.deployed import Deployed

_SHOWN = 5


def probes() -> tuple[Probe[Deployed], ...]:
    """A probe for each principal."""
    return tuple(_probe(principal, role_of) for principal, role_of in _ROLES.items())


def _probe(principal: str, role_of: Callable[[Deployed], str | None]) -> Probe[Deployed]:
    probe = update_wrapper(partial(_principal, principal=principal, role_of=role_of), _principal)
    probe.__name__ = principal
    return probe


def forbidden(arns: Arns) -> tuple[Call, ...]:
    """Calls that nobody makes, or only who has them in its list."""
    environment, dump = arns.environment, f"{arns.dump_bucket}/dumps/sample/database.dump"
    secrets = {name for one in environment.containers for name in one.secrets.values()} | {PASSWORD_SECRET}
    return tuple(
        Call(action, resource, is_allowed=False)
        for action, resources in {
            "secretsmanager:GetSecretValue": [arns.secret(name) for name in sorted(secrets)],
            "secretsmanager:PutSecretValue": [arns.secret("cron-secret")],
            "kms:ScheduleKeyDeletion": [arns.key(layer) for layer in ("secrets", "logs", "data")],
            "rds:DeleteDBInstance": [arns.database],
            "rds:ModifyDBInstance": [arns.database],
            "rds-db:connect": [arns.database_user(DATABASE_OWNER)],
            "s3:PutObject": [f"{arns.bucket}/current/shared/sample.txt", dump],
            "s3:GetObject": [dump],
            "s3:DeleteObjectVersion": [dump],
            "sns:Publish": [arns.topic],
            "cloudformation:DeleteStack": [arns.stack("data")],
            "ecs:ExecuteCommand": [arns.task],
            "iam:PassRole": [arns.of("iam", "role/other").replace(f":{environment.region}:", "::")],
            "sts:AssumeRole": [arns.of("iam", "role/other").replace(f":{environment.region}:", "::")],
        }.items()
        for resource in resources
    )


def asked(arns: Arns, principal: str) -> tuple[Call, ...]:
    """What is asked about a principal: its calls, the same with other conditions, and what it must not do."""
    own = calls(arns).get(principal, ())
    limited = tuple(
        replace(one, context=tuple((key, _other(key, value)) for key, value in one.context), is_allowed=False)
        for one in own
        if one.context and one.is_allowed
    )
    pairs = {(one.action, one.resource) for one in own}
    return (*own, *limited, *(one for one in forbidden(arns) if (one.action, one.resource) not in pairs))


def _other(key: str, value: str) -> str:
    """Another value of a condition key; a policy may allow all that a prefix begins."""
    return f"other-{value}" if key == "s3:prefix" else f"{value}-other"


def _principal(aws: Deployed, *, principal: str, role_of: Callable[[Deployed], str | None]) -> Iterator[Finding]:
    """The role may make every call of the list, and none of the forbidden ones."""
    role = role_of(aws)
    if role is None:
        return
    questions = asked(aws.arns, principal)
    of_operations = (*CHECKS, "rotation", "backup record", "restore", "dump")
    others = {"flow logs": "network", "recovery key": "data", "backup": "data"}
    layer = others.get(principal, "operations" if principal.startswith(of_operations) else "service")
    faults = list(_faults(aws, role, questions))
    allowed = sum(one.is_allowed for one in questions)
    yield Finding(
        area="permissions",
        subject=principal.replace("_", " "),
        state=State.FAILS if faults else State.HOLDS,
        found="\n".join(faults[:_SHOWN] + ([f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []))
        or f"{allowed} calls allowed, {len(questions) - allowed} denied",
        mend=aws.compare(layer) if faults else "",
    )


def _faults(aws: Deployed, role: str, questions: Iterable[Call]) -> Iterator[str]:
    grouped: dict[tuple[str, tuple[tuple[str, str], ...]], list[Call]] = defaultdict(list)
    for one in questions:
        grouped[one.action, one.context].append(one)
    for (action, context), group in grouped.items():
        answers = _simulated(aws, role, action, [one.resource for one in group], dict(context))
        for one in group:
            decision, missing = answers[one.resource]
            if (decision == "allowed") is not one.is_allowed:
                without = f", without {', '.join(missing)}" if missing else ""
                yield f"{decision}: {action} on {one.resource}{without}"


def _simulated(
    aws: Deployed, role: str, action: str, resources: list[str], context: Mapping[str, str]
) -> dict[str, tuple[str, list[str]]]:
    """Decision and missing context keys by resource. One action a call: IAM refuses some combinations of them."""
    pages = (
        aws.client("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(
            PolicySourceArn=role,
            ActionNames=[action],
            ResourceArns=resources,
            ContextEntries=[
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in context.items()
            ],
        )
    )
    found: dict[str, tuple[str, list[str]]] = {}
    for page in pages:
        for one in page["EvaluationResults"]:
            found["*"] = (one["EvalDecision"], one.get("MissingContextValues", []))
            found |= {
                each["EvalResourceName"]: (each["EvalResourceDecision"], each.get("MissingContextValues", []))
                for each in one.get("ResourceSpecificResults", ())
            }
    return found


def _of_function(name: str) -> Callable[[Deployed], str | None]:
    def role(aws: Deployed) -> str | None:
        others = {
            "migration": aws.names.migration,
            "rotation": aws.names.rotation,
            "recovery region": aws.names.recovery_region,
            "backup record": aws.names.backup_record,
            "restore test": aws.names.restore_test,
        }
        function = others.get(name) or aws.names.check(name)
        if function not in aws.physical_ids("AWS::Lambda::Function"):
            return None
        return str(aws.client("lambda").get_function_configuration(FunctionName=function)["Role"])

    return role


def _of_check_schedule(check: str) -> Callable[[Deployed], str | None]:
    def role(aws: Deployed) -> str | None:
        client, group = aws.client("scheduler"), aws.names.schedule_group
        found = client.list_schedules(GroupName=group, NamePrefix=aws.names.check(check))["Schedules"]
        name = found[0]["Name"]
        return str(client.get_schedule(GroupName=group, Name=name)["Target"]["RoleArn"])

    return role


def _of_dump_schedule(aws: Deployed) -> str | None:
    if aws.names.dump not in {id_.rpartition("|")[2] for id_ in aws.physical_ids("AWS::Scheduler::Schedule")}:
        return None
    return str(aws.client("scheduler").get_schedule(Name=aws.names.dump)["Target"]["RoleArn"])


def _of_task(kind: str, family: Callable[[Names], str]) -> Callable[[Deployed], str | None]:
    return lambda aws: aws.task_definition(family(aws.names)).get(kind)


def _of_states(name: Callable[[Names], str]) -> Callable[[Deployed], str | None]:
    def role(aws: Deployed) -> str | None:
        arn = aws.arns.state_machine(name(aws.names))
        if arn not in aws.physical_ids("AWS::StepFunctions::StateMachine"):
            return None
        return str(aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["roleArn"])

    return role


def _of_one_off(name: str, family: Callable[[Names], str]) -> dict[str, Callable[[Deployed], str | None]]:
    """The roles of one-off tasks of a family, and of the state machine of the same name."""
    return {
        f"{name} states": _of_states(family),
        f"{name} task": _of_task("taskRoleArn", family),
        f"{name} execution": _of_task("executionRoleArn", family),
    }


def _of_backup(aws: Deployed) -> str | None:
    ids = aws.physical_ids("AWS::Backup::BackupSelection")
    if not ids:
        return None
    selection, _, plan = ids[0].partition("_")
    found = aws.client("backup").get_backup_selection(BackupPlanId=plan, SelectionId=selection)
    return str(found["BackupSelection"]["IamRoleArn"])


def _of_restore(aws: Deployed) -> str | None:
    plan = aws.names.restore_testing_plan
    if not aws.physical_ids("AWS::Backup::RestoreTestingSelection"):
        return None
    found = aws.client("backup").get_restore_testing_selection(
        RestoreTestingPlanName=plan, RestoreTestingSelectionName=plan
    )
    return str(found["RestoreTestingSelection"]["IamRoleArn"])


def _of_flow_logs(aws: Deployed) -> str | None:
    ids = list(aws.physical_ids("AWS::EC2::FlowLog"))
    found = aws.client("ec2").describe_flow_logs(FlowLogIds=ids)["FlowLogs"]
    return str(found[0]["DeliverLogsPermissionArn"])


_ROLES: Mapping[str, Callable[[Deployed], str | None]] = {
    **{check: _of_function(check) for check in CHECKS},
    **{f"{check} schedule": _of_check_schedule(check) for check in CHECKS},
    "rotation": _of_function("rotation"),
    "recovery key": _of_function("recovery key"),
    "backup": _of_backup,
    "backup record": _of_function("backup record"),
    "restore": _of_restore,
    "restore test": _of_function("restore test"),
    "flow logs": _of_flow_logs,
    "task": _of_task("taskRoleArn", lambda names: names.task_family),
    "task execution": _of_task("executionRoleArn", lambda names: names.task_family),
    "migration": _of_function("migration"),
    **_of_one_off("migration", lambda names: names.migration),
    **_of_one_off("dump", lambda names: names.dump),
    **_of_one_off("dump restore", lambda names: names.restore_dump),
    "dump schedule": _of_dump_schedule,
}
