"""Set every deployed alarm off once, put every event once, and read the mails that come of it."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from config import REHEARSAL
from rehearsal.event_samples import Event, samples
from rehearsal.mailbox import Mail, Mailbox
from rehearsal.report import Delivery, Step
from rehearsal.run import ACCOUNT, PREFIX, Region, Run
from rehearsal.steps.next_steps import SECRET

_REASON = "set off by the rehearsal"
_OF_AN_EVENT = ("What: ", "Where: ", "When: ", "Link: https://", "Next:", "Runbook: https://")


def prove(run: Run, region: Region, step: Step) -> None:
    """Each alarm and each event must reach every subscriber, with severity, what is wrong, next step and link."""
    topic = run.client("sns", region).get_topic_attributes(TopicArn=Mailbox(run, region).topic)["Attributes"]
    name, key = "the topic is encrypted with a key of its own", topic.get("KmsMasterKeyId", "")
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
        run.report.expect(
            bool(ms), region.name, name, f"{len(ms)} mails, the slowest after {max(ms, default=0):.0f} ms"
        )
    _by_hand(run, region, run.report.deliveries[before].name)
    step.detail = f"{len(run.report.deliveries) - before} mails"


def _alarms(run: Run, region: Region) -> Iterator[Delivery]:
    """Set the metric alarms off one after the other; they speak through their composite alarms."""
    cloudwatch = run.client("cloudwatch", region)
    pages = list(
        cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{PREFIX}-p", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
    )
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    rules = {one["AlarmName"]: one["AlarmRule"] for page in pages for one in page["CompositeAlarms"]}
    set_state = partial(cloudwatch.set_alarm_state, StateReason=_REASON)
    for alarm in alarms:  # the checks may have set some off, and only a change is told
        set_state(AlarmName=alarm["AlarmName"], StateValue="OK")
    mailbox = Mailbox(run, region)
    for alarm in sorted(alarms, key=lambda alarm: str(alarm["AlarmName"])):
        name = alarm["AlarmName"]
        speaker = next((composite for composite, rule in rules.items() if f':{name}"' in rule), "nobody")
        delivery = _delivery(
            region,
            mailbox,
            "alarm",
            name,
            trigger=partial(set_state, AlarmName=name, StateValue="ALARM"),
            is_it=partial(_tells, speaker, "ALARM"),
            text=lambda mail: "{AlarmDescription}\n{NewStateReason}".format(**json.loads(mail.message)),
            must_hold=("\n\nNext:\n", f"\n\nRunbook: {REHEARSAL.runbook_url}#", name),
        )
        set_state(AlarmName=name, StateValue="OK")
        yield delivery
    mailbox.read()
    ends = {json.loads(mail.message)["AlarmName"] for mail in mailbox.mails if not _is_alarm(mail)}
    urgent = {name for name in rules if name.startswith((f"{PREFIX}-p1-", f"{PREFIX}-p2-"))}
    seen = f"{len(ends)} composite alarms of P1 and P2" if ends == urgent else f"{sorted(ends ^ urgent)}"
    run.report.expect(ends == urgent, region.name, "P1 and P2 also tell when all is well again", seen)


def _events(run: Run, region: Region) -> Iterator[Delivery]:
    """Put an event for each rule, as its service would."""
    client, mailbox = run.client("events", region), Mailbox(run, region)
    rules = {rule["Name"] for rule in client.list_rules(NamePrefix=f"{PREFIX}-p")["Rules"]}
    task = run.client("ecs", region).list_tasks(cluster=f"{PREFIX}-cluster")["taskArns"][0]
    secret = run.client("secretsmanager", region).describe_secret(SecretId=SECRET)["ARN"]
    of_the_rules = samples(PREFIX, ACCOUNT, region.name, task=task, secret=secret)
    events = {f"{PREFIX}-{name}": event for name, event in of_the_rules.items()}
    seen = f"{len(rules)} rules" if rules == events.keys() else f"{sorted(rules ^ events.keys())}"
    run.report.expect(rules == events.keys(), region.name, "there is an event to put for every rule", seen)
    for name, event in events.items():
        yield _delivery(
            region,
            mailbox,
            "event",
            name,
            trigger=partial(client.put_events, Entries=[_entry(event)]),
            is_it=lambda mail: mail.message.startswith('"P'),
            text=lambda mail: "\n".join(line.removeprefix('"').removesuffix('"') for line in mail.message.split("\n")),
            must_hold=(*(f"\n{line}" for line in _OF_AN_EVENT), *event.told),
        )


def _delivery(
    region: Region,
    mailbox: Mailbox,
    kind: str,
    name: str,
    *,
    trigger: Callable[[], Any],
    is_it: Callable[[Mail], bool],
    text: Callable[[Mail], str],
    must_hold: tuple[str, ...],
) -> Delivery:
    """Pull the trigger, wait for the mail, and hold it against what it must tell."""
    severity = name.removeprefix(f"{PREFIX}-")[:2].upper()
    begun = time.monotonic()
    trigger()
    mails = mailbox.wait(is_it)
    ms = round((time.monotonic() - begun) * 1000, 1)
    readers = {mail.to for mail in mails}
    told = text(mails[0]) if mails else ""
    missing = [part.strip() for part in must_hold if part not in told]
    if not mails:
        result = "not delivered"
    elif readers != set(REHEARSAL.alarm_emails):
        result = f"delivered to {', '.join(sorted(readers))}, not to {', '.join(REHEARSAL.alarm_emails)}"
    elif not told.startswith(f"{severity}: ") or "<" in told or missing:
        result = f"the mail does not tell {', '.join(missing) or severity}: {told}"
    else:
        result = "delivered"
    what = told.partition("\n")[0].removeprefix(f"{severity}: ")
    steps = told.partition("\nNext:\n")[2].partition("\nRunbook: ")[0].split("\n")
    return Delivery(name, kind, severity, region.name, result, ms, what, tuple(filter(None, steps)))


def _by_hand(run: Run, region: Region, alarm: str) -> None:
    """Try the delivery as an operator would."""
    mailbox = Mailbox(run, region)
    for state in ("ALARM", "OK"):
        arguments = ["--alarm-name", alarm, "--state-value", state, "--state-reason", _REASON]
        run.aws(region, "cloudwatch", "set-alarm-state", *arguments)
    mails = mailbox.wait(_is_alarm)
    seen = f"“{mails[0].subject}”" if mails else "no mail"
    run.report.expect(bool(mails), region.name, "aws cloudwatch set-alarm-state", seen)


def _tells(alarm: str, state: str, mail: Mail) -> bool:
    return mail.subject.startswith(f'{state}: "{alarm}"')


def _is_alarm(mail: Mail) -> bool:
    return mail.subject.startswith("ALARM: ")


def _entry(event: Event) -> dict[str, Any]:
    return {
        "Source": event.source,
        "DetailType": event.detail_type,
        "Resources": event.resources,
        "Detail": json.dumps(event.detail),
    }
