"""What a template has to be so that it can be compared, destroyed and restored from later."""

import json

from tests.infra.conftest import Deployment


def test_templates_are_ascii(deployment: Deployment) -> None:
    """GetTemplate answers `?` for other characters, so that a diff shows a change where there is none."""
    for layer, template in deployment.templates.items():
        text = json.dumps(template, ensure_ascii=False)
        assert text.isascii(), f"{layer}: {[one for one in text if not one.isascii()]}"


def test_key_outlives_what_it_encrypts(deployment: Deployment) -> None:
    """The final snapshot and the buckets stay when their stack is deleted, and cannot be read without their key."""
    data = deployment.templates["data"]["Resources"]
    keys = [one for one in data.values() if one["Type"] == "AWS::KMS::Key"]
    buckets = [one for one in data.values() if one["Type"] == "AWS::S3::Bucket"]
    assert {one["DeletionPolicy"] for one in [*keys, *buckets]} <= {"Retain", "RetainExceptOnCreate"}
    (instance,) = (
        one
        for one in data.values()
        if one["Type"] == "AWS::RDS::DBInstance" and "SourceDBInstanceIdentifier" not in one["Properties"]
    )
    assert instance["DeletionPolicy"] == "Snapshot"


def test_service_is_deleted_before_the_capacity_providers(deployment: Deployment) -> None:
    service = deployment.templates["service"]["Resources"]
    (association,) = (
        name for name, one in service.items() if one["Type"] == "AWS::ECS::ClusterCapacityProviderAssociations"
    )
    (dependencies,) = (one["DependsOn"] for one in service.values() if one["Type"] == "AWS::ECS::Service")
    assert association in dependencies
