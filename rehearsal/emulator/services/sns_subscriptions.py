"""SNS email subscriptions: pending until the owner of the address confirms."""

import json
from pathlib import Path
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import sns
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_handler import Attributes, Properties

TYPE = "AWS::SNS::Subscription"
PENDING = "PendingConfirmation"  # https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html


def register(file: Path) -> None:
    """Keep each email subscription pending; append a JSON line {"to", "topic", "token"} to the file for each.

    That is what the confirmation email contains. MiniStack keeps only HTTP endpoints pending.
    """
    subscribe, list_by_topic = sns._subscribe, sns._list_subscriptions_by_topic
    handler = provisioners._RESOURCE_HANDLERS[TYPE]
    create = handler["create"]

    def ask(topic: dict[str, Any], known: set[str]) -> list[str]:
        """Ask the topic's new subscribers to confirm; return their ARNs."""
        new = [one for one in topic["subscriptions"] if one["protocol"] == "email" and one["arn"] not in known]
        for one in new:
            one |= {"confirmed": False, "token": new_uuid()}
            with file.open("a", encoding="utf-8") as asked:
                line = {"to": one["endpoint"], "topic": topic["arn"], "token": one["token"]}
                asked.write(json.dumps(line) + "\n")
        return [one["arn"] for one in new]

    def subscribe_and_ask(parameters: Any) -> Any:
        topic = sns._topic_by_arn_any_scope(sns._p(parameters, "TopicArn"))
        known = arns(topic)
        answer = subscribe(parameters)
        return replaced(answer, ask(topic, known), "pending confirmation") if topic else answer

    def create_and_ask(logical_id: str, props: Properties, stack: str) -> tuple[str, Attributes]:
        topic = sns._topic_by_arn_any_scope(props.get("TopicArn", ""))
        known = arns(topic)
        created: tuple[str, Attributes] = create(logical_id, props, stack)
        if topic:
            ask(topic, known)
        return created

    def list_with_pending(parameters: Any) -> Any:
        topic = sns._topic_by_arn_any_scope(sns._p(parameters, "TopicArn")) or {"subscriptions": []}
        pending = [one["arn"] for one in topic["subscriptions"] if not one["confirmed"]]
        return replaced(list_by_topic(parameters), pending, PENDING)

    sns._subscribe = subscribe_and_ask
    sns._list_subscriptions_by_topic = list_with_pending
    provisioners._RESOURCE_HANDLERS[TYPE] = {**handler, "create": create_and_ask}


def arns(topic: dict[str, Any] | None) -> set[str]:
    """Of a topic's subscriptions."""
    return {one["arn"] for one in topic["subscriptions"]} if topic else set()


def replaced(answer: tuple[int, Any, bytes], old: list[str], new: str) -> tuple[int, Any, bytes]:
    """An answer with another text for each of the ARNs."""
    status, headers, body = answer
    for arn in old:
        body = body.replace(arn.encode(), new.encode())
    return status, headers, body
