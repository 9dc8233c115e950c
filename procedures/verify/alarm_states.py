"""The alarms' states, and who reads their emails."""

from collections.abc import Iterator
from typing import Any

from procedures.findings import Finding, State
from procedures.preflight.subscribers import CONFIRM, confirmed_addresses
from procedures.verify.deployed import Deployed


def states(aws: Deployed) -> Iterator[Finding]:
    """No alarm is in ALARM; each one that notifies does so to the topic."""
    described = alarms(aws)
    incidents = [one for one in described if not one["AlarmName"].startswith(aws.names.state(""))]
    if not incidents:
        yield _finding("alarms", State.FAILS, "there are none", f"make deploy {aws.options}")
        return
    for one in incidents:
        # A composite alarm repeats the state of its metric alarm, except where it joins several.
        if one["StateValue"] == "ALARM" and not one["AlarmName"].endswith(aws.names.notification("")):
            description = str(one.get("AlarmDescription", ""))
            yield _finding(
                one["AlarmName"],
                State.FAILS,
                f"is in ALARM: {description.partition(chr(10))[0]}",
                f"{aws.environment.runbook}#{one['AlarmName'].removeprefix(f'{aws.names.prefix}-')}",
            )
    waiting = [one["AlarmName"] for one in incidents if one["StateValue"] == "INSUFFICIENT_DATA"]
    fine = sum(one["StateValue"] == "OK" for one in incidents)
    mend = aws.cli(f"cloudwatch describe-alarms --state-value INSUFFICIENT_DATA --alarm-name-prefix {aws.names.prefix}")
    if waiting:
        yield _finding("alarms", State.NOT_YET, f"{len(waiting)} of {len(incidents)} have no data yet", mend)
    else:
        yield _finding("alarms", State.HOLDS, f"{fine} of {len(incidents)} are OK")
    yield _actions(aws, incidents)


def alarms(aws: Deployed) -> list[dict[str, Any]]:
    """Every alarm of the environment, metric alarms first."""
    pages = list(
        aws.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=f"{aws.names.prefix}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    return [one for kind in ("MetricAlarms", "CompositeAlarms") for page in pages for one in page.get(kind, ())]


def _actions(aws: Deployed, incidents: list[dict[str, Any]]) -> Finding:
    rules = " ".join(one.get("AlarmRule", "") for one in incidents)
    # What is part of a composite alarm notifies through that.
    notifying = [one for one in incidents if f':{one["AlarmName"]}"' not in rules]
    silent = [one["AlarmName"] for one in notifying if not one["ActionsEnabled"] or one["AlarmActions"] != [aws.topic]]
    if silent:
        mend = aws.cli(f"cloudwatch enable-alarm-actions --alarm-names {' '.join(silent)}")
        return _finding("actions", State.FAILS, f"notify nobody: {', '.join(silent)}", mend)
    return _finding("actions", State.HOLDS, f"{len(notifying)} alarms publish to {aws.names.alarm_topic}")


def subscriptions(aws: Deployed) -> Iterator[Finding]:
    """At least one address of a protected environment has confirmed, and every configured one has."""
    confirmed = confirmed_addresses(aws)
    missing = [one for one in aws.environment.alarm_emails if one not in confirmed]
    if not confirmed:
        state = State.FAILS if aws.environment.is_protected else State.NOT_YET
        yield _finding("subscribers", state, "nobody has confirmed: no alarm reaches anybody", CONFIRM)
    elif missing:
        yield _finding("subscribers", State.NOT_YET, f"not confirmed: {', '.join(missing)}", CONFIRM)
    else:
        yield _finding("subscribers", State.HOLDS, f"{len(confirmed)} confirmed")


def _finding(subject: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="alarms", subject=subject, state=state, found=found, mend=mend)
