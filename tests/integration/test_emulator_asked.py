"""What the emulator answers to the questions of `make verify`: IAM's simulation, patterns, metrics, histories."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.emulator_process import Emulator, function, invoke

CLUSTER = "arn:aws:ecs:us-east-1:000000000000:cluster/one"
EVENT = {
    "id": "1",
    "account": "000000000000",
    "source": "aws.ecs",
    "time": "2026-11-23T03:14:15Z",
    "region": "us-east-1",
    "resources": [],
    "detail-type": "ECS Task State Change",
    "detail": {"lastStatus": "STOPPED"},
}


def role(emulator: Emulator, statements: list[dict[str, Any]]) -> str:
    iam, name = emulator.client("iam"), "simulated"
    trust = {"Version": "2012-10-17", "Statement": []}
    arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"])
    document = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=json.dumps(document))
    return arn


def test_simulation_decides_for_each_resource_and_under_conditions(emulator: Emulator) -> None:
    condition = {"ArnEquals": {"ecs:cluster": CLUSTER}}
    arn = role(
        emulator,
        [
            {"Effect": "Allow", "Action": "ecs:ListTasks", "Resource": "*", "Condition": condition},
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/secret"},
        ],
    )
    iam = emulator.client("iam")

    def simulate(action: str, *resources: str, **context: str) -> Any:
        entries = [
            {"ContextKeyName": key.replace("_", ":"), "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in context.items()
        ]
        answer = iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=[action], ContextEntries=entries, ResourceArns=list(resources) or ["*"]
        )
        (result,) = answer["EvaluationResults"]
        return result

    without = simulate("ecs:ListTasks")
    assert (without["EvalDecision"], without["MissingContextValues"]) == ("implicitDeny", ["ecs:cluster"])
    assert simulate("ecs:ListTasks", ecs_cluster=CLUSTER)["EvalDecision"] == "allowed"
    assert simulate("ecs:ListTasks", ecs_cluster=f"{CLUSTER}-other")["EvalDecision"] == "implicitDeny"
    found = simulate("s3:GetObject", "arn:aws:s3:::bucket/one", "arn:aws:s3:::bucket/secret", "arn:aws:s3:::other/one")
    assert found["EvalDecision"] == "explicitDeny"  # the most restrictive
    assert {one["EvalResourceName"]: one["EvalResourceDecision"] for one in found["ResourceSpecificResults"]} == {
        "arn:aws:s3:::bucket/one": "allowed",
        "arn:aws:s3:::bucket/secret": "explicitDeny",
        "arn:aws:s3:::other/one": "implicitDeny",
    }
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.simulate_principal_policy(PolicySourceArn=f"{arn}-other", ActionNames=["s3:GetObject"])


def test_a_pattern_is_tested_with_a_whole_event(emulator: Emulator) -> None:
    events = emulator.client("events")
    pattern = json.dumps({"source": ["aws.ecs"], "detail": {"lastStatus": ["STOPPED"]}})
    assert events.test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT))["Result"]
    other = EVENT | {"detail": {"lastStatus": "RUNNING"}}
    assert not events.test_event_pattern(EventPattern=pattern, Event=json.dumps(other))["Result"]
    partial = {key: value for key, value in EVENT.items() if key != "region"}
    with pytest.raises(ClientError, match="region missing"):
        events.test_event_pattern(EventPattern=pattern, Event=json.dumps(partial))


def test_metrics_are_listed_with_their_own_dimensions(emulator: Emulator) -> None:
    name = emulator.deploy("queue", {"Queue": {"Type": "AWS::SQS::Queue"}})["Queue"].rpartition("/")[2]
    cloudwatch = emulator.client("cloudwatch")
    dimensions = [{"Name": "QueueName", "Value": name}]
    listed = cloudwatch.list_metrics(Namespace="AWS/SQS", Dimensions=dimensions)["Metrics"]
    assert "ApproximateNumberOfMessagesVisible" in {one["MetricName"] for one in listed}
    assert all(one["Dimensions"] == dimensions for one in listed)
    assert not cloudwatch.list_metrics(Namespace="AWS/SQS", Dimensions=[{"Name": "QueueName", "Value": "none"}])[
        "Metrics"
    ]


def test_an_asynchronous_run_is_counted_once(emulator: Emulator) -> None:
    name = emulator.deploy("counted", function([], "def handler(event, context):\n    return {}\n"))["Function"]
    emulator.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    cloudwatch, now = emulator.client("cloudwatch"), datetime.now(UTC)

    def invocations() -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    end = time.monotonic() + 10
    while not invocations() and time.monotonic() < end:
        time.sleep(0.1)
    assert invocations() == 1
    invoke(emulator, name)
    assert invocations() == 2


def test_an_alarm_keeps_what_its_actions_did_and_waits_for_its_data(emulator: Emulator) -> None:
    topic = emulator.deploy("acted", {"Topic": {"Type": "AWS::SNS::Topic"}})["Topic"]
    cloudwatch = emulator.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="acts",
        Namespace="Own",
        MetricName="m",
        Period=60,
        EvaluationPeriods=3,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Maximum",
        AlarmActions=[topic],
    )
    cloudwatch.put_metric_data(Namespace="Own", MetricData=[{"MetricName": "m", "Value": 1}])
    assert cloudwatch.describe_alarms(AlarmNames=["acts"])["MetricAlarms"][0]["StateValue"] != "ALARM"
    cloudwatch.set_alarm_state(AlarmName="acts", StateValue="ALARM", StateReason="tested")
    history = cloudwatch.describe_alarm_history(AlarmName="acts", HistoryItemType="Action")["AlarmHistoryItems"]
    assert [one["HistorySummary"] for one in history] == [f"Successfully executed action {topic}"]
    cloudwatch.delete_alarms(AlarmNames=["acts"])
