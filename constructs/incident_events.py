"""All that AWS tells as events, and what becomes of an event that cannot be told."""

from constructs import Construct
from constructs.account_events import AccountEvents
from constructs.channel import Channel, Severity
from constructs.database_events import DatabaseEvents
from constructs.dead_letters import DeadLetters
from constructs.links import Links
from constructs.metrics import FIVE_MINUTES, MAXIMUM
from constructs.service_events import ServiceEvents
from constructs.severity_alarm import SeverityAlarm, Silence


class IncidentEvents(Construct):
    """Events of the service, the database and the account go to the channel's topic, as readable mails.

    One that EventBridge may not hand over, or could not within a day, is kept for 14 days, and an alarm says so.

    Args:
        links: pages of the console.
    Attributes: dead_letters; alarm.
    """

    def __init__(self, scope: Construct, id: str, *, channel: Channel, links: Links) -> None:
        super().__init__(scope, id)
        steps = channel.steps
        self.dead_letters = DeadLetters(self, "DeadLetters", owner=f"{channel.prefix}-event")
        ServiceEvents(self, "Service", channel=channel, links=links, dead_letters=self.dead_letters)
        DatabaseEvents(self, "Database", channel=channel, links=links, dead_letters=self.dead_letters)
        AccountEvents(self, "Account", channel=channel, links=links, dead_letters=self.dead_letters)
        self.alarm = SeverityAlarm(
            self,
            "DeadLetter",
            channel=channel,
            severity=Severity.P4,
            name="event-dead-letters",
            problem="an event of AWS could not be handed to the alarm topic and lies in the dead-letter queue",
            next_steps=(steps.dead_letters("event"), steps.purge("event"), steps.subscribers),
            metric=self.dead_letters.metric_approximate_number_of_messages_visible(
                period=FIVE_MINUTES, statistic=MAXIMUM
            ),
            above=0,
            datapoints=(1, 1),
            silence=Silence.IS_FINE,
        )
