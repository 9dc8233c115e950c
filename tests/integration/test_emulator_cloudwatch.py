"""The emulator's CloudWatch: alarms, their composite alarms, and the events of their state."""

import json

from tests.integration.emulator_process import Emulator
from tests.integration.emulator_templates import alarms


def test_alarm_changes_state_and_sends_an_event(emulator: Emulator) -> None:
    ids = emulator.deploy("alarms", alarms())
    cloudwatch, sqs = emulator.client("cloudwatch"), emulator.client("sqs")

    math = cloudwatch.describe_alarms(AlarmNames=[ids["Math"]])["MetricAlarms"][0]
    assert [metric["Id"] for metric in math["Metrics"]] == ["rate", "errors"]
    cloudwatch.set_alarm_state(AlarmName=ids["Math"], StateValue="ALARM", StateReason="test")

    received = sqs.receive_message(QueueUrl=ids["Events"], MaxNumberOfMessages=10)["Messages"]
    details = [json.loads(message["Body"])["detail"] for message in received]
    in_alarm = {detail["alarmName"] for detail in details if detail["state"]["value"] == "ALARM"}
    assert in_alarm == {ids["Math"], ids["Outage"]}


def test_alarm_watches_the_metric_of_its_dimensions_only(emulator: Emulator) -> None:
    ids = emulator.deploy("pool-alarm", {"Pool": alarms()["Pool"]})
    cloudwatch = emulator.client("cloudwatch")

    def state_after(pool: str) -> str:
        datum = {"MetricName": "Threads", "Value": 9, "Dimensions": [{"Name": "Pool", "Value": pool}]}
        cloudwatch.put_metric_data(Namespace="Test", MetricData=[datum])
        alarm = cloudwatch.describe_alarms(AlarmNames=[ids["Pool"]])["MetricAlarms"][0]
        return str(alarm["StateValue"])

    assert state_after("pool-2") == "INSUFFICIENT_DATA"
    assert state_after("pool-1") == "ALARM"
