"""What protects stacks and data in the emulator as on AWS, and the check `protection` that switches it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from ops_lambdas.protection import core
from ops_lambdas.protection.handler import NotProtectedError, handler
from tests.integration.checks.conftest import CONTEXT
from tests.integration.checks.variables import AWS
from tests.integration.emulator_process import Emulator, Resources, eventually
from tests.integration.emulator_templates import database, secret

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "protected-bucket"}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "protected-topic"}}
KEPT = core.policy(["Bucket", "Topic"], is_protected=True)


def balancer() -> Resources:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        **{
            f"Subnet{number}": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {
                    "VpcId": {"Ref": "Vpc"},
                    "CidrBlock": f"10.0.{number}.0/24",
                    "AvailabilityZone": {"Fn::Select": [number, {"Fn::GetAZs": ""}]},
                },
            }
            for number in (0, 1)
        },
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Name": "guarded", "Subnets": [{"Ref": "Subnet0"}, {"Ref": "Subnet1"}]},
        },
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Topic": TOPIC}, "[Update:Delete] for resource [LogicalResourceId/Bucket]"),
        (
            {"Bucket": BUCKET, "Topic": TOPIC | {"Properties": {"TopicName": "protected-other"}}},
            "[Update:Replace] for resource [LogicalResourceId/Topic]",
        ),
    ],
)
def test_an_update_that_the_stack_policy_denies_is_rolled_back(
    emulator: Emulator, changed: Resources, reason: str
) -> None:
    cloudformation = emulator.client("cloudformation")
    name = f"policy-{len(changed)}"
    resources = json.loads(json.dumps({"Bucket": BUCKET, "Topic": TOPIC}).replace("protected", name))
    ids = emulator.deploy(name, resources)
    cloudformation.set_stack_policy(StackName=name, StackPolicyBody=KEPT)

    with pytest.raises(WaiterError):
        emulator.deploy(name, json.loads(json.dumps(changed).replace("protected", name)))

    assert cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert any(reason in event.get("ResourceStatusReason", "") for event in events)
    assert {bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]} >= {ids["Bucket"]}
    harmless = {
        **resources,
        "Topic": {**resources["Topic"], "Properties": resources["Topic"]["Properties"] | {"DisplayName": "x"}},
    }
    emulator.deploy(name, harmless)
    cloudformation.set_stack_policy(StackName=name, StackPolicyBody=core.policy([], is_protected=False))
    emulator.delete(name)


def test_what_is_deletion_protected_makes_the_deletion_of_its_stack_fail(emulator: Emulator) -> None:
    ids = emulator.deploy("guarded", {**balancer(), **database("Password")})
    rds, elbv2 = emulator.client("rds"), emulator.client("elbv2")
    cloudformation = emulator.client("cloudformation")

    def switch(value: bool) -> None:
        rds.modify_db_instance(DBInstanceIdentifier=ids["Database"], DeletionProtection=value)
        attribute = {"Key": "deletion_protection.enabled", "Value": str(value).lower()}
        elbv2.modify_load_balancer_attributes(LoadBalancerArn=ids["Balancer"], Attributes=[attribute])

    switch(True)
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        elbv2.delete_load_balancer(LoadBalancerArn=ids["Balancer"])
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        rds.delete_db_instance(DBInstanceIdentifier=ids["Database"], SkipFinalSnapshot=True)
    with pytest.raises(WaiterError):
        emulator.delete("guarded")
    stack = cloudformation.describe_stacks(StackName="guarded")["Stacks"][0]
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert all(one in stack["StackStatusReason"] for one in ("Balancer", "Database"))

    switch(False)
    emulator.delete("guarded")


def test_rules_receive_the_status_changes_of_stacks(emulator: Emulator) -> None:
    sqs, events = emulator.client("sqs"), emulator.client("events")
    queue = sqs.create_queue(QueueName="stack-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": {
            "stack-id": [{"prefix": "arn:aws:cloudformation:us-east-1:000000000000:stack/event-"}],
            "status-details": {"status": ["CREATE_COMPLETE"]},
        },
    }
    events.put_rule(Name="stack-events", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="stack-events", Targets=[{"Id": "queue", "Arn": arn}])
    emulator.deploy("event-one", {"Password": secret()})
    emulator.deploy("other", {"Password": secret()})

    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"))
    detail = json.loads(message["Body"])["detail"]
    assert ":stack/event-one/" in detail["stack-id"]
    assert detail["status-details"]["status"] == "CREATE_COMPLETE"
    for stack in ("event-one", "other"):
        emulator.delete(stack)


@pytest.fixture
def run(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The check on stacks `safe-data` and `safe-service`; `safe-later` does not exist."""
    emulator.deploy("safe-data", {**database("Password"), "Bucket": BUCKET})
    emulator.deploy("safe-service", balancer())
    settings = {
        "ENVIRONMENT": "rehearsal",
        "STACKS": "safe-data,safe-service,safe-later",
        "DATA_STACK": "safe-data",
        "SERVICE_STACK": "safe-service",
        "KEPT_RESOURCES": "Bucket,Database",
        "DATABASE_INSTANCE": "emulator-database",
        "LOAD_BALANCER": "guarded",
        "AWS_ENDPOINT_URL": f"http://localhost:{emulator.port}",
    }
    for name, value in {**AWS, **settings}.items():
        monkeypatch.setenv(name, value)

    def run(is_protected: str) -> Any:
        monkeypatch.setenv("IS_PROTECTED", is_protected)
        return handler({}, CONTEXT)

    yield run
    run("no")
    for stack in ("safe-data", "safe-service"):
        emulator.delete(stack)


def test_the_check_protects_what_has_been_created_and_repeats_nothing(
    run: Any, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudformation = emulator.client("cloudformation")
    first, second = run("yes"), run("yes")

    assert [first["state"], second["state"]] == ["as configured"] * 2
    assert (len(first["switched"]), second["switched"]) == (5, [])
    assert first["unsettled"] == ["safe-later: does not exist"]
    assert '"UnprotectedResources":[0.0]' in capsys.readouterr().out
    for stack in ("safe-data", "safe-service"):
        with pytest.raises(ClientError, match="TerminationProtection is enabled"):
            cloudformation.delete_stack(StackName=stack)
    assert emulator.client("rds").describe_db_instances()["DBInstances"][0]["DeletionProtection"]
    with pytest.raises(WaiterError):
        emulator.deploy("safe-data", database("Password"))  # without the bucket

    assert len(run("no")["switched"]) == 5
    assert not emulator.client("rds").describe_db_instances()["DBInstances"][0]["DeletionProtection"]


def test_a_protection_that_cannot_be_switched_fails_by_name_after_the_others(
    run: Any, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD_BALANCER", "another")
    with pytest.raises(NotProtectedError, match=r"load balancer another: .*LoadBalancerNotFound"):
        run("yes")
    stacks = emulator.client("cloudformation").describe_stacks()["Stacks"]
    assert {one["StackName"] for one in stacks if one["EnableTerminationProtection"]} == {"safe-data", "safe-service"}
    monkeypatch.setenv("LOAD_BALANCER", "guarded")


def test_a_stack_whose_creation_failed_stays_deletable(run: Any, emulator: Emulator) -> None:
    bad = {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": "sg-missing", "IpProtocol": "tcp"}}
    with pytest.raises(WaiterError):
        emulator.deploy("safe-later", {"Bad": bad})
    assert run("yes")["unsettled"] == ["safe-later: ROLLBACK_COMPLETE"]
    emulator.delete("safe-later")
