"""What the check `protection` protects, and that no template does it at the first creation."""

import json

from names import LAYERS
from tests.infra.conftest import Deployment


def settings(deployment: Deployment) -> dict[str, str]:
    (function,) = (
        one
        for one in deployment.properties("AWS::Lambda::Function")
        if one.get("FunctionName") == f"{deployment.environment.prefix}-protection"
    )
    variables: dict[str, str] = function["Environment"]["Variables"]
    return variables


def test_no_template_protects_before_the_first_success(deployment: Deployment) -> None:
    assert all("DeletionProtection" not in one for one in deployment.properties("AWS::RDS::DBInstance"))
    (balancer,) = deployment.properties("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert "deletion_protection.enabled" not in [one["Key"] for one in balancer["LoadBalancerAttributes"]]
    manifest = json.loads((deployment.folder / "manifest.json").read_text())["artifacts"]
    stacks = [one["properties"] for one in manifest.values() if one["type"] == "aws:cloudformation:stack"]
    assert [one.get("terminationProtection", False) for one in stacks] == [False] * len(LAYERS)


def test_protection_follows_the_configuration(deployment: Deployment) -> None:
    assert settings(deployment)["IS_PROTECTED"] == ("yes" if deployment.environment.is_protected else "no")
    alarms = [one["AlarmName"] for one in deployment.properties("AWS::CloudWatch::Alarm")]
    has_alarm = f"{deployment.environment.prefix}-p3-unprotected" in alarms
    assert has_alarm == deployment.environment.is_protected


def test_every_stack_is_known_by_its_layer_in_order_of_deployment(deployment: Deployment) -> None:
    prefix = deployment.environment.prefix
    manifest = json.loads((deployment.folder / "manifest.json").read_text())["artifacts"]
    assert settings(deployment)["STACKS"].split(",") == [f"{prefix}-{layer}" for layer in LAYERS]
    assert set(deployment.templates) == set(LAYERS)
    for place, layer in enumerate(LAYERS):
        later = {f"{prefix}-{one}" for one in LAYERS[place:]}
        assert not later & set(manifest[f"{prefix}-{layer}"].get("dependencies", []))


def test_the_stack_policy_keeps_the_instance_and_every_key_and_bucket(deployment: Deployment) -> None:
    kept = {
        logical_id
        for logical_id, resource in deployment.templates["data"]["Resources"].items()
        if resource["Type"] in ("AWS::KMS::Key", "AWS::S3::Bucket")
        or (resource["Type"] == "AWS::RDS::DBInstance" and "SourceDBInstanceIdentifier" not in resource["Properties"])
    }
    assert set(settings(deployment)["KEPT_RESOURCES"].split(",")) == kept


def test_an_update_of_any_stack_starts_the_check(deployment: Deployment) -> None:
    environment, names = deployment.environment, deployment.environment.names
    (rule,) = (
        one for one in deployment.properties("AWS::Events::Rule") if one["Name"] == f"{names.check('protection')}-event"
    )
    arn = f"arn:aws:cloudformation:{environment.region}:{environment.account}:stack"
    assert rule["EventPattern"]["detail"]["stack-id"] == [{"prefix": f"{arn}/{stack}/"} for stack in names.stacks]
