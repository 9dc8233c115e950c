"""Alarms, dashboard, event rules, subscribers and roles that are broken."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from config import REHEARSAL
from procedures.verify import alarm_states, event_patterns, metric_names, permissions
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps.broken import Broken, Case, changing

_ALARM = NAMES.alarm(4, "notifications-failed")
_RULE = NAMES.alarm(4, "task-stopped")
_DAY = timedelta(days=1)


def of_alarms(run: Run, region: Region) -> dict[str, Case]:
    """An unpublished metric, an alarm that fires or is silent, nobody who reads, a rule that matches nothing."""
    cloudwatch, events, sns = (run.client(name, region) for name in ("cloudwatch", "events", "sns"))
    alarm = cloudwatch.describe_alarms(AlarmNames=[_ALARM])["MetricAlarms"][0]
    taken = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    as_is = {key: value for key, value in alarm.items() if key in taken}
    other = as_is | {"Namespace": "AWS/RDS", "MetricName": "CPUUtilisation"}
    dashboard = cloudwatch.get_dashboard(DashboardName=NAMES.prefix)["DashboardBody"]
    rule = events.describe_rule(Name=_RULE)["EventPattern"]
    typo = json.dumps(json.loads(rule) | {"source": ["aws.ec2"]})
    address = str(REHEARSAL.alarm_emails[0])
    return {
        f"metrics: {_ALARM}": (
            (metric_names.of_alarms,),
            changing(
                lambda: cloudwatch.put_metric_alarm(**other),
                lambda: cloudwatch.put_metric_alarm(**as_is),
                Broken(later=_DAY),
            ),
        ),
        "metrics: ": (
            (metric_names.of_dashboard,),
            changing(
                lambda: cloudwatch.put_dashboard(
                    DashboardName=NAMES.prefix, DashboardBody=dashboard.replace("DatabaseConnections", "Connections")
                ),
                lambda: cloudwatch.put_dashboard(DashboardName=NAMES.prefix, DashboardBody=dashboard),
                Broken(later=_DAY, at_most=3),
            ),
        ),
        f"alarms: {_ALARM}": (
            (alarm_states.states,),
            changing(
                lambda: cloudwatch.set_alarm_state(AlarmName=_ALARM, StateValue="ALARM", StateReason="broken"),
                lambda: cloudwatch.set_alarm_state(AlarmName=_ALARM, StateValue="OK", StateReason="mended"),
            ),
        ),
        "alarms: actions": (
            (alarm_states.states,),
            changing(
                lambda: cloudwatch.disable_alarm_actions(AlarmNames=[_ALARM]),
                lambda: cloudwatch.enable_alarm_actions(AlarmNames=[_ALARM]),
            ),
        ),
        "alarms: subscribers": ((alarm_states.subscriptions,), _unsubscribed(run, region, sns, address)),
        "event rules: p4-task-stopped": (
            (event_patterns.rules,),
            changing(
                lambda: events.put_rule(Name=_RULE, EventPattern=typo),
                lambda: events.put_rule(Name=_RULE, EventPattern=rule),
            ),
        ),
        "event rules: p4-task-stopped ": (
            (event_patterns.rules,),
            changing(lambda: events.disable_rule(Name=_RULE), lambda: events.enable_rule(Name=_RULE)),
        ),
    }


@contextmanager
def _unsubscribed(run: Run, region: Region, sns: Any, address: str) -> Iterator[Broken]:
    topic = region.alarm_topic
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    for one in subscriptions:
        if one["SubscriptionArn"].startswith("arn:"):
            sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    try:
        yield Broken()
    finally:
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
        asked = (run.folder / "emulator" / "confirmations.jsonl").read_text().splitlines()
        sns.confirm_subscription(TopicArn=topic, Token=json.loads(asked[-1])["token"])


def of_roles(run: Run, region: Region) -> dict[str, Case]:
    """A statement taken from a role, one added to another, and one whose condition is gone."""
    role = run.client("lambda", region).get_function_configuration(FunctionName=NAMES.check("pool_health"))["Role"]
    wide = {"Effect": "Allow", "Action": "rds:DeleteDBInstance", "Resource": "*"}
    probes = permissions.probes()

    def without_login(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in statements if one["Action"] != "rds-db:connect"]

    def without_condition(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in one.items() if key != "Condition"} if one["Effect"] == "Allow" else one
            for one in statements
        ]

    changes = {"": without_login, " ": lambda statements: [*statements, wide], "  ": without_condition}
    return {
        f"permissions: pool health{blank}": (probes, _policy(run, region, role.rpartition("/")[2], change))
        for blank, change in changes.items()
    }


@contextmanager
def _policy(
    run: Run, region: Region, role: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> Iterator[Broken]:
    iam = run.client("iam", region)
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    broken = document | {"Statement": change(document["Statement"])}
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(broken))
    try:
        yield Broken()
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
