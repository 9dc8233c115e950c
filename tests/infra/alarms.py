"""Alarms of a deployment, with references among them as names."""

from typing import Any

from tests.infra.conftest import Deployment

TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


def alarms(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Properties of every metric alarm, by name."""
    return {alarm["AlarmName"]: alarm for alarm in deployment.properties("AWS::CloudWatch::Alarm")}


def composites(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Properties of every composite alarm, by name, each with its rule in CloudWatch's own words."""
    return {
        alarm["AlarmName"]: {**alarm, "AlarmRule": _rule(deployment, alarm["AlarmRule"])}
        for alarm in deployment.properties("AWS::CloudWatch::CompositeAlarm")
    }


def arn_name(deployment: Deployment, arn: dict[str, Any]) -> str:
    """The name of the alarm whose ARN is `arn` in a template."""
    arn = deployment.referred(arn) or arn
    logical_id, attribute = arn["Fn::GetAtt"]
    assert attribute == "Arn"
    (name,) = (
        resource["Properties"]["AlarmName"]
        for template in deployment.templates.values()
        for id_, resource in template["Resources"].items()
        if id_ == logical_id and resource["Type"] in TYPES
    )
    return str(name)


def _rule(deployment: Deployment, rule: Any) -> str:
    parts = rule["Fn::Join"][1] if isinstance(rule, dict) else [rule]
    return "".join(part if isinstance(part, str) else arn_name(deployment, part) for part in parts)
