"""All event rules, and the dead-letter queue of events that could not be delivered."""

from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.common.cloudwatch_metrics import FIVE_MINUTES, MAXIMUM
from constructs.common.dead_letter_queue import DeadLetterQueue
from constructs.common.links import Links
from constructs.events.account_events import AccountEvents
from constructs.events.database_events import DatabaseEvents
from constructs.events.service_events import ServiceEvents


class AllEvents(Construct):
    """Events of the service, the database and the account are emailed through the alarm topic.

    An event that EventBridge was not allowed to deliver, or could not within a day, stays in the queue for 14 days.

    Args:
        links: pages of the console.
    Attributes: dead_letter_queue; alarm.
    """

    def __init__(self, scope: Construct, id: str, *, context: AlarmContext, links: Links) -> None:
        super().__init__(scope, id)
        notifications = context.notifications
        steps, queue_name = notifications.steps, notifications.names.event_dead_letter_queue
        self.dead_letter_queue = queue = DeadLetterQueue(self, "DeadLetters", name=queue_name)
        ServiceEvents(self, "Service", notifications=notifications, links=links, dead_letter_queue=queue)
        DatabaseEvents(self, "Database", notifications=notifications, links=links, dead_letter_queue=queue)
        AccountEvents(self, "Account", notifications=notifications, links=links, dead_letter_queue=queue)
        self.alarm = SeverityAlarm(
            self,
            "DeadLetter",
            notifications=notifications,
            severity=Severity.P4,
            name="event-dead-letters",
            problem="an event that could not be delivered has been in the dead-letter queue",
            next_steps=(steps.dead_letters(queue_name), steps.purge(queue_name), steps.subscribers),
            metric=queue.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES, statistic=MAXIMUM),
            above=0,
            datapoints=(1, 1),
            missing_data=TreatMissingData.NOT_BREACHING,
        )
