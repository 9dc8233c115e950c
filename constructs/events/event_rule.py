"""EventBridge rules that email an event of an AWS service as readable text."""

from functools import partial
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.alarms.notifications import Notifications
from constructs.alarms.severity import Severity
from constructs.common.links import Links

event_field = events.EventField.from_path
"""The value in an event at a path such as `$.detail.reason`, for the texts of an email."""


class EventRule(events.Rule):
    """A rule `<prefix>-p<severity>-<name>` that emails an event: what, where, when, link and next steps.

    Every line of the email is in quotation marks (decision 13). An event has no end, so no email follows when
    it is over. Neither an outage nor a deployment suppresses it.

    Args:
        severity, name: of the rule, and of the runbook's section `p<severity>-<name>`.
        problem: what has happened, as a clause.
        source, detail_type, resources, detail: what the event must match; a list's members are alternatives.
        what, where, when: texts with fields of the event.
        link: page of the console that shows it.
        next_steps: commands or procedures, in order; they may contain fields of the event.
        dead_letter_queue: keeps what could not be delivered to the topic.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        notifications: Notifications,
        severity: Severity,
        name: str,
        problem: str,
        source: str,
        detail_type: list[str],
        what: str,
        where: str,
        link: str,
        next_steps: tuple[str, ...],
        dead_letter_queue: sqs.IQueue,
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
                f"Runbook: {notifications.runbook}#p{severity}-{name}",
            )
        )
        super().__init__(
            scope,
            id,
            rule_name=notifications.names.alarm(severity, name),
            description=f"P{severity}: {problem}",
            event_pattern=events.EventPattern(
                source=[source], detail_type=detail_type, resources=resources, detail=detail
            ),
            targets=[
                targets.SnsTopic(
                    notifications.topic,
                    message=events.RuleTargetInput.from_multiline_text(text),
                    dead_letter_queue=dead_letter_queue,
                )
            ],
        )


class EventRules(Construct):
    """Event rules that publish to one topic and share a dead-letter queue; a subclass adds them in `add_rules`.

    Args:
        dead_letter_queue: keeps what could not be delivered to the topic.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        notifications: Notifications,
        links: Links,
        dead_letter_queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        self.names, self.steps, self.links = notifications.names, notifications.steps, links
        self.rule = partial(EventRule, self, notifications=notifications, dead_letter_queue=dead_letter_queue)
        self.add_rules()

    def add_rules(self) -> None:
        """Create the rules, each by `self.rule`."""
        raise NotImplementedError
