"""Set every deployed alarm off once, put every event once, and read the emails about them."""

import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from config import REHEARSAL
from procedures.verify.event_samples import Event, samples
from rehearsal.report.facts import Delivery, Step
from rehearsal.run import ACCOUNT, NAMES, Region, Run
from rehearsal.steps.inbox import Email, Inbox
from rehearsal.steps.run_next_steps import SECRET

_REASON = "set off by the rehearsal"
_OF_AN_EVENT = ("What: ", "Where: ", "When: ", "Link: https://", "Next:", "Runbook: https://")


def prove(run: Run, region: Region, step: Step) -> None:
    """Each alarm and each event must reach every subscriber, with severity, what is wrong, next step and link."""
    topic = run.client("sns", region).get_topic_attributes(TopicArn=region.alarm_topic)["Attributes"]
    name, key = "the topic is encrypted with its own key", topic.get("KmsMasterKeyId", "")
    run.report.expect(bool(key), region.name, name, key.rpartition("/")[2] or "no key")
    before = len(run.report.deliveries)
    for kind, deliveries in (("alarm", _alarms(run, region)), ("event", _events(run, region))):
        name = f"a subscriber reads severity, what, next step and link of every {kind}"
        ms: list[float] = []
        for delivery in deliveries:
            run.report.deliveries.append(delivery)
            if delivery.result != "delivered":
                run.report.expect(False, region.name, name, f"{delivery.name}: {delivery.result}")
            ms.append(delivery.ms)
        seen = f"{len(ms)} emails, the slowest after {max(ms, default=0):.0f} ms"
        run.report.expect(bool(ms), region.name, name, seen)
    _set_alarm_state(run, region, run.report.deliveries[before].name)
    step.detail = f"{len(run.report.deliveries) - before} emails"


def _alarms(run: Run, region: Region) -> Iterator[Delivery]:
    """Set the metric alarms off one after the other; they notify, or the composite alarm that each is part of."""
    cloudwatch = run.client("cloudwatch", region)
    pages = list(
        cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{NAMES.prefix}-p", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
    )
    alarms = sorted(alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"])
    rules = {one["AlarmName"]: one["AlarmRule"] for page in pages for one in page["CompositeAlarms"]}
    notifiers = {name: next((one for one, rule in rules.items() if f':{name}"' in rule), name) for name in alarms}
    set_state = partial(cloudwatch.set_alarm_state, StateReason=_REASON)
    inbox = Inbox(run, region)
    for name, notifier in notifiers.items():
        # Only a change of state notifies, and what the checks published may set one off at any moment.
        for one in (one for one in alarms if notifiers[one] == notifier):
            set_state(AlarmName=one, StateValue="OK")
        inbox.read()
        delivery = _delivery(
            region,
            inbox,
            "alarm",
            name,
            trigger=partial(set_state, AlarmName=name, StateValue="ALARM"),
            matches=partial(_is_about, notifier, "ALARM"),
            text=lambda email: "{AlarmDescription}\n{NewStateReason}".format(**json.loads(email.message)),
            expected=("\n\nNext:\n", f"\n\nRunbook: {REHEARSAL.runbook_url}#", _REASON if notifier == name else name),
        )
        set_state(AlarmName=name, StateValue="OK")
        yield delivery
    inbox.read()
    ends = {json.loads(email.message)["AlarmName"] for email in inbox.emails if not _is_alarm(email)}
    urgent = {name for name in notifiers.values() if name.startswith((NAMES.alarm(1, ""), NAMES.alarm(2, "")))}
    seen = f"{len(ends)} alarms of P1 and P2" if ends == urgent else f"{sorted(ends ^ urgent)}"
    run.report.expect(ends == urgent, region.name, "P1 and P2 also notify of OK", seen)


def _events(run: Run, region: Region) -> Iterator[Delivery]:
    """Put an event for each rule, as its service would."""
    client, inbox = run.client("events", region), Inbox(run, region)
    found = {rule["Name"] for rule in client.list_rules(NamePrefix=f"{NAMES.prefix}-p")["Rules"]}
    rules = {name for name in found if re.match(rf"{NAMES.prefix}-p\d-", name)}  # the others start a check
    task = run.client("ecs", region).list_tasks(cluster=NAMES.cluster)["taskArns"][0]
    secret = run.client("secretsmanager", region).describe_secret(SecretId=SECRET)["ARN"]
    of_the_rules = samples(NAMES.prefix, ACCOUNT, region.name, task=task, secret=secret)
    events = {f"{NAMES.prefix}-{name}": event for name, event in of_the_rules.items()}
    seen = f"{len(rules)} rules" if rules == events.keys() else f"{sorted(rules ^ events.keys())}"
    run.report.expect(rules == events.keys(), region.name, "there is an event to put for every rule", seen)
    for name, event in events.items():
        yield _delivery(
            region,
            inbox,
            "event",
            name,
            trigger=partial(client.put_events, Entries=[_entry(event)]),
            matches=lambda email: email.message.startswith('"P'),
            text=lambda email: "\n".join(
                line.removeprefix('"').removesuffix('"') for line in email.message.split("\n")
            ),
            expected=(*(f"\n{line}" for line in _OF_AN_EVENT), *event.expected),
        )


def _delivery(
    region: Region,
    inbox: Inbox,
    kind: str,
    name: str,
    *,
    trigger: Callable[[], Any],
    matches: Callable[[Email], bool],
    text: Callable[[Email], str],
    expected: tuple[str, ...],
) -> Delivery:
    """Trigger an alarm or event, wait for the emails, and compare them with what is expected."""
    severity = name.removeprefix(f"{NAMES.prefix}-")[:2].upper()
    begun = time.monotonic()
    trigger()
    emails = inbox.wait(matches)
    ms = round((time.monotonic() - begun) * 1000, 1)
    readers = {email.to for email in emails}
    received = text(emails[0]) if emails else ""
    missing = [part.strip() for part in expected if part not in received]
    if not emails:
        result = "not delivered"
    elif readers != set(REHEARSAL.alarm_emails):
        result = f"delivered to {', '.join(sorted(readers))}, not to {', '.join(REHEARSAL.alarm_emails)}"
    elif not received.startswith(f"{severity}: ") or "<" in received or missing:
        result = f"the email lacks {', '.join(missing) or severity}: {received}"
    else:
        result = "delivered"
    what = received.partition("\n")[0].removeprefix(f"{severity}: ")
    steps = received.partition("\nNext:\n")[2].partition("\nRunbook: ")[0].split("\n")
    return Delivery(name, kind, severity, region.name, result, ms, what, tuple(filter(None, steps)))


def _set_alarm_state(run: Run, region: Region, alarm: str) -> None:
    """Set an alarm off with the AWS CLI, as an operator would."""
    inbox = Inbox(run, region)
    for state in ("ALARM", "OK"):
        arguments = ["--alarm-name", alarm, "--state-value", state, "--state-reason", _REASON]
        run.aws(region, "cloudwatch", "set-alarm-state", *arguments)
    emails = inbox.wait(_is_alarm)
    seen = f"“{emails[0].subject}”" if emails else "no email"
    run.report.expect(bool(emails), region.name, "aws cloudwatch set-alarm-state", seen)


def _is_about(alarm: str, state: str, email: Email) -> bool:
    return email.subject.startswith(f'{state}: "{alarm}"')


def _is_alarm(email: Email) -> bool:
    return email.subject.startswith("ALARM: ")


def _entry(event: Event) -> dict[str, Any]:
    return {
        "Source": event.source,
        "DetailType": event.detail_type,
        "Resources": event.resources,
        "Detail": json.dumps(event.detail),
    }
