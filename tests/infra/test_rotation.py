"""Which secrets rotate, when, and whose values the tasks are compared with."""

import re

import application
from ops_lambdas.housekeeping.core import MAX_SECRET_DAYS
from tests.infra.conftest import Deployment
from tests.infra.secrets_of import joined, secret_of


def test_each_rotated_secret_has_a_schedule_that_leaves_time_to_try_again(deployment: Deployment) -> None:
    schedules = {
        secret_of(deployment, one["SecretId"]): one
        for one in deployment.properties("AWS::SecretsManager::RotationSchedule")
    }
    assert schedules.keys() == set(application.ROTATED_SECRETS)
    assert schedules.keys() == {"database-url", "database-password", "cron-secret", "agent-api-key"}
    for one in schedules.values():
        (days,) = re.findall(r"^rate\((\d+) days\)$", one["RotationRules"]["ScheduleExpression"])
        assert MAX_SECRET_DAYS - 7 <= int(days) < MAX_SECRET_DAYS - 1
    # The master's password can only rotate when no task logs in as the master.
    at_once = {name for name, one in schedules.items() if one["RotateImmediatelyOnUpdate"]}
    assert at_once == {"database-url"}


def test_secrets_manager_of_this_account_alone_may_rotate_before_it_is_asked_to(deployment: Deployment) -> None:
    (function,) = (
        id_.rpartition("/")[2]
        for id_, one in deployment.resources("AWS::Lambda::Function")
        if one["Properties"].get("FunctionName") == deployment.environment.names.rotation
    )
    arn = {"Fn::GetAtt": [function, "Arn"]}
    ((permission, grant),) = (
        (id_.rpartition("/")[2], one["Properties"])
        for id_, one in deployment.resources("AWS::Lambda::Permission")
        if one["Properties"]["FunctionName"] == arn
    )
    assert (grant["Principal"], grant["SourceAccount"]) == (
        "secretsmanager.amazonaws.com",
        deployment.environment.account,
    )
    for _, schedule in deployment.resources("AWS::SecretsManager::RotationSchedule"):
        assert schedule["Properties"]["RotationLambdaARN"] == arn
        assert {permission, function} <= set(schedule["DependsOn"])


def test_tasks_are_compared_with_every_secret_that_they_read(deployment: Deployment) -> None:
    read = {
        secret_of(deployment, one["ValueFrom"]["Fn::Join"][1][0])
        for task in deployment.properties("AWS::ECS::TaskDefinition")
        for container in task["ContainerDefinitions"]
        for one in container.get("Secrets", [])
    }
    (check,) = (
        one
        for one in deployment.check_functions
        if one["FunctionName"] == deployment.environment.names.check("secret_deployment")
    )
    compared = [secret_of(deployment, arn) for arn in joined(check["Environment"]["Variables"]["SECRET_ARNS"])]
    assert set(compared) == read
    assert len(compared) == len(read) > len(application.ROTATED_SECRETS)
