"""Whether an alarm's email arrives: what the policies of topic and key allow, no read tells.

So one harmless alarm is set off, and a person says whether its email came. The answer is kept in an SSM parameter.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from rich.console import Console

from names import Names
from procedures.findings import Finding, State
from procedures.verify.deployed import Deployed

# SNS counts a few minutes later.
_WAIT = timedelta(minutes=6)
_PAUSE_SECONDS = 5.0
_REASON = "Set off by `make verify ... DELIVER=yes`. Nothing is wrong."
_FIGURES = ("NumberOfMessagesPublished", "NumberOfNotificationsDelivered", "NumberOfNotificationsFailed")


class DeliveryError(Exception):
    """The alarm was not set off, or did not notify. The message is for the operator."""


@dataclass(frozen=True)
class _Attempt:
    alarm: str
    begun: datetime


def delivered(aws: Deployed) -> Iterator[Finding]:
    """A person has said that an alarm's email came."""
    once = f"make verify {aws.options} DELIVER=yes"
    try:
        kept = aws.client("ssm").get_parameter(Name=aws.names.delivery_parameter)["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        yield _finding(State.NOT_YET, "nobody has looked yet whether an alarm's email comes", once)
        return
    answer = json.loads(kept)
    if answer["arrived"]:
        yield _finding(State.HOLDS, f"came, says {answer['by']} on {answer['at'][:10]}")
    else:
        mend = f"Look at the policies of topic and key, the spam folder; then {once}"
        yield _finding(State.FAILS, f"did not come, says {answer['by']} on {answer['at'][:10]}", mend)


def deliver(
    aws: Deployed, ask: Callable[[str], str], console: Console, *, pause_seconds: float = _PAUSE_SECONDS
) -> None:
    """Set a harmless alarm off, show what CloudWatch and SNS did, and keep what a person answers.

    The alarm acts by itself, at once; nothing suppresses it, and it is OK again within a minute.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html

    Args:
        ask: shows a question and returns the line that is typed.

    Raises:
        DeliveryError: there is no such alarm, it did not notify, or nobody answered.
    """
    attempt = _Attempt(harmless_alarm(aws.names), datetime.now(UTC) - timedelta(seconds=1))
    _set_state(aws, attempt.alarm, "ALARM")
    try:
        with console.status("Waiting for the alarm's action, and for what SNS counts, a few minutes ..."):
            action = _poll(lambda: _action(aws, attempt), pause_seconds)
            figures = _poll(lambda: _figures(aws, attempt), pause_seconds) if action else None
    finally:
        _set_state(aws, attempt.alarm, "OK")
    if action is None:
        raise DeliveryError(
            f"{attempt.alarm} has taken no action in {_WAIT.seconds // 60} minutes: is there an outage?"
        )
    console.print(f"CloudWatch: {action}", soft_wrap=True)
    counted = ", ".join(f"{name} {value:g}" for name, value in (figures or {}).items()) or "has counted nothing yet"
    console.print(f"SNS: {counted}", soft_wrap=True)
    try:
        typed = ask(f'Did the email "ALARM: {attempt.alarm}" arrive? [yes/no] ').strip().lower()
    except EOFError:
        typed = ""
    if typed not in ("y", "yes", "n", "no"):
        raise DeliveryError("Nothing is kept: the answer must be yes or no, given on a terminal")
    _keep(aws, has_arrived=typed.startswith("y"))


def harmless_alarm(names: Names) -> str:
    """The alarm that is set off: P4, and about nothing that runs."""
    return names.alarm(4, "secret-old")


def _set_state(aws: Deployed, alarm: str, state: str) -> None:
    try:
        aws.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue=state, StateReason=_REASON)
    except ClientError as error:
        raise DeliveryError(f"{alarm} cannot be set to {state}: {error}") from error


def _poll(look: Callable[[], Any], pause_seconds: float) -> Any:
    end = time.monotonic() + _WAIT.total_seconds()
    while (found := look()) is None and time.monotonic() < end:
        time.sleep(pause_seconds)
    return found


def _action(aws: Deployed, attempt: _Attempt) -> str | None:
    """What CloudWatch says of the alarm's notification."""
    items = aws.client("cloudwatch").describe_alarm_history(
        AlarmName=attempt.alarm,
        AlarmTypes=["MetricAlarm"],
        HistoryItemType="Action",
        StartDate=attempt.begun,
        EndDate=datetime.now(UTC) + timedelta(minutes=1),
        ScanBy="TimestampAscending",
    )["AlarmHistoryItems"]
    return str(items[0]["HistorySummary"]) if items else None


def _figures(aws: Deployed, attempt: _Attempt) -> dict[str, float] | None:
    """What SNS has counted of the topic since; None before it has counted a delivery or a failure."""
    found = {name: _sum(aws, name, attempt.begun) for name in _FIGURES}
    return found if any(found[name] for name in _FIGURES[1:]) else None


def _sum(aws: Deployed, name: str, since: datetime) -> float:
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SNS",
        MetricName=name,
        Dimensions=[{"Name": "TopicName", "Value": aws.names.alarm_topic}],
        StartTime=since.replace(second=0, microsecond=0),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def _keep(aws: Deployed, *, has_arrived: bool) -> None:
    who = aws.client("sts").get_caller_identity()["Arn"]
    answer = {"arrived": has_arrived, "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "by": who}
    aws.client("ssm").put_parameter(
        Name=aws.names.delivery_parameter,
        Description="Whether an alarm's email came, by a person's word",
        Value=json.dumps(answer),
        Type="String",
        Overwrite=True,
    )


def _finding(state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="alarms", subject="an alarm's email", state=state, found=found, mend=mend)
