"""The recovery region in standby and recovered, against each other and the home region."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from config import DEVELOPMENT, ENVIRONMENTS, PRODUCTION, REHEARSAL
from tests.infra.conftest import Deployment
from validation import ConfigurationError

STANDBYS = [name for name, one in ENVIRONMENTS.items() if one.recovery != "none"]
ALARM = "AWS::CloudWatch::Alarm"
# Their control planes are in us-east-1, or need one that is.
NOT_IN_A_DISASTER = ("AWS::IAM::", "AWS::S3::Bucket", "AWS::CertificateManager::", "AWS::Route53::")
COSTS_BY_THE_HOUR = {
    "AWS::EC2::NatGateway",
    "AWS::EC2::EIP",
    "AWS::ECS::Service",
    "AWS::RDS::DBInstance",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::SecretsManager::Secret",
}
# What a region has only because it is the home region, or only because it received copies.
ONLY_AT_HOME = Counter(
    {
        "Custom::RecoveryRegion": 1,
        ALARM: 1,  # on the age of the recovery point
        "AWS::SecretsManager::Secret": 15,  # copied
        "AWS::Route53::HealthCheck": 1,  # in us-east-1 only
        # Tests of restoring the backups that are made at home: a plan, and two functions with three rules.
        "AWS::Backup::RestoreTestingPlan": 1,
        "AWS::Backup::RestoreTestingSelection": 1,
        "AWS::RDS::DBSubnetGroup": 1,
        "AWS::Logs::LogGroup": 2,
        "AWS::IAM::Role": 4,  # and one for the bucket's copies
        "AWS::IAM::Policy": 4,
        "AWS::Lambda::Function": 2,
        "AWS::Lambda::EventInvokeConfig": 2,
        "AWS::Lambda::Permission": 3,
        "AWS::Events::Rule": 3,
    }
)
ONLY_RECOVERED = Counter({"Custom::CopiedSecrets": 1})


@pytest.fixture(params=STANDBYS)
def standby(request: pytest.FixtureRequest, standbys: dict[str, Deployment]) -> Deployment:
    """Each environment that has one, in standby."""
    return standbys[request.param]


def recovered(deployments: dict[tuple[str, str], Deployment], name: str) -> Deployment:
    return deployments[name, ENVIRONMENTS[name].recovery_region]


def resources(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Without what a resource is created after, which is no property of it."""
    return {
        f"{layer}/{logical_id}": {key: value for key, value in resource.items() if key != "DependsOn"}
        for layer, template in deployment.templates.items()
        for logical_id, resource in template["Resources"].items()
    }


def references(value: Any) -> Iterator[str]:
    """Logical ids that a part of a template refers to, and "layer/output" of those to other stacks."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    if not isinstance(value, Mapping):
        return
    for key, one in value.items():
        if key == "Ref" and not one.startswith("AWS::"):
            yield one
        elif key == "Fn::GetAtt":
            yield one[0]
        elif key in ("DependsOn", "Condition") and isinstance(one, str | list):
            yield from [one] if isinstance(one, str) else one
        elif key == "Fn::If":
            yield one[0]
            yield from references(one[1:])
        else:
            yield from references(one)


def test_standby_costs_nothing_by_the_hour(standby: Deployment) -> None:
    types = {one["Type"] for one in resources(standby).values()}
    alarms = [one["AlarmName"] for one in standby.properties("AWS::CloudWatch::Alarm")]
    has_record = standby.environment.standby_load_balancer
    assert alarms == [standby.environment.names.serving_alarm] * has_record
    assert not (types - {"AWS::CloudWatch::Alarm"}) & COSTS_BY_THE_HOUR
    has_load_balancer = "AWS::ElasticLoadBalancingV2::LoadBalancer" in types
    assert has_load_balancer is ("AWS::Route53::RecordSet" in types) is standby.environment.standby_load_balancer


def test_what_is_in_standby_refers_to_nothing_that_is_not(standby: Deployment) -> None:
    for layer, template in standby.templates.items():
        known = set().union(*(template.get(part, {}) for part in ("Resources", "Parameters", "Conditions")))
        for logical_id, resource in template["Resources"].items():
            assert set(references(resource)) <= known, f"{layer}/{logical_id}"
        for name, output in template.get("Outputs", {}).items():
            assert set(references(output)) <= known, f"{layer}, output {name}"
        imports = re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(template))
        assert set(imports) <= standby.exports.keys(), layer
        for found in re.finditer(r'"StackName": "([^"]+)".*?"OutputName": "([^"]+)"', json.dumps(template)):
            producer = standby.templates[found[1].removeprefix(f"{standby.environment.prefix}-")]
            assert found[2] in producer["Outputs"], layer


def test_a_recovery_makes_nothing_that_a_disaster_in_us_east_1_prevents(
    standby: Deployment, deployments: dict[tuple[str, str], Deployment]
) -> None:
    before, after = resources(standby), resources(recovered(deployments, standby.environment.name))
    for name, resource in after.items():
        if resource["Type"].startswith(NOT_IN_A_DISASTER):
            assert resource == before.get(name), f"{name} would be made or changed in the recovery"


def test_a_recovery_changes_and_removes_nothing_of_the_standby(
    standby: Deployment, deployments: dict[tuple[str, str], Deployment]
) -> None:
    after = resources(recovered(deployments, standby.environment.name))
    for name, resource in resources(standby).items():
        assert after.get(name) == resource, name


@pytest.mark.parametrize("name", STANDBYS)
def test_a_recovered_region_has_what_the_home_region_has(
    deployments: dict[tuple[str, str], Deployment], name: str
) -> None:
    chosen = ENVIRONMENTS[name]
    home = Counter(one["Type"] for one in resources(deployments[name, chosen.home_region]).values())
    there = Counter(one["Type"] for one in resources(recovered(deployments, name)).values())
    # Where the standby has the record: the health check by which the name stays, and the alarm that it looks at.
    moves = chosen.standby_load_balancer
    assert home - there == ONLY_AT_HOME - Counter({ALARM: moves}) + Counter({"AWS::Route53::HealthCheck": moves})
    assert there - home == ONLY_RECOVERED


@pytest.mark.parametrize("name", STANDBYS)
def test_a_recovered_region_names_the_home_region_nowhere_and_no_global_name_twice(
    deployments: dict[tuple[str, str], Deployment], standbys: dict[str, Deployment], name: str
) -> None:
    home, there = deployments[name, ENVIRONMENTS[name].home_region], recovered(deployments, name)
    for one in (there, standbys[name]):
        named = [layer for layer, template in one.templates.items() if ENVIRONMENTS[name].home_region in str(template)]
        assert named == []
    for type_, field in (
        ("AWS::IAM::Role", "RoleName"),
        ("AWS::S3::Bucket", "BucketName"),
        ("AWS::CloudWatch::Dashboard", "DashboardName"),
        ("AWS::Route53::RecordSet", "SetIdentifier"),
    ):
        at_home, elsewhere = ({one[field] for one in each.properties(type_) if field in one} for each in (home, there))
        assert not at_home & elsewhere, type_


def test_what_the_home_region_copies_is_encrypted_with_keys_that_the_standby_has(
    standby: Deployment, deployments: dict[tuple[str, str], Deployment]
) -> None:
    home = deployments[standby.environment.name, standby.environment.home_region]
    aliases = {one["AliasName"] for one in standby.properties("AWS::KMS::Alias")}
    (lookup,) = home.properties("Custom::RecoveryRegion")
    assert (lookup["Alias"] in aliases, lookup["Region"]) == (True, standby.environment.region)
    names = set()
    for one in home.properties("AWS::SecretsManager::Secret"):
        for replica in one.get("ReplicaRegions", []):
            assert replica == {
                "Region": standby.environment.region,
                "KmsKeyId": f"alias/{home.environment.prefix}-secrets",
            }
            assert replica["KmsKeyId"] in aliases
            names.add(one["Name"])
    (copied,) = recovered({**deployments}, home.environment.name).properties("Custom::CopiedSecrets")
    assert set(copied["Secrets"].values()) == names
    assert len(names) == 15


def test_roles_read_secrets_that_are_not_there_yet_by_their_names(standby: Deployment) -> None:
    readers = [
        resource
        for policy in standby.properties("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "secretsmanager:GetSecretValue"
        for resource in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    ]
    region, account = standby.environment.region, standby.environment.account
    pattern = rf"arn:aws:secretsmanager:{region}:{account}:secret:{standby.environment.prefix}/[a-z-]+-\?{{6}}"
    assert readers
    assert all(re.fullmatch(pattern, one) for one in readers)


@pytest.mark.parametrize(
    ("environment", "changes", "message"),
    [
        (PRODUCTION, {"is_standby": True, "region": "eu-west-1"}, "region must be us-west-2 or us-east-1, .*eu-west-1"),
        (
            DEVELOPMENT,
            {"is_standby": True, "region": "us-west-2"},
            "region must be us-west-2 or us-east-1, with recovery",
        ),
        (PRODUCTION, {"standby_load_balancer": True}, "must be False without recovery and hosted_zone_id, got True"),
        (REHEARSAL, {"recovery": "none"}, "standby_load_balancer must be False without recovery"),
    ],
)
def test_a_standby_that_cannot_be_is_refused(environment: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replace(environment, **changes)
