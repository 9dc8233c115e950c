"""Set deployed alarms off, and wait for their messages at a subscriber of the encrypted topic."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rehearsal.report import Alarm, Step
from rehearsal.run import ACCOUNT, PREFIX, Region, Run

_REASON = "set off by the rehearsal"
_WAIT_SECONDS = 60


def set_off(run: Run, region: Region, step: Step) -> None:
    """Set every alarm off that speaks to the topic, the first with the AWS CLI; each must be heard."""
    topic = f"arn:aws:sns:{region.name}:{ACCOUNT}:{PREFIX}-alarms"
    alarms = _alarms(run, region, topic)
    run.report.expect(bool(alarms), region.name, "alarms speak to the topic", f"{len(alarms)} alarms")
    key = run.client("sns", region).get_topic_attributes(TopicArn=topic)["Attributes"].get("KmsMasterKeyId", "")
    name = "the topic is encrypted with a key of its own"
    run.report.expect(bool(key), region.name, name, key.rpartition("/")[2] or "no key")
    with _subscriber(run, region, topic) as queue:
        _calm(run, region, alarms)
        begun = time.monotonic()
        state = ["--state-value", "ALARM", "--state-reason", _REASON]
        run.aws(region, "cloudwatch", "set-alarm-state", "--alarm-name", alarms[0], *state)
        cloudwatch = run.client("cloudwatch", region)
        for name in alarms[1:]:
            cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=_REASON)
        heard = _heard(run, region, queue, set(alarms), begun)
    missing = sorted(set(alarms) - set(heard))
    results = {name: "delivered" if name in heard else "not delivered" for name in alarms}
    run.report.alarms += [
        Alarm(name, region.name, result, round(heard.get(name, 0), 2)) for name, result in results.items()
    ]
    seen = f"not heard: {', '.join(missing)}" if missing else f"{len(heard)} of {len(alarms)} messages arrived"
    run.report.expect(not missing, region.name, "a subscriber of the topic hears every alarm", seen)
    step.detail = f"{len(heard)} alarms"


def _alarms(run: Run, region: Region, topic: str) -> list[str]:
    pages = run.client("cloudwatch", region).get_paginator("describe_alarms")
    answers = list(pages.paginate(AlarmNamePrefix=PREFIX, AlarmTypes=["MetricAlarm", "CompositeAlarm"]))
    alarms = [alarm for answer in answers for kind in ("MetricAlarms", "CompositeAlarms") for alarm in answer[kind]]
    return sorted(alarm["AlarmName"] for alarm in alarms if topic in alarm["AlarmActions"])


def _calm(run: Run, region: Region, alarms: list[str]) -> None:
    """End what is in alarm already, as after the checks, because only a change of state is told."""
    cloudwatch = run.client("cloudwatch", region)
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=PREFIX, StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    for alarm in (alarm for page in pages for kind in ("MetricAlarms", "CompositeAlarms") for alarm in page[kind]):
        if alarm["AlarmName"] in alarms:
            cloudwatch.set_alarm_state(
                AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="before the rehearsal's"
            )


@contextmanager
def _subscriber(run: Run, region: Region, topic: str) -> Iterator[str]:
    """A queue that is subscribed to the topic meanwhile."""
    sqs, sns = run.client("sqs", region), run.client("sns", region)
    name = f"{PREFIX}-listener"
    arn = f"arn:aws:sqs:{region.name}:{ACCOUNT}:{name}"
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    statement = {**allowed, "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queue = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    yield queue
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=queue)


def _heard(run: Run, region: Region, queue: str, expected: set[str], begun: float) -> dict[str, float]:
    """Receive until every expected alarm was heard, or time is up; seconds it took by alarm."""
    sqs = run.client("sqs", region)
    heard: dict[str, float] = {}
    while not expected <= set(heard) and time.monotonic() - begun < _WAIT_SECONDS:
        run.processes.check()
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for received in answer.get("Messages", []):
            message: dict[str, Any] = json.loads(json.loads(received["Body"])["Message"])
            if message["NewStateValue"] == "ALARM" and message["NewStateReason"] == _REASON:
                heard[message["AlarmName"]] = time.monotonic() - begun
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=received["ReceiptHandle"])
    return heard
