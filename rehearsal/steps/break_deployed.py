"""Ways in which what is deployed is broken, each with the finding of verify that must name it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from config import REHEARSAL
from environment import Environment
from procedures.findings import Probe
from procedures.verify import (
    alarm_states,
    answering_site,
    check_runs,
    event_patterns,
    metric_names,
    permissions,
    running_database,
    running_service,
    stack_states,
)
from procedures.verify.deployed import Deployed
from rehearsal.changed_app import changed
from rehearsal.run import NAMES, Region, Run

_ALARM = NAMES.alarm(4, "notifications-failed")
_RULE = NAMES.alarm(4, "task-stopped")
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """How verify looks at what is broken.

    Attributes:
        environment: another than is deployed.
        later: after so much time.
        aws: changes what verify asks.
        at_most: findings that fail.
    """

    environment: Environment | None = None
    later: timedelta = timedelta()
    aws: Callable[[Deployed], Deployed] | None = None
    at_most: int = 1


Case = tuple[tuple[Probe[Deployed], ...], Any]


def breakages(run: Run, region: Region) -> dict[str, Case]:
    """By the beginning of the finding that must fail: the probes that are asked, and what breaks it."""
    return {**_of_stacks(), **_of_alarms(run, region), **_of_roles(run, region), **_of_the_rest(run, region)}


@contextmanager
def _seen(broken: Broken) -> Iterator[Broken]:
    yield broken


@contextmanager
def _changed(change: Callable[[], Any], back: Callable[[], Any], broken: Broken | None = None) -> Iterator[Broken]:
    change()
    try:
        yield broken or Broken()
    finally:
        back()


def _of_stacks() -> dict[str, Case]:
    protected = changed(REHEARSAL, "protected")
    extra = replace(protected.containers[1], name="agent-another")
    more = replace(protected, containers=(*protected.containers, extra))
    absent = replace(protected, name="absent")
    return {
        "stacks: pardon-absent-network": ((stack_states.stacks,), _seen(Broken(environment=absent, at_most=8))),
        "service: containers": ((running_service.containers,), _seen(Broken(environment=more))),
        "checks: pool health": ((check_runs.last_runs,), _seen(Broken(later=_DAY, at_most=9))),
        "site: https://": ((answering_site.answer,), _seen(Broken(aws=_at_a_closed_port))),
    }


def _at_a_closed_port(aws: Deployed) -> Deployed:
    aws.address = lambda _name, _port: ("127.0.0.1", 9)
    return aws


def _of_alarms(run: Run, region: Region) -> dict[str, Case]:
    cloudwatch, events, sns = (run.client(name, region) for name in ("cloudwatch", "events", "sns"))
    alarm = cloudwatch.describe_alarms(AlarmNames=[_ALARM])["MetricAlarms"][0]
    kept = ("AlarmName", "Namespace", "MetricName", "Dimensions", "Period", "EvaluationPeriods", "Threshold")
    as_is = {key: alarm[key] for key in (*kept, "ComparisonOperator", "Statistic", "TreatMissingData")}
    other = as_is | {"Namespace": "AWS/RDS", "MetricName": "CPUUtilisation"}
    notification = NAMES.notification(_ALARM)
    dashboard = cloudwatch.get_dashboard(DashboardName=NAMES.prefix)["DashboardBody"]
    rule = events.describe_rule(Name=_RULE)["EventPattern"]
    typo = json.dumps(json.loads(rule) | {"source": ["aws.ec2"]})
    address = str(REHEARSAL.alarm_emails[0])
    return {
        f"metrics: {_ALARM}": (
            (metric_names.of_alarms,),
            _changed(
                lambda: cloudwatch.put_metric_alarm(**other),
                lambda: cloudwatch.put_metric_alarm(**as_is),
                Broken(later=_DAY),
            ),
        ),
        "metrics: ": (
            (metric_names.of_dashboard,),
            _changed(
                lambda: cloudwatch.put_dashboard(
                    DashboardName=NAMES.prefix, DashboardBody=dashboard.replace("DatabaseConnections", "Connections")
                ),
                lambda: cloudwatch.put_dashboard(DashboardName=NAMES.prefix, DashboardBody=dashboard),
                Broken(later=_DAY, at_most=3),
            ),
        ),
        f"alarms: {_ALARM}": (
            (alarm_states.states,),
            _changed(
                lambda: cloudwatch.set_alarm_state(AlarmName=_ALARM, StateValue="ALARM", StateReason="broken"),
                lambda: cloudwatch.set_alarm_state(AlarmName=_ALARM, StateValue="OK", StateReason="mended"),
            ),
        ),
        "alarms: actions": (
            (alarm_states.states,),
            _changed(
                lambda: cloudwatch.disable_alarm_actions(AlarmNames=[notification]),
                lambda: cloudwatch.enable_alarm_actions(AlarmNames=[notification]),
            ),
        ),
        "alarms: subscribers": ((alarm_states.subscriptions,), _unsubscribed(run, region, sns, address)),
        "event rules: p4-task-stopped": (
            (event_patterns.rules,),
            _changed(
                lambda: events.put_rule(Name=_RULE, EventPattern=typo),
                lambda: events.put_rule(Name=_RULE, EventPattern=rule),
            ),
        ),
        "event rules: p4-task-stopped ": (
            (event_patterns.rules,),
            _changed(lambda: events.disable_rule(Name=_RULE), lambda: events.enable_rule(Name=_RULE)),
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


def _of_roles(run: Run, region: Region) -> dict[str, Case]:
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
        f"permissions: pool_health{blank}": (probes, _policy(run, region, role.rpartition("/")[2], change))
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


def _of_the_rest(run: Run, region: Region) -> dict[str, Case]:
    rds, sqs, scheduler = (run.client(name, region) for name in ("rds", "sqs", "scheduler"))
    elbv2 = run.client("elbv2", region)
    instance = rds.describe_db_instances(DBInstanceIdentifier=NAMES.database)["DBInstances"][0]
    group = instance["DBParameterGroups"][0]["DBParameterGroupName"]
    queue = sqs.get_queue_url(QueueName=NAMES.check_dead_letter_queue("pool_health"))["QueueUrl"]
    target_group = elbv2.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    found = elbv2.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    targets = [{"Id": one["Target"]["Id"]} for one in found]
    of_check = {"Name": NAMES.check("pool_health"), "GroupName": NAMES.schedule_group}
    schedule = scheduler.get_schedule(**of_check)
    kept = {key: schedule[key] for key in ("ScheduleExpression", "Target", "FlexibleTimeWindow")} | of_check

    def parameter(value: str, method: str) -> None:
        one = {"ParameterName": "rds.force_ssl", "ParameterValue": value, "ApplyMethod": method}
        rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[one])

    def modify(**change: Any) -> None:
        rds.modify_db_instance(DBInstanceIdentifier=NAMES.database, ApplyImmediately=True, **change)

    return {
        "service: targets": (
            (running_service.targets,),
            _changed(
                lambda: elbv2.deregister_targets(TargetGroupArn=target_group, Targets=targets),
                lambda: elbv2.register_targets(TargetGroupArn=target_group, Targets=targets),
            ),
        ),
        "database: plain connections": (
            (running_database.parameters,),
            _changed(lambda: parameter("0", "immediate"), lambda: parameter("1", "immediate")),
        ),
        f"database: {NAMES.database}": (
            (running_database.instances,),
            _changed(lambda: modify(PubliclyAccessible=True), lambda: modify(PubliclyAccessible=False)),
        ),
        "database: backups": (
            (running_database.backups,),
            _changed(
                lambda: modify(BackupRetentionPeriod=1), lambda: modify(BackupRetentionPeriod=REHEARSAL.backup_days)
            ),
        ),
        "checks: schedules": (
            (check_runs.schedules,),
            _changed(
                lambda: scheduler.update_schedule(State="DISABLED", **kept),
                lambda: scheduler.update_schedule(State="ENABLED", **kept),
            ),
        ),
        "checks: dead letters": (
            (check_runs.dead_letters,),
            _changed(
                lambda: sqs.send_message(QueueUrl=queue, MessageBody="{}"), lambda: sqs.purge_queue(QueueUrl=queue)
            ),
        ),
        f"site: record of {REHEARSAL.domain}": ((answering_site.record,), _other_record(run, region)),
    }


@contextmanager
def _other_record(run: Run, region: Region) -> Iterator[Broken]:
    route53, zone = run.client("route53", region), REHEARSAL.hosted_zone_id
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (record,) = (one for one in records if one["Name"].rstrip(".") == REHEARSAL.domain and one["Type"] == "A")
    alias = record["AliasTarget"] | {"DNSName": "another.us-east-1.elb.amazonaws.com."}

    def put(one: Any) -> None:
        change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": one}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)

    put(record | {"AliasTarget": alias})
    try:
        yield Broken()
    finally:
        put(record)
