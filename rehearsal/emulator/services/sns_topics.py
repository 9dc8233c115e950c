"""SNS topics keep the key that encrypts them; MiniStack's forget that of their template."""

from ministack.services import sns
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties


def keep_key(topic: str, props: Properties) -> None:
    """Keep which key encrypts the topic, for get-topic-attributes."""
    if "KmsMasterKeyId" in props:
        sns._topics[topic]["attributes"]["KmsMasterKeyId"] = props["KmsMasterKeyId"]
    else:
        sns._topics[topic]["attributes"].pop("KmsMasterKeyId", None)


def create_topic(logical_id: str, props: Properties, stack: str) -> tuple[str, Attributes]:
    topic, attributes = TOPIC["create"](logical_id, props, stack)
    keep_key(topic, props)
    return topic, attributes


def update_topic(physical_id: str, old: Properties, new: Properties, *more: str) -> tuple[str, Attributes]:
    topic, attributes = TOPIC["update"](physical_id, old, new, *more)
    keep_key(topic, new)
    return topic, attributes


TOPIC = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"].copy()

HANDLERS: dict[str, Handler] = {"AWS::SNS::Topic": {**TOPIC, "create": create_topic, "update": update_topic}}
