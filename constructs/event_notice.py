"""Mails about what AWS tells as an event, and not as a metric."""

from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.severity_alarm import alarm_name

event_field = events.EventField.from_path
"""What stands in an event at a path such as `$.detail.reason`, for the texts of a notice."""


class EventNotice(events.Rule):
    """A rule `<prefix>-p<severity>-<name>` that mails what an event says: what, where, when, link, next step.

    Every line of the mail stands in quotation marks (decision 13). An event has no end, so there is no mail when
    all is well again.

    Args:
        channel: its topic is told; neither outage nor deployment keeps an event quiet.
        severity, name: of the rule, and of the runbook's section `p<severity>-<name>`.
        problem: what has happened, as a clause.
        source, detail_type, resources, detail: what the event must match; a list's members are alternatives.
        what, where, when: texts with fields of the event.
        link: page of the console that shows it.
        next_steps: commands or procedures, the first first; they may hold fields of the event.
        dead_letters: keeps what could not be handed to the topic.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        channel: Channel,
        severity: Severity,
        name: str,
        problem: str,
        source: str,
        detail_type: list[str],
        what: str,
        where: str,
        link: str,
        next_steps: tuple[str, ...],
        dead_letters: sqs.IQueue,
        detail: dict[str, Any],
        resources: list[str] | None = None,
        when: str | None = None,
    ) -> None:
        text = "\n".join(
            (
                f"P{severity}: {problem}.",
                f"What: {what}",
                f"Where: {where}, account {event_field('$.account')}, {event_field('$.region')}",
                f"When: {when or event_field('$.time')}",
                f"Link: {link}",
                "Next:",
                *next_steps,
                f"Runbook: {channel.runbook}#p{severity}-{name}",
            )
        )
        super().__init__(
            scope,
            id,
            rule_name=alarm_name(channel.prefix, severity, name),
            description=f"P{severity}: {problem}",
            event_pattern=events.EventPattern(
                source=[source], detail_type=detail_type, resources=resources, detail=detail
            ),
            targets=[
                targets.SnsTopic(
                    channel.topic,
                    message=events.RuleTargetInput.from_multiline_text(text),
                    dead_letter_queue=dead_letters,
                )
            ],
        )
