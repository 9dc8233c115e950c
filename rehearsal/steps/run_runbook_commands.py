"""Run the runbook's AWS CLI commands against the deployed names, and check each answer."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from config import REHEARSAL
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps.document_commands import run_in_shell

_OF_SERVICE = ("--cluster", NAMES.cluster, "--services", NAMES.service)
_STABLE_SECONDS = 60


def prove(run: Run, region: Region, step: Step) -> None:
    """Run the commands: those that change the service one after the other, the rest in parallel."""
    before = len(run.report.checks)
    sequences: tuple[Callable[[Run, Region], None], ...] = (scaling, logs, metrics, subscription)
    run.parallel(*(lambda prove_one=prove_one: prove_one(run, region) for prove_one in sequences))
    run.report.checks[before:] = sorted(run.report.checks[before:], key=lambda check: check.name)
    step.detail = f"{len(run.report.checks) - before} commands"


def scaling(run: Run, region: Region) -> None:
    """Check the service and its tasks, scale it up and down, and restart it."""
    query = ["--query", "services[0].[runningCount,desiredCount,deployments]"]
    running, desired, deployments = run.aws(region, "ecs", "describe-services", *_OF_SERVICE, *query)
    states = [deployment["status"] for deployment in deployments]
    is_healthy = (running, desired, states) == (REHEARSAL.min_tasks, REHEARSAL.min_tasks, ["PRIMARY"])
    seen = f"{running} of {desired} tasks running, deployments {', '.join(states)}"
    run.report.expect(is_healthy, region.name, "aws ecs describe-services", seen)

    tasks = _list_tasks(run, region)
    is_all = len(tasks) == REHEARSAL.min_tasks
    run.report.expect(is_all, region.name, "aws ecs list-tasks", f"{len(tasks)} tasks")

    details = run.aws(region, "ecs", "describe-tasks", "--cluster", NAMES.cluster, "--tasks", *tasks)["tasks"]
    families = {task["taskDefinitionArn"].rpartition("/")[2].partition(":")[0] for task in details}
    statuses = {task["lastStatus"] for task in details}
    addresses = sorted(
        detail["value"]
        for task in details
        for attachment in task["attachments"]
        for detail in attachment["details"]
        if detail["name"] == "privateIPv4Address"
    )
    is_ours = (families, statuses, addresses) == ({NAMES.task_family}, {"RUNNING"}, sorted(region.hosts))
    seen = f"{', '.join(families)} {', '.join(statuses)} on {', '.join(addresses)}"
    run.report.expect(is_ours, region.name, "aws ecs describe-tasks", seen)

    for count in (8, REHEARSAL.min_tasks):
        _update(run, region, "--desired-count", str(count))
        service = _describe_until(run, region, count)
        is_scaled = service["runningCount"] == count
        name = f"aws ecs update-service --desired-count {count}"
        run.report.expect(is_scaled, region.name, name, _counts(service))

    before = set(_list_tasks(run, region))
    answer = _update(run, region, "--force-new-deployment")
    _describe_until(run, region, REHEARSAL.min_tasks)
    replaced = len(before - set(_list_tasks(run, region)))
    is_new = replaced == len(before) and answer["service"]["serviceName"] == NAMES.service
    seen = f"{replaced} of {len(before)} tasks replaced"
    run.report.expect(is_new, region.name, "aws ecs update-service --force-new-deployment", seen)


def logs(run: Run, region: Region) -> None:
    """Find the errors, and only them, among what the tasks log."""
    stream = "web/web/rehearsal"
    client = run.client("logs", region)
    client.create_log_stream(logGroupName=NAMES.service_log_group, logStreamName=stream)
    lines = ("GET /api/health/coral 200", "ERROR could not reach Coral: connect ECONNREFUSED", "GET / 200")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + place, "message": line} for place, line in enumerate(lines)]
    client.put_log_events(logGroupName=NAMES.service_log_group, logStreamName=stream, logEvents=events)
    options = f"--since 30m --filter-pattern ERROR --region {region.name}"
    found = run_in_shell(run, region, f"aws logs tail {NAMES.service_log_group} {options}").splitlines()
    is_found = [line.partition(f" {stream} ")[2] for line in found] == [lines[1]]
    seen = f"{len(found)} of {len(lines)} lines of {NAMES.service_log_group}"
    run.report.expect(is_found, region.name, "aws logs tail --filter-pattern ERROR", seen)


def metrics(run: Run, region: Region) -> None:
    """Read the service's CPU utilization, of which the rehearsal puts one datum as ECS would."""
    dimensions = {"ServiceName": NAMES.service, "ClusterName": NAMES.cluster}
    datum = {
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Value": 42.5,
        "Unit": "Percent",
    }
    run.client("cloudwatch", region).put_metric_data(Namespace="AWS/ECS", MetricData=[datum])
    end = datetime.now(UTC) + timedelta(minutes=1)
    begin = end - timedelta(hours=1)
    options = ["--namespace", "AWS/ECS", "--metric-name", "CPUUtilization", "--dimensions"]
    options += [f"Name={name},Value={value}" for name, value in dimensions.items()]
    options += ["--start-time", f"{begin:%Y-%m-%dT%H:%M:%S}", "--end-time", f"{end:%Y-%m-%dT%H:%M:%S}"]
    options += ["--period", "300", "--statistics", "Average"]
    answer = run.aws(region, "cloudwatch", "get-metric-statistics", *options)
    averages = [point["Average"] for point in answer["Datapoints"]]
    seen = f"{answer['Label']} {averages} %"
    run.report.expect(averages == [42.5], region.name, "aws cloudwatch get-metric-statistics", seen)


def subscription(run: Run, region: Region) -> None:
    """Confirm the addresses that the deployment subscribed to the alarms, and subscribe another."""
    topic = region.alarm_topic
    of_topic = ["--topic-arn", topic]
    asked = [json.loads(line) for line in (run.folder / "emulator" / "confirmations.jsonl").read_text().splitlines()]
    tokens = {one["to"]: one["token"] for one in asked if one["topic"] == topic}
    for email in REHEARSAL.alarm_emails:  # with the token in the email that asks for it
        confirm = ["confirm-subscription", *of_topic, "--authenticate-on-unsubscribe", "true", "--token", tokens[email]]
        arn = run.aws(region, "sns", *confirm)["SubscriptionArn"]
        run.report.expect(arn.startswith(topic), region.name, "aws sns confirm-subscription", f"{email}: {arn}")
    address = "your-email@example.com"
    answer = run.aws(region, "sns", "subscribe", *of_topic, "--protocol", "email", "--notification-endpoint", address)
    subscribers = run.client("sns", region).list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    addresses = sorted(one["Endpoint"] for one in subscribers if one["Protocol"] == "email")
    is_there = addresses == sorted([address, *REHEARSAL.alarm_emails]) and "SubscriptionArn" in answer
    run.report.expect(is_there, region.name, "aws sns subscribe", ", ".join(addresses))


def _describe(run: Run, region: Region) -> dict[str, Any]:
    service: dict[str, Any] = run.aws(region, "ecs", "describe-services", *_OF_SERVICE)["services"][0]
    return service


def _describe_until(run: Run, region: Region, count: int) -> dict[str, Any]:
    """Describe the service until that many tasks run, or it has had time enough."""
    deadline = time.monotonic() + _STABLE_SECONDS
    while (service := _describe(run, region))["runningCount"] != count and time.monotonic() < deadline:
        run.processes.check()
    return service


def _list_tasks(run: Run, region: Region) -> list[str]:
    arns: list[str] = run.aws(region, "ecs", "list-tasks", "--cluster", NAMES.cluster)["taskArns"]
    return arns


def _update(run: Run, region: Region, *change: str) -> dict[str, Any]:
    options = ["--cluster", NAMES.cluster, "--service", NAMES.service, *change]
    answer: dict[str, Any] = run.aws(region, "ecs", "update-service", *options)
    return answer


def _counts(service: dict[str, Any]) -> str:
    return f"{service['status']}, {service['runningCount']} of {service['desiredCount']} tasks running"
