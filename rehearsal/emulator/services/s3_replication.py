"""S3 replication as a bucket's template has it; MiniStack replicates, but takes the configuration by its API only."""

from typing import Any
from xml.sax.saxutils import escape

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_handler import Attributes, Properties, answer

TYPE, FIELD = "AWS::S3::Bucket", "ReplicationConfiguration"


def register() -> None:
    """Put and delete a bucket's replication with its template."""
    handler = provisioners._RESOURCE_HANDLERS[TYPE]
    create_bucket, update_bucket = handler["create"], handler["update"]

    def create(logical_id: str, props: Properties, stack: str) -> tuple[str, Attributes]:
        name, attributes = create_bucket(logical_id, props, stack)
        replicate(name, props)
        return name, attributes

    def update(physical_id: str, old: Properties, new: Properties, *more: Any) -> tuple[str, Attributes]:
        name, attributes = update_bucket(physical_id, old, new, *more)
        replicate(name, new)
        return name, attributes

    provisioners._RESOURCE_HANDLERS[TYPE] = {**handler, "create": create, "update": update}


def replicate(bucket: str, props: Properties) -> None:
    """Configure the replication that the properties have; delete it when they have none."""
    given = props.get(FIELD)
    if given:
        rules = "".join(f"<Rule>{elements(rule)}</Rule>" for rule in given["Rules"])
        text = f"<{FIELD}><Role>{escape(given['Role'])}</Role>{rules}</{FIELD}>"
        answer(s3._put_bucket_replication(bucket, text.encode()))
    else:
        s3._delete_bucket_replication(bucket)


def elements(value: Any) -> str:
    """A part of the configuration as S3's API takes it."""
    if not isinstance(value, dict):
        return escape(str(value))
    names = {"Id": "ID"}
    return "".join(f"<{names.get(key, key)}>{elements(one)}</{names.get(key, key)}>" for key, one in value.items())
