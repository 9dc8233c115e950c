"""Faults of the former infrastructure, and similar ones, which no environment may repeat."""

import json
import re

import pytest

from application import CORAL_PORT, SECRETS
from config import ENVIRONMENTS
from constructs.database.instances import PORT as POSTGRESQL_PORT
from tests.infra.conftest import ROOT, Deployment

ANYWHERE = {"0.0.0.0/0", "::/0"}
SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|CREDENTIAL|API_KEY|DATABASE_URL")


def _rules(deployment: Deployment) -> list[dict[str, object]]:
    """Every ingress rule, inline or separate, with the name of its group."""
    inline = [
        rule
        for group in deployment.properties("AWS::EC2::SecurityGroup")
        for rule in group.get("SecurityGroupIngress", [])
    ]
    return inline + deployment.properties("AWS::EC2::SecurityGroupIngress")


def test_only_the_site_is_open_to_the_internet(deployment: Deployment) -> None:
    open_ports = {
        (rule["FromPort"], rule["ToPort"])
        for rule in _rules(deployment)
        if {rule.get("CidrIp"), rule.get("CidrIpv6")} & ANYWHERE
    }
    assert open_ports == ({(80, 80), (443, 443)} if deployment.environment.domain else {(80, 80)})
    assert not any({rule.get("CidrIp"), rule.get("CidrIpv6")} - ANYWHERE - {None} for rule in _rules(deployment))


@pytest.mark.parametrize("port", [POSTGRESQL_PORT, CORAL_PORT])
def test_database_and_coral_are_reached_from_named_groups_only(deployment: Deployment, port: int) -> None:
    rules = [rule for rule in _rules(deployment) if rule["FromPort"] <= port <= rule["ToPort"]]  # type: ignore[operator]
    assert rules
    assert all("SourceSecurityGroupId" in rule for rule in rules)


def test_database_is_private_encrypted_and_tls_only(deployment: Deployment) -> None:
    instances = deployment.properties("AWS::RDS::DBInstance")
    assert len(instances) == (2 if deployment.environment.has_replica else 1)
    assert all(instance["PubliclyAccessible"] is False for instance in instances)
    source = next(instance for instance in instances if "SourceDBInstanceIdentifier" not in instance)
    assert source["StorageEncrypted"] is True
    assert source["BackupRetentionPeriod"] == deployment.environment.backup_days
    parameters = deployment.properties("AWS::RDS::DBParameterGroup")
    assert [group["Parameters"]["rds.force_ssl"] for group in parameters] == ["1"]
    isolated = [subnet for subnet in deployment.properties("AWS::RDS::DBSubnetGroup") for subnet in subnet["SubnetIds"]]
    assert isolated
    assert all("DatabaseSubnet" in json.dumps(subnet) for subnet in isolated)


def test_isolated_subnets_have_no_route_out(deployment: Deployment) -> None:
    routes = deployment.properties("AWS::EC2::Route")
    assert routes
    assert not [route for route in routes if "DatabaseSubnet" in json.dumps(route["RouteTableId"])]


def test_every_dashboard_metric_has_a_dimension(deployment: Deployment) -> None:
    (dashboard,) = deployment.properties("AWS::CloudWatch::Dashboard")
    body = dashboard["DashboardBody"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "TOKEN" for part in body)
    metrics = [metric for widget in json.loads(text)["widgets"] for metric in widget["properties"].get("metrics", [])]
    assert metrics
    plain = [metric for metric in metrics if isinstance(metric[0], str)]  # the others are expressions over them
    assert all(len([part for part in metric if isinstance(part, str)]) >= 4 for metric in plain)


def test_alarms_exist_without_any_address(deployments: dict[tuple[str, str], Deployment]) -> None:
    without = deployments["development", ENVIRONMENTS["development"].home_region]
    assert without.environment.alarm_emails == ()
    assert len(without.properties("AWS::CloudWatch::Alarm")) > 5


def test_an_address_is_subscribed(deployments: dict[tuple[str, str], Deployment]) -> None:
    rehearsal = deployments["rehearsal", ENVIRONMENTS["rehearsal"].home_region]
    subscriptions = rehearsal.properties("AWS::SNS::Subscription")
    assert [(s["Protocol"], s["Endpoint"]) for s in subscriptions] == [("email", "operator@example.com")]


def test_no_secret_is_in_a_template(deployment: Deployment) -> None:
    initial = {secret.name: secret.initial_value for secret in SECRETS}
    for secret in deployment.properties("AWS::SecretsManager::Secret"):
        name = secret["Name"].removeprefix(f"{deployment.environment.prefix}/")
        if "GenerateSecretString" in secret:
            assert "SecretString" not in secret
        elif name in initial:
            assert json.loads(secret["SecretString"]) == {"value": initial[name]}
        else:
            text = "".join(part if isinstance(part, str) else "TOKEN" for part in secret["SecretString"]["Fn::Join"][1])
            values = json.loads(text)
            assert set(values) == {"engine", "host", "port", "dbname", "username", "password", "url", "libpq_url"}
            reference = r"\{\{resolve:secretsmanager:TOKEN:SecretString:password::\}\}"
            assert re.fullmatch(reference, values["password"])
            for url in (values["url"], values["libpq_url"]):
                place = rf"postgresql://pardon:{reference}@TOKEN:TOKEN/pardon_simulator"
                assert re.fullmatch(rf"{place}\?(\S+&)?sslmode=require(&\S+)?", url)
    for instance in deployment.properties("AWS::RDS::DBInstance"):
        assert "resolve:secretsmanager" in json.dumps(instance.get("MasterUserPassword", "resolve:secretsmanager"))


def test_no_secret_is_an_environment_variable_in_clear(deployment: Deployment) -> None:
    for task in deployment.properties("AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            clear = {variable["Name"] for variable in container.get("Environment", [])}
            assert not {name for name in clear if SECRET.search(name)} - {"MODEL_MAX_TOKENS"}
            for secret in container.get("Secrets", []):
                assert re.search(r":(value|url|host|port|dbname|username|password)::", json.dumps(secret["ValueFrom"]))
    for function in deployment.properties("AWS::Lambda::Function"):
        variables = function.get("Environment", {}).get("Variables", {})
        assert "{{resolve:" not in json.dumps(variables)
        secret = {name for name in variables if SECRET.search(name) and not name.endswith(("_ARN", "_ARNS"))}
        assert not secret, "a check gets a secret's ARN, and reads its value itself"


def test_account_and_region_are_in_the_configuration_only() -> None:
    sources = [*ROOT.glob("stacks/*.py"), *ROOT.glob("constructs/**/*.py"), *ROOT.glob("ops_lambdas/**/*.py")]
    assert sources
    literal = re.compile(r"\b\d{12}\b|\b[a-z]{2}-(north|south|east|west|central)[a-z]*-\d\b")
    # Cost Explorer, and the metrics of Route 53's health checks, are in one region, wherever the environment is.
    found = {path.name for path in sources if literal.search(path.read_text())}
    assert found == {"explorer.py", "outage_alarms.py"}


def test_every_log_group_has_a_retention(deployment: Deployment) -> None:
    groups = deployment.properties("AWS::Logs::LogGroup")
    assert groups
    assert {group["RetentionInDays"] for group in groups} == {deployment.environment.log_retention_days}


def test_every_function_writes_to_a_log_group_of_ours(deployment: Deployment) -> None:
    checks = [f for f in deployment.properties("AWS::Lambda::Function") if "FunctionName" in f]
    assert checks
    groups = {group["LogGroupName"] for group in deployment.properties("AWS::Logs::LogGroup")}
    assert {function["LoggingConfig"]["LogGroup"] for function in checks} <= groups
    others = [f for f in deployment.properties("AWS::Lambda::Function") if "FunctionName" not in f]
    assert len(others) == 1, "only the CDK's own, which closes the default security group"


@pytest.mark.parametrize("type_", ["AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::KMS::Key", "AWS::SNS::Topic"])
def test_everything_that_holds_data_is_encrypted(deployment: Deployment, type_: str) -> None:
    proof = {
        "AWS::S3::Bucket": "BucketEncryption",
        "AWS::ECR::Repository": "EncryptionConfiguration",
        "AWS::KMS::Key": "EnableKeyRotation",
        "AWS::SNS::Topic": "KmsMasterKeyId",
    }[type_]
    resources = deployment.properties(type_)
    assert resources
    assert all(resource[proof] for resource in resources)


@pytest.mark.parametrize("type_", ["AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"])
def test_plain_http_is_refused(deployment: Deployment, type_: str) -> None:
    policies = deployment.properties(type_)
    assert policies
    for policy in policies:
        denied = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert any(s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}} for s in denied)


def test_stateful_stacks_of_a_protected_environment_cannot_be_lost(production: Deployment) -> None:
    kept = {"Retain", "RetainExceptOnCreate", "Snapshot"}
    types = ["AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"]
    for type_ in [*types, "AWS::KMS::Key"]:
        assert {resource["DeletionPolicy"] for _, resource in production.resources(type_)} <= kept, type_
    (balancer,) = production.properties("AWS::ElasticLoadBalancingV2::LoadBalancer")
    attributes = {a["Key"]: a["Value"] for a in balancer["LoadBalancerAttributes"]}
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["access_logs.s3.enabled"] == "true"
