"""The checks: their schedules are enabled, their last runs succeeded, nothing is left in their dead-letter queues."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from names import CHECKS
from procedures.findings import Finding, State
from procedures.verify.alarm_states import alarms
from procedures.verify.deployed import Deployed

_FIRST_RUNS = timedelta(minutes=15)
_PERIOD_SECONDS = 300  # 1,440 periods are the most, five days


def schedules(aws: Deployed) -> Iterator[Finding]:
    """Every check has a schedule, and every schedule is enabled."""
    client, group = aws.client("scheduler"), aws.names.schedule_group
    pages = client.get_paginator("list_schedules").paginate(GroupName=group)
    found = {one["Name"]: one["State"] for page in pages for one in page["Schedules"]}
    faults = [f"{name} is {state}" for name, state in sorted(found.items()) if state != "ENABLED"]
    scheduled = {check for check in CHECKS for name in found if name.startswith(aws.names.check(check))}
    faults += [f"{check} has none" for check in CHECKS if check not in scheduled]
    mend = f"make deploy {aws.options} STACKS={aws.names.stack('operations')}"
    state = State.FAILS if faults else State.HOLDS
    yield _finding("schedules", state, ", ".join(faults) or f"{len(found)} are enabled", mend if faults else "")


def last_runs(aws: Deployed) -> Iterator[Finding]:
    """Each check has run within the time that its alarm for not running allows, and the last run did not fail."""
    windows = {
        one["AlarmName"]: timedelta(seconds=one["Period"] * one["EvaluationPeriods"])
        for one in alarms(aws)
        if one["AlarmName"].endswith("-not-running")
    }
    for check in CHECKS:
        window = windows.get(aws.names.alarm(4, f"{check.replace('_', '-')}-not-running"), timedelta(days=1))
        yield _run(aws, check, window)


def _run(aws: Deployed, check: str, window: timedelta) -> Finding:
    subject = check.replace("_", " ")
    runs, errors = (_counts(aws, check, name, window) for name in ("Invocations", "Errors"))
    if runs:
        last = max(runs)
        minutes = max(0, int((aws.now - last).total_seconds() // 60))
        if errors.get(last, 0) < runs[last]:
            return _finding(subject, State.HOLDS, f"ran {minutes} minutes ago")
        mend = aws.cli(f"logs tail {aws.names.check_log_group(check)} --since 1d")
        return _finding(subject, State.FAILS, f"its last run, {minutes} minutes ago, failed", mend)
    if aws.now < aws.changed_at + _FIRST_RUNS:
        return _finding(subject, State.NOT_YET, "its first run is not counted yet", f"make verify {aws.options}, later")
    return _finding(subject, State.FAILS, f"no run in the last {window}", f"make check CHECK={check} {aws.options}")


def _counts(aws: Deployed, check: str, metric: str, window: timedelta) -> dict[datetime, float]:
    """Sums of a metric of the check's function in its last window, by the beginning of their periods, without 0."""
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": aws.names.check(check)}],
        StartTime=aws.now - window,
        EndTime=aws.now,
        Period=_PERIOD_SECONDS,
        Statistics=["Sum"],
    )["Datapoints"]
    return {point["Timestamp"]: point["Sum"] for point in points if point["Sum"]}


def dead_letters(aws: Deployed) -> Iterator[Finding]:
    """No event of a check or of a rule is left undelivered. Asking also makes each queue publish its metrics."""
    client, faults = aws.client("sqs"), []
    queues = [*map(aws.names.check_dead_letter_queue, CHECKS), aws.names.event_dead_letter_queue]
    for name in queues:
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        asked = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        count = int(asked["Attributes"]["ApproximateNumberOfMessages"])
        faults += [f"{count} in {name}"] if count else []
    mend = f"{aws.environment.runbook}#p4-check-dead-letters"
    found = ", ".join(faults) or f"{len(queues)} queues are empty"
    yield _finding("dead letters", State.FAILS if faults else State.HOLDS, found, mend if faults else "")


def migration(aws: Deployed) -> Iterator[Finding]:
    """The last migration succeeded."""
    machines = aws.physical_ids("AWS::StepFunctions::StateMachine", "service")
    for arn in machines:
        client = aws.client("stepfunctions")
        executions: list[Any] = client.list_executions(stateMachineArn=arn, maxResults=1)["executions"]
        status = executions[0]["status"] if executions else "has never run"
        is_right = status in ("SUCCEEDED", "RUNNING")
        mend = "" if is_right else f"{aws.environment.runbook}#p3-migration-failed"
        yield _finding("migration", State.HOLDS if is_right else State.FAILS, status.lower(), mend)


def _finding(subject: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="checks", subject=subject, state=state, found=found, mend=mend)
