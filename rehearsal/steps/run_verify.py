"""`make verify` on what is deployed: it holds; broken in one way after the other, each is named."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from config import REHEARSAL
from environment import Environment
from procedures.findings import Probe, State, find
from procedures.verify import delivery, metric_names
from procedures.verify.beliefs import look
from procedures.verify.delivery import DeliveryError, deliver
from procedures.verify.deployed import Deployed
from rehearsal.changed_app import changed
from rehearsal.machine.emulated_names import emulated
from rehearsal.report.facts import Step
from rehearsal.run import Region, Run
from rehearsal.steps.break_deployed import breakages
from rehearsal.steps.broken import Broken

_QUIET = Console(quiet=True)
_METRICS: tuple[Probe[Deployed], ...] = (metric_names.of_alarms, metric_names.of_dashboard)
_ALARMS_SECONDS = 150
_FAULT = timedelta(seconds=61)  # the checks that run every minute have alarms of one minute
_LATER = timedelta(hours=1)  # when every metric is listed


def prove(run: Run, region: Region, step: Step) -> None:
    """Nothing fails of what the ordinary rehearsal has deployed, once the faults that it made itself are over."""
    cloudwatch = run.client("cloudwatch", region)
    with suppress(TimeoutError):  # then verify names the alarm
        run.poll(lambda: _faults_are_over(cloudwatch) or None, timeout_seconds=_ALARMS_SECONDS, what="no alarm")
    step.detail = _expect_nothing_fails(run, region, REHEARSAL)


def _faults_are_over(cloudwatch: Any) -> bool:
    """Whether no alarm is in ALARM, and none can return to it by the values of a fault that is mended."""
    since = datetime.now(UTC) - _FAULT
    crossings = cloudwatch.get_paginator("describe_alarm_history").paginate(
        HistoryItemType="StateUpdate", StartDate=since, AlarmTypes=["MetricAlarm"]
    )
    return (
        not any(
            json.loads(one["HistoryData"])["newState"]["stateValue"] == "ALARM"
            and "Threshold Crossed" in one["HistoryData"]
            for page in crossings
            for one in page["AlarmHistoryItems"]
        )
        and not cloudwatch.describe_alarms(StateValue="ALARM", AlarmTypes=["MetricAlarm"])["MetricAlarms"]
    )


def prove_broken(run: Run, region: Region, step: Step) -> None:
    """Nothing fails of a protected region; what is broken then is named, and holds again when it is mended."""
    environment = changed(REHEARSAL, "protected")
    _prove_delivery(run, region, environment)
    detail = _expect_nothing_fails(run, region, environment)
    cases = breakages(run, region)
    for name, (probes, broken) in cases.items():
        _prove(run, region, environment, name, probes, broken)
    _expect_nothing_fails(run, region, environment)
    step.detail = f"{detail}; {len(cases)} faults found"


def _prove(
    run: Run,
    region: Region,
    environment: Environment,
    name: str,
    probes: tuple[Probe[Deployed], ...],
    broken: AbstractContextManager[Broken],
) -> None:
    with broken as change:
        aws = deployed(run, region, change.environment or environment, later=change.later)
        findings = find(probes, change.aws(aws) if change.aws else aws, _QUIET)
    failing = [f"{one.area}: {one.subject}" for one in findings if one.state is State.FAILS]
    is_named = any(one.startswith(name.strip()) for one in failing) and len(failing) <= change.at_most
    run.report.expect(is_named, region.name, f"verify fails: {name.strip()}", ", ".join(failing) or "nothing fails")


def _prove_delivery(run: Run, region: Region, environment: Environment) -> None:
    """Nobody has looked; a person says no, then yes; an answer that is neither is not kept."""
    aws, answers = deployed(run, region, environment), iter(("", "no", "yes"))
    seen: list[str] = []
    for _ in range(3):
        seen += [one.state.value for one in delivery.delivered(aws)]
        try:
            deliver(aws, lambda _question: next(answers), _QUIET, pause_seconds=0.1)
        except DeliveryError as error:
            seen.append(str(error).partition(":")[0])
    seen += [one.state.value for one in delivery.delivered(aws)]
    expected = ["not yet", "Nothing is kept", "not yet", "fails", "holds"]
    name = "an alarm is set off, and a person says whether its email came"
    run.report.expect(seen == expected, region.name, name, ", ".join(seen))


def _expect_nothing_fails(run: Run, region: Region, environment: Environment) -> str:
    findings = [
        *look(deployed(run, region, environment), _QUIET),
        *find(_METRICS, deployed(run, region, environment, later=_LATER), _QUIET),
    ]
    failing = [f"{one.area}: {one.subject}: {one.found}" for one in findings if one.state is State.FAILS]
    counts: Mapping[State, int] = {state: sum(one.state is state for one in findings) for state in State}
    text = ", ".join(f"{count} {state}" for state, count in counts.items())
    run.report.expect(not failing, region.name, "verify: nothing fails", "; ".join(failing) or text)
    return text


def deployed(run: Run, region: Region, environment: Environment, *, later: timedelta = timedelta()) -> Deployed:
    """The region as verify sees it, with the names of the emulated Route 53."""
    return Deployed(
        replace(environment, region=region.name),
        now=datetime.now(UTC) + later,
        address=emulated(run.port),
        ca_file=region.postgres.ca_file,
    )
