"""Every role may do exactly what is done with it."""

from collections.abc import Iterator
from typing import Any

from names import CHECKS
from procedures.verify.arns import Arns, Chosen
from procedures.verify.call import Call
from procedures.verify.calls import calls
from procedures.verify.permissions import forbidden
from tests.infra.conftest import Deployment

# The CDK's own function, which empties the default security group at a deployment.
NOT_OURS = "CustomVpcRestrictDefaultSG"
OTHERS = {
    "rotation": "RotationRole",
    "recovery region": "RecoveryRegionRole",
    "bucket replication": "ConfigurationCopiesRole",
    "copied secrets": "SecretsCopiesRole",
    "backup": "BackupPlanRole",
    "backup record": "RestoreTestsRecordRole",
    "restore": "RestoreTestsPlanRole",
    "restore test": "RestoreTestsValidationRole",
    "flow logs": "NetworkVpcRejected",
    "task": "TaskDefinitionTaskRole",
    "task execution": "TaskDefinitionExecutionRole",
    "migration": "MigrationRole",
    "migration states": "MigrationStateMachineRole",
    "migration task": "MigrationTaskTaskRole",
    "migration execution": "MigrationTaskExecutionRole",
    "dump states": "DumpsDumpStateMachineRole",
    "dump task": "DumpsDumpTaskTaskRole",
    "dump execution": "DumpsDumpTaskExecutionRole",
    "dump schedule": "DumpsScheduleRole",
    "dump restore states": "DumpsRestoreStateMachineRole",
    "dump restore task": "DumpsRestoreTaskTaskRole",
    "dump restore execution": "DumpsRestoreTaskExecutionRole",
}
PREFIXES = {
    **{check: f"{check.title().replace('_', '')}Role" for check in CHECKS},
    # The check database_role has a name like a role's.
    "database_role": "DatabaseRole",
    **{f"{check} schedule": f"{check.title().replace('_', '')}ScheduleRole" for check in CHECKS},
    **OTHERS,
}


def _roles(deployment: Deployment) -> dict[str, str]:
    """Logical ids of the roles, by principal."""
    ids = [path.partition("/")[2] for path, _ in deployment.resources("AWS::IAM::Role")]
    found = {}
    for principal, prefix in sorted(PREFIXES.items(), key=lambda item: -len(item[1])):
        for id_ in list(ids):
            if id_.startswith(prefix):
                found[principal] = id_
                ids.remove(id_)
    assert all(id_.startswith(NOT_OURS) for id_ in ids), f"procedures/verify/calls.py must have the calls of {ids}"
    return found


def _statements(deployment: Deployment, role: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in deployment.properties("AWS::IAM::Policy")
        if policy["Roles"] == [{"Ref": role}]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _made(deployment: Deployment) -> dict[str, tuple[Call, ...]]:
    roles = ("arn:aws:iam::640080112933:role/task", "arn:aws:iam::640080112933:role/execution")
    names = deployment.environment.names
    families = (names.migration, names.dump, names.restore_dump)
    return calls(Arns(deployment.environment, Chosen(task_roles=dict.fromkeys(families, roles))))


def _each(deployment: Deployment) -> Iterator[tuple[str, list[dict[str, Any]], list[Call]]]:
    """Principal, what its role allows, and what it calls."""
    roles, made = _roles(deployment), _made(deployment)
    assert roles.keys() == made.keys()
    for principal, role in roles.items():
        allowed = [one for one in _statements(deployment, role) if one["Effect"] == "Allow"]
        yield principal, allowed, [one for one in made[principal] if one.is_allowed]


def test_role_allows_the_actions_that_are_called_and_no_other(deployment: Deployment) -> None:
    for principal, allowed, made in _each(deployment):
        granted = {action for one in allowed for action in _listed(one["Action"])}
        assert granted == {one.action for one in made}, principal


def test_only_actions_without_resource_are_allowed_on_every_resource(deployment: Deployment) -> None:
    for principal, allowed, made in _each(deployment):
        unbound = {action for one in allowed if one["Resource"] == "*" for action in _listed(one["Action"])}
        assert unbound == {one.action for one in made if one.resource == "*"}, principal


def test_conditions_are_those_that_the_calls_meet(deployment: Deployment) -> None:
    for principal, allowed, made in _each(deployment):
        conditions = {
            (action, key)
            for one in allowed
            for action in _listed(one["Action"])
            for keys in one.get("Condition", {}).values()
            for key in keys
        }
        assert conditions == {(one.action, key) for one in made for key, _ in one.context}, principal


def test_own_code_of_a_function_may_not_touch_network_interfaces(deployment: Deployment) -> None:
    made, tried = _made(deployment), 0
    for principal, role in _roles(deployment).items():
        denied = {
            action
            for one in _statements(deployment, role)
            if one["Effect"] == "Deny"
            for action in _listed(one["Action"])
        }
        assert denied == {one.action for one in made[principal] if not one.is_allowed}, principal
        tried += bool(denied)
    assert tried == (8 if deployment.environment.copies_backups else 6)


# Principal: what is forbidden to all others.
EXCEPTIONS = {
    "backup record": {"sns:Publish"},
    "cost_report": {"sns:Publish"},
    "housekeeping": {"sns:Publish"},
    "protection": {"rds:ModifyDBInstance"},
    "restore test": {"sns:Publish"},
    "dump task": {"s3:PutObject"},
    "dump restore task": {"s3:GetObject"},
    "rotation": {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"},
    **dict.fromkeys(
        (
            *("cron_routes", "database_role", "pool_health", "task execution", "migration", "migration execution"),
            *("dump execution", "dump restore execution"),
        ),
        frozenset({"secretsmanager:GetSecretValue"}),
    ),
}


def test_what_is_forbidden_is_called_by_those_alone_who_must(production: Deployment) -> None:
    arns = Arns(production.environment, Chosen())
    denied = {(one.action, one.resource) for one in forbidden(arns)}
    called = {
        principal: {one.action for one in made if (one.action, one.resource) in denied}
        for principal, made in calls(arns).items()
    }
    assert {principal: actions for principal, actions in called.items() if actions} == EXCEPTIONS


def test_nobody_deletes_or_takes_another_role(production: Deployment) -> None:
    denied = {one.action for one in forbidden(Arns(production.environment, Chosen()))}
    assert {"rds:DeleteDBInstance", "cloudformation:DeleteStack", "iam:PassRole", "sts:AssumeRole"} <= denied
