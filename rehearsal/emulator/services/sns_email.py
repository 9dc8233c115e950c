"""SNS emails: kept in a file as the subscribers would read them."""

import json
import re
from pathlib import Path
from typing import Any

from ministack.services import cloudwatch, sns

# Source: Amazon SNS API reference, Publish, Subject.
SUBJECT = re.compile(r"[!-~][ -~]{0,99}")


def register(file: Path) -> None:
    """Append a JSON line {"to", "topic", "subject", "message"} to the file for each email; refuse invalid subjects.

    MiniStack only logs emails, takes any subject, and counts nothing.
    """
    fan_out, publish = sns._fanout, sns._publish

    def fan_out_and_keep(topic: str, message_id: str, message: str, subject: str, *more: Any, **others: Any) -> None:
        fan_out(topic, message_id, message, subject, *more, **others)
        found = sns._topic_by_arn_any_scope(topic) or {"subscriptions": []}
        figures = ["NumberOfMessagesPublished"]
        with file.open("a", encoding="utf-8") as emails:
            for subscription in found["subscriptions"]:
                if subscription["protocol"] == "email" and subscription["confirmed"]:
                    email = {"to": subscription["endpoint"], "topic": topic, "subject": subject, "message": message}
                    emails.write(json.dumps(email) + "\n")
                    figures.append("NumberOfNotificationsDelivered")
        for name in figures:
            cloudwatch.record_metric("AWS/SNS", name, 1, "Count", {"TopicName": topic.rpartition(":")[2]})

    def publish_checked(parameters: Any) -> Any:
        subject = sns._p(parameters, "Subject")
        if subject and not SUBJECT.fullmatch(subject):
            return sns._error("InvalidParameter", "Invalid parameter: Subject", 400)
        return publish(parameters)

    sns._fanout = fan_out_and_keep
    sns._publish = publish_checked
