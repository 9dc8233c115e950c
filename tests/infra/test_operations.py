"""The database's settings, the alarm topic's policies, and the frame of the scheduled checks."""

import json
import re
from dataclasses import fields
from importlib import import_module
from typing import Any

import pytest

from application import AGENTS, AGENTS_WITHOUT_WALLET
from names import CHECKS
from procedures.verify.arns import Arns, Chosen
from procedures.verify.call import NETWORK_INTERFACES
from procedures.verify.calls import calls
from tests.expectations import expectation
from tests.infra.conftest import ROOT, Deployment
from tests.infra.secrets_of import joined, secret_of

# Types that do something by themselves as soon as they exist.
ACTING = {
    *("AWS::Lambda::Function", "AWS::Scheduler::Schedule", "AWS::Events::Rule", "AWS::ECS::Service"),
    *("AWS::EC2::FlowLog", "AWS::StepFunctions::StateMachine"),
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_database_is_watched_and_grows(deployment: Deployment) -> None:
    chosen = deployment.environment
    source = next(i for i in deployment.properties("AWS::RDS::DBInstance") if "SourceDBInstanceIdentifier" not in i)
    assert source["EngineVersion"] == "18"
    assert source["StorageType"] == "gp3"
    assert source["AllocatedStorage"]["Fn::If"][1:] == [{"Ref": "AWS::NoValue"}, str(chosen.storage_gib)]  # restored
    assert source["MaxAllocatedStorage"] == chosen.max_storage_gib
    assert source["MultiAZ"] is chosen.is_multi_az
    assert source["DBInstanceClass"] == chosen.database_class
    assert source["EnableIAMDatabaseAuthentication"] is True
    assert source["EnablePerformanceInsights"] is True
    (parameters,) = (group["Parameters"] for group in deployment.properties("AWS::RDS::DBParameterGroup"))
    assert parameters["shared_preload_libraries"] == "pg_stat_statements"
    assert int(parameters["log_min_duration_statement"]) > 0


def test_database_logs_go_to_groups_created_before_it(deployment: Deployment) -> None:
    groups = {
        g["LogGroupName"]: key for key, r in deployment.resources("AWS::Logs::LogGroup") for g in [r["Properties"]]
    }
    for _, instance in deployment.resources("AWS::RDS::DBInstance"):
        identifier = instance["Properties"]["DBInstanceIdentifier"]
        for export in instance["Properties"]["EnableCloudwatchLogsExports"]:
            group = groups[f"/aws/rds/instance/{identifier}/{export}"]
            assert group.removeprefix("data/") in instance["DependsOn"]


def test_database_is_snapshot_when_deleted_or_replaced(deployment: Deployment) -> None:
    for _, instance in deployment.resources("AWS::RDS::DBInstance"):
        if "SourceDBInstanceIdentifier" not in instance["Properties"]:
            assert (instance["DeletionPolicy"], instance["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")


def test_services_that_alarm_may_use_topic_and_key(deployment: Deployment) -> None:
    publishers = {f"{name}.amazonaws.com" for name in ("cloudwatch", "events", "budgets", "costalerts", "backup")}
    (topic,) = deployment.properties("AWS::SNS::TopicPolicy")
    stack = deployment.templates["logs"]["Resources"]
    (key,) = (r["Properties"]["KeyPolicy"] for r in stack.values() if r["Type"] == "AWS::KMS::Key")
    for document, actions in ((topic["PolicyDocument"], "sns:Publish"), (key, ["kms:Decrypt", "kms:GenerateDataKey*"])):
        allowed = {
            service: s
            for s in document["Statement"]
            if s["Effect"] == "Allow" and "Service" in s["Principal"]
            for service in _list(s["Principal"]["Service"])
        }
        assert set(allowed) == publishers
        assert all(s["Action"] == actions for s in allowed.values())
        account = {"aws:SourceAccount": deployment.environment.account}
        assert allowed["costalerts.amazonaws.com"]["Condition"] == {"StringEquals": account}
        assert allowed["budgets.amazonaws.com"]["Condition"]["StringEquals"] == account
        conditions = allowed["cloudwatch.amazonaws.com"]["Condition"]
        assert conditions["StringEquals"] == {"aws:SourceAccount": deployment.environment.account}
        assert conditions["ArnLike"]["aws:SourceArn"].endswith(f":{deployment.environment.account}:alarm:*")
        # EventBridge and Backup do not name the resource that they publish for; a condition would drop their messages.
        assert "Condition" not in allowed["events.amazonaws.com"]


def test_check_runs_with_bounded_retries_and_without_reserved_concurrency(deployment: Deployment) -> None:
    functions = deployment.check_functions
    schedules = deployment.properties("AWS::Scheduler::Schedule")
    assert len(schedules) >= len(functions)
    for function in functions:
        # A new account has ten executions, and all ten must stay unreserved. Locks keep runs apart.
        assert "ReservedConcurrentExecutions" not in function
        assert (function["Runtime"], function["Architectures"]) == ("python3.14", ["arm64"])
    for schedule in schedules:
        target = schedule["Target"]
        assert target["RetryPolicy"]["MaximumRetryAttempts"] <= 2
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 86400
        assert re.search(r"DeadLetters|-dead-letters", json.dumps(target["DeadLetterConfig"]))
    for invocation in deployment.properties("AWS::Lambda::EventInvokeConfig"):
        assert invocation["MaximumRetryAttempts"] <= 2
        kept = json.dumps(invocation["DestinationConfig"]["OnFailure"])
        assert "DeadLetters" in kept or "AlarmTopic" in kept


def test_every_check_runs_after_the_deployment_that_creates_it(deployment: Deployment) -> None:
    environment, names = deployment.environment, deployment.environment.names
    rules = {one["Name"]: one for one in deployment.properties("AWS::Events::Rule")}
    arn = f"arn:aws:cloudformation:{environment.region}:{environment.account}:stack/{names.stack('operations')}/"
    for check in CHECKS:
        rule = rules[f"{names.check(check)}-event"]
        assert {"prefix": arn} in rule["EventPattern"]["detail"]["stack-id"]
        statuses = rule["EventPattern"]["detail"]["status-details"]["status"]
        assert {"CREATE_COMPLETE", "UPDATE_COMPLETE"} <= set(statuses)
        (target,) = rule["Targets"]
        assert target["Input"] == "{}"  # no options
        assert "DeadLetters" in json.dumps(target["DeadLetterConfig"])


def test_not_running_waits_for_the_first_run_before_it_notifies(deployment: Deployment) -> None:
    composites = {one["AlarmName"]: one for one in deployment.properties("AWS::CloudWatch::CompositeAlarm")}
    name = deployment.environment.names.alarm(4, "check-not-running")
    assert composites[deployment.environment.names.notification(name)]["ActionsSuppressorWaitPeriod"] == 900


def test_what_acts_waits_for_the_policies_of_its_role(deployment: Deployment) -> None:
    """Else its first action is denied: a rate begins at once, a task pulls its images at once."""
    tried = 0
    for layer, template in deployment.templates.items():
        resources = template["Resources"]
        policies: dict[str, set[str]] = {}
        for id_, one in resources.items():
            for role in one["Properties"]["Roles"] if one["Type"] == "AWS::IAM::Policy" else ():
                policies.setdefault(role["Ref"], set()).add(id_)
        for id_, one in resources.items():
            if one["Type"] in ACTING:
                roles = _roles(one["Properties"], resources)
                needed = set().union(*(policies.get(role, set()) for role in roles))
                missing = needed - set(_list(one.get("DependsOn", [])))
                assert not missing, f"{layer}/{id_} must depend on {missing}"
                tried += bool(needed)
    assert tried > len(CHECKS)


def _roles(properties: dict[str, Any], resources: dict[str, Any]) -> set[str]:
    """Logical ids of the roles that these properties, or the task definition in them, name."""
    text = json.dumps(properties)
    definition = properties.get("TaskDefinition", {}).get("Ref")
    if definition:
        text += json.dumps(resources[definition]["Properties"])
    return {id_ for id_, one in resources.items() if one["Type"] == "AWS::IAM::Role" and f'"{id_}"' in text}


def test_every_check_has_its_schedules(production: Deployment) -> None:
    every = production.properties("AWS::Scheduler::Schedule")
    schedules = {s["Name"]: s for s in every if s.get("GroupName") not in (None, "default")}

    expected = {name: one for check in CHECKS for name, one in expectation(check, "SCHEDULES").items()}
    assert {
        name.removeprefix("pardon-production-"): s["ScheduleExpression"] for name, s in schedules.items()
    } == expected
    assert json.loads(schedules["pardon-production-cost-report-weekly"]["Target"]["Input"]) == {"form": "long"}


@pytest.mark.parametrize("check", CHECKS)
def test_check_is_in_the_vpc_when_it_may_have_network_interfaces(production: Deployment, check: str) -> None:
    assert ("VpcConfig" in _function(production, check)) is (_actions(production, check) >= set(NETWORK_INTERFACES))


def _actions(deployment: Deployment, check: str) -> set[str]:
    return {one.action for one in calls(Arns(deployment.environment, Chosen()))[check]}


def _function(deployment: Deployment, check: str) -> dict[str, Any]:
    name = f"{deployment.environment.prefix}-{check.replace('_', '-')}"
    functions = {f.get("FunctionName"): f for f in deployment.properties("AWS::Lambda::Function")}
    assert name in functions, f"constructs/checks/{check}.py must declare a check of the name {check}"
    return functions[name]


def _allowed(deployment: Deployment, check: str) -> list[dict[str, Any]]:
    """Statements of the policy of a check's role."""
    role = _function(deployment, check)["Role"]["Fn::GetAtt"][0]
    policies = deployment.properties("AWS::IAM::Policy")
    (policy,) = (p["PolicyDocument"] for p in policies if p["Roles"] == [{"Ref": role}])
    return [s for s in policy["Statement"] if s["Effect"] == "Allow"]


def _names(deployment: Deployment, value: Any) -> Any:
    """A value of a template with what it imports from other stacks as the logical ids of theirs."""
    if isinstance(value, list):
        return [_names(deployment, one) for one in value]
    if not isinstance(value, dict):
        return value
    if referred := deployment.referred(value):
        return _names(deployment, referred)
    return value["Ref"] if "Ref" in value else {key: _names(deployment, one) for key, one in value.items()}


@pytest.mark.parametrize("check", CHECKS)
def test_check_is_given_the_settings_that_it_reads(production: Deployment, check: str) -> None:
    """An environment variable for each field of its Settings, and for nothing else."""
    variables = _function(production, check)["Environment"]["Variables"]
    settings = fields(import_module(f"ops_lambdas.{check}.settings").Settings)
    assert {name for name in variables if not name.startswith("POWERTOOLS_")} == {one.name.upper() for one in settings}


def test_housekeeping_may_read_exactly_what_its_settings_name(deployment: Deployment) -> None:
    """Every secret but the one with a value that is not secret, the alarm topic, the primary; each by its own ARN."""
    chosen = deployment.environment
    place = f"arn:aws:secretsmanager:{chosen.region}:{chosen.account}:secret:{chosen.prefix}/"
    resources = {
        action: _names(deployment, _list(s["Resource"]))
        for s in _allowed(deployment, "housekeeping")
        for action in _list(s["Action"])
    }
    settings = _function(deployment, "housekeeping")["Environment"]["Variables"]
    looked_at = resources["secretsmanager:DescribeSecret"]
    assert looked_at == resources["secretsmanager:ListSecretVersionIds"]
    named = {arn.removeprefix(place).removesuffix("-??????") for arn in looked_at}
    assert named == {
        *("agent-api-key", "cron-secret", "helius-api-key", "openai-api-key", "solana-rpc-url"),
        *("cdp-api-key-id", "cdp-api-key-secret", "facilitator-private-key"),
        *(f"solana-private-key-{name}" for name in AGENTS if name not in AGENTS_WITHOUT_WALLET),
        *("database-url", "database-password"),
    }
    lists = (settings["SECRET_ARNS"], settings["EMPTY_SECRET_ARNS"])
    given = {secret_of(deployment, arn) for one in lists for arn in joined(one)}
    assert given == named
    (topic,) = resources["sns:ListSubscriptionsByTopic"]
    assert topic == _names(deployment, settings["TOPIC_ARN"])
    (instance,) = resources["rds:DescribeDBInstances"]
    primary = _names(deployment, settings["DATABASE_INSTANCE"])
    assert instance == f"arn:aws:rds:{chosen.region}:{chosen.account}:db:{chosen.names.database}"
    instances = {path.partition("/")[2]: r["Properties"] for path, r in deployment.resources("AWS::RDS::DBInstance")}
    assert instances[primary]["DBInstanceIdentifier"] == f"{chosen.prefix}-database"
    assert settings["ALARM_EMAILS"] == ",".join(chosen.alarm_emails)


def test_role_is_created_before_the_checks_that_log_in_with_it(production: Deployment) -> None:
    resources = production.templates["operations"]["Resources"]
    (role,) = (key for key, r in resources.items() if r["Type"] == "Custom::DatabaseRole")
    logs_in = {check for check in CHECKS if "rds-db:connect" in _actions(production, check)}
    assert {"pool_health", "session_cleanup", "thread_cleanup"} <= logs_in
    schedules = [r for r in resources.values() if r["Type"] == "AWS::Scheduler::Schedule"]
    for check in logs_in:
        prefix = production.environment.names.check(check)
        found = [one for one in schedules if one["Properties"]["Name"].startswith(prefix)]
        assert found
        assert all(role in one["DependsOn"] for one in found), check


def test_check_has_alarms_for_failing_and_for_not_running(deployment: Deployment) -> None:
    alarms = {a["AlarmName"]: a for a in deployment.properties("AWS::CloudWatch::Alarm")}
    for function in deployment.check_functions:
        check = function["FunctionName"].removeprefix(f"{deployment.environment.prefix}-")
        failed = alarms[f"{deployment.environment.prefix}-p4-{check}-failed"]
        assert (failed["MetricName"], failed["Statistic"], failed["TreatMissingData"]) == (
            "NumberOfMessagesSent",
            "Sum",
            "notBreaching",
        )
        not_running = alarms[f"{deployment.environment.prefix}-p4-{check}-not-running"]
        assert (not_running["MetricName"], not_running["ComparisonOperator"]) == ("Invocations", "LessThanThreshold")
        assert not_running["TreatMissingData"] == "breaching"


def test_free_storage_and_healthy_hosts_are_watched_at_their_minimum(production: Deployment) -> None:
    statistic = {a["AlarmName"]: a.get("Statistic") for a in production.properties("AWS::CloudWatch::Alarm")}
    assert statistic["pardon-production-p2-database-storage-low"] == "Minimum"
    assert statistic["pardon-production-p1-no-healthy-target"] == "Minimum"


def test_outputs_have_readable_names(deployment: Deployment) -> None:
    names = {name for template in deployment.templates.values() for name in template.get("Outputs", {})}
    needed = {"SiteUrl", "DashboardUrl", "AlarmTopicArn", "ClusterName", "ServiceName", "DatabaseEndpoint"}
    assert needed <= names


def test_synthesis_needs_nothing_from_aws(deployment: Deployment) -> None:
    manifest = json.loads((deployment.folder / "manifest.json").read_text())
    assert "missing" not in manifest
    assert {a["environment"] for a in manifest["artifacts"].values() if a["type"] == "aws:cloudformation:stack"} == {
        f"aws://{deployment.environment.account}/{deployment.environment.region}"
    }


def test_constructs_folder_is_no_package() -> None:
    """With an __init__.py it would hide the library of the same name, and `import aws_cdk` would fail."""
    assert not (ROOT / "constructs" / "__init__.py").exists()
