"""The emulator's CloudFormation: two regions, rollback, and custom resources."""

import json

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.integration.emulator_process import Emulator, Resources, function
from tests.integration.emulator_templates import custom

ANSWERING = """
import json, time, urllib.request
def handler(event, context):
    properties = event["ResourceProperties"]
    print("request", event["RequestType"], event.get("PhysicalResourceId"))
    if "Answer" in properties:
        time.sleep(float(properties["Answer"].removeprefix("none after ")))
        return
    status = properties.get("Status", "SUCCESS") if event["RequestType"] != "Delete" else "SUCCESS"
    body = {"Status": status, "Reason": properties.get("Reason", ""), "Data": {"Role": properties.get("Role", "")},
            "PhysicalResourceId": event.get("PhysicalResourceId") or "made-by-the-function",
            **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}}
    url = urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT")
    urllib.request.urlopen(url, timeout=5).close()
"""


def test_two_regions_live_side_by_side(emulator: Emulator) -> None:
    resources = {"Role": function([])["Role"]}
    resources["Alias"] = {
        "Type": "AWS::Route53::RecordSet",
        "Properties": {
            "Name": "side.pardon.example.com",
            "HostedZoneId": "ZREHEARSAL",
            "Type": "A",
            "TTL": "60",
            "ResourceRecords": ["192.0.2.1"],
            "SetIdentifier": {"Ref": "AWS::Region"},
            "Weight": 1,
        },
    }
    here, there = (emulator.deploy("side", resources, region) for region in ("us-east-1", "us-west-2"))

    assert here["Role"] != there["Role"]
    roles = {role["RoleName"] for role in emulator.client("iam").list_roles()["Roles"]}
    assert {here["Role"], there["Role"]} <= roles
    records = emulator.client("route53").list_resource_record_sets(HostedZoneId="ZREHEARSAL")["ResourceRecordSets"]
    assert {record["SetIdentifier"] for record in records if "SetIdentifier" in record} == {"us-east-1", "us-west-2"}


def test_failed_creation_is_rolled_back_and_may_be_repeated(emulator: Emulator) -> None:
    bucket = {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "RetainExceptOnCreate",
        "Properties": {"BucketName": "emulator-kept"},
    }
    bad = {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "DependsOn": "Bucket",
        "Properties": {"GroupId": "sg-missing", "IpProtocol": "tcp"},
    }
    with pytest.raises(WaiterError):
        emulator.deploy("half", {"Bucket": bucket, "Bad": bad})

    stack = emulator.client("cloudformation").describe_stacks(StackName="half")["Stacks"][0]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    emulator.delete("half")
    assert emulator.deploy("half", {"Bucket": bucket}) == {"Bucket": "emulator-kept"}


@pytest.mark.parametrize("type_name", ["Custom::DatabaseRole", "AWS::CloudFormation::CustomResource"])
def test_custom_resource_is_created_changed_and_deleted_by_its_lambda(emulator: Emulator, type_name: str) -> None:
    stack = f"custom-{len(type_name)}"
    lambda_ = function([], ANSWERING)
    for role in ("one", "two"):
        resources: Resources = custom(lambda_, type_name, Role=role)
        resources["Parameter"] = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Custom", "Role"]}},
        }
        ids = emulator.deploy(stack, resources)
        assert ids["Custom"] == "made-by-the-function"
        assert emulator.client("ssm").get_parameter(Name=ids["Parameter"])["Parameter"]["Value"] == role
    emulator.delete(stack)
    events = emulator.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{ids['Function']}")["events"]
    requests = [event["message"].split()[1:] for event in events if event["message"].startswith("request")]
    assert requests == [["Create", "None"], ["Update", ids["Custom"]], ["Delete", ids["Custom"]]]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Status": "FAILED", "Reason": "the database is away"}, "Message returned: the database is away"),
        ({"Answer": "none after 0"}, "did not receive a response from your custom resource"),
        ({"Answer": "none after 60"}, "did not receive a response from your custom resource"),  # the function times out
    ],
)
def test_custom_resource_fails_with_its_reason(emulator: Emulator, properties: dict[str, str], reason: str) -> None:
    stack = f"failing-{'-'.join(properties.values()).replace(' ', '-')}"
    resources = custom(function([], ANSWERING), "Custom::DatabaseRole", **properties)
    resources["Function"]["Properties"]["Timeout"] = 1
    with pytest.raises(WaiterError):
        emulator.deploy(stack, resources)
    events = emulator.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert any(reason in event["ResourceStatusReason"] for event in failed)


def test_template_comes_back_without_what_is_not_ascii(emulator: Emulator) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "p1 \u00b7 outage \u2014 \U0001f525"}}
    emulator.deploy("ascii", {"Topic": topic})
    template = emulator.client("cloudformation").get_template(StackName="ascii")["TemplateBody"]
    assert template["Resources"]["Topic"]["Properties"]["DisplayName"] == "p1 ? outage ? ?"
    emulator.delete("ascii")


def test_export_in_use_neither_goes_nor_changes(emulator: Emulator) -> None:
    cloudformation = emulator.client("cloudformation")

    def put(stack: str, display_name: object, exports: dict[str, str]) -> None:
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": display_name}}
        outputs = {id_: {"Value": value, "Export": {"Name": f"{stack}:{id_}"}} for id_, value in exports.items()}
        arguments = {"StackName": stack, "TemplateBody": json.dumps({"Resources": {"T": topic}, "Outputs": outputs})}
        try:
            cloudformation.update_stack(**arguments)
            waiter = "stack_update_complete"
        except ClientError:
            cloudformation.create_stack(**arguments)
            waiter = "stack_create_complete"
        emulator.wait(cloudformation, waiter, stack)

    put("producer", "one", {"Used": "a", "Unused": "b"})
    put("consumer", {"Fn::ImportValue": "producer:Used"}, {})
    for number, (exports, change) in enumerate([({}, "deleted"), ({"Used": "c"}, "updated")]):
        with pytest.raises(WaiterError) as error:
            put("producer", f"refused {number}", exports)
        text = f"Export producer:Used cannot be {change} as it is in use by consumer"
        assert any(text in event.get("ResourceStatusReason", "") for event in events(emulator, "producer")), error
        assert cloudformation.describe_stacks(StackName="producer")["Stacks"][0]["StackStatus"] == (
            "UPDATE_ROLLBACK_COMPLETE"
        )
    with pytest.raises(ClientError, match="Export producer:Used is imported by stack consumer"):
        cloudformation.delete_stack(StackName="producer")
    with pytest.raises(WaiterError):
        put("early", {"Fn::ImportValue": "producer:Missing"}, {})
    assert "producer:Missing" in str(events(emulator, "early"))
    emulator.delete("early")
    put("producer", "two", {"Used": "a"})
    put("consumer", "no import", {})
    put("producer", "three", {})
    assert cloudformation.list_exports()["Exports"] == []
    for stack in ("consumer", "producer"):
        emulator.delete(stack)


def events(emulator: Emulator, stack: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = emulator.client("cloudformation").describe_stack_events(StackName=stack)[
        "StackEvents"
    ]
    return found
