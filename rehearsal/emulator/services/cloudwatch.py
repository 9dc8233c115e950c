"""CloudWatch alarms: metric math, the metric's own dimensions, and the event of a state change.

MiniStack's alarms refuse metric math, evaluate a metric over all dimensions, keep no history of their actions, and
send EventBridge no event.
Missing data is never evaluated there; the rehearsal sets alarms off with SetAlarmState.
"""

import json
import time
from types import FunctionType
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, now_iso
from ministack.services import cloudwatch, eventbridge
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties, answer, put

Alarm = dict[str, Any]


def register() -> None:
    """Wrap how MiniStack records and evaluates an alarm and acts on its change of state."""
    record, evaluate, act = (
        provisioners._cw_metric_alarm_record,
        cloudwatch._evaluate_alarm,
        cloudwatch._dispatch_alarm_actions,
    )

    def record_with_math(name: str, props: dict[str, Any]) -> Alarm:
        if not props.get("Metrics"):
            return dict(record(name, props))
        alarm = dict(record(name, {**props, "Metrics": None, "MetricName": "math", "Namespace": "math"}))
        for key in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"):
            del alarm[key]
        return {**alarm, "Metrics": props["Metrics"]}

    def evaluate_own_metric(alarm: Alarm) -> None:
        """Evaluate over the metric of the alarm's own dimensions, once there are as many data as it needs."""
        if "MetricName" not in alarm:  # metric math
            return
        key = cloudwatch._dims_key({item["Name"]: item["Value"] for item in alarm.get("Dimensions") or []})
        own = {name: points for name, points in cloudwatch._metrics.items() if name[2] == key}
        needed = alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods", 1)
        watched = (points for name, points in own.items() if name[:2] == (alarm["Namespace"], alarm["MetricName"]))
        periods = {point["Timestamp"] // alarm["Period"] for points in watched for point in points}
        if len(periods) >= needed:
            FunctionType(evaluate.__code__, {**vars(cloudwatch), "_metrics": own})(alarm)

    def act_and_send_event(alarm: Alarm, old_state: str, new_state: str, reason: str) -> None:
        act(alarm, old_state, new_state, reason)
        record_actions(alarm, new_state)
        eventbridge._dispatch_event(state_change_event(alarm, old_state, new_state, reason))

    provisioners._cw_metric_alarm_record = record_with_math
    cloudwatch._evaluate_alarm = evaluate_own_metric
    cloudwatch._dispatch_alarm_actions = act_and_send_event


def record_actions(alarm: Alarm, state: str) -> None:
    """Keep what the alarm's actions did in its history. MiniStack keeps changes of state only.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_AlarmHistoryItem.html
    """
    kind = {"ALARM": "AlarmActions", "OK": "OKActions"}.get(state, "InsufficientDataActions")
    for action in alarm.get(kind) or [] if alarm.get("ActionsEnabled", True) else []:
        cloudwatch._history_entries().append(
            {
                "AlarmName": alarm["AlarmName"],
                "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
                "Timestamp": now_iso(),
                "HistoryItemType": "Action",
                "HistorySummary": f"Successfully executed action {action}",
                "HistoryData": json.dumps({"actionState": "Succeeded", "notificationResource": action}),
            }
        )


def state_change_event(alarm: Alarm, old_state: str, new_state: str, reason: str) -> dict[str, Any]:
    """The event that CloudWatch sends, in the form MiniStack's EventBridge takes.

    Source: Amazon CloudWatch user guide, "Alarm events and EventBridge".
    """
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": {"value": new_state, "reason": reason, "timestamp": now_iso()},
        "previousState": {"value": old_state},
        "configuration": {"description": alarm.get("AlarmDescription", "")},
    }
    return {
        "EventId": new_uuid(),
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "EventBusName": "default",
        "Time": time.time(),
        "Resources": [alarm["AlarmArn"]],
        "Account": get_account_id(),
        "Region": get_region(),
    }


def put_composite_alarm(logical_id: str, props: Properties, stack: str) -> tuple[str, Attributes]:
    name = props.get("AlarmName") or provisioners._physical_name(stack, logical_id, max_len=255)
    answer(cloudwatch._put_composite_alarm({}, {**props, "AlarmName": name}, False, True))
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def delete_composite_alarm(physical_id: str, _props: Properties) -> None:
    cloudwatch._composite_alarms.pop(physical_id, None)


HANDLERS: dict[str, Handler] = {
    "AWS::CloudWatch::CompositeAlarm": put(put_composite_alarm, delete_composite_alarm),
}
