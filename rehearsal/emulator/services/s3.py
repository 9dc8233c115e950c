"""S3: a bucket's Object Lock as its template has it, and the condition keys of conditional writes.

MiniStack keeps a lock that is put with its API; its CloudFormation leaves the property out.
"""

from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import s3
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_handler import Properties

_BUCKET = "AWS::S3::Bucket"


def register() -> None:
    """Lock what buckets of templates lock, and give policies the keys that a write has."""
    handler = provisioners._RESOURCE_HANDLERS[_BUCKET]
    create, update = handler["create"], handler["update"]

    def create_locked(logical_id: str, props: Properties, stack: str) -> Any:
        created = create(logical_id, props, stack)
        lock(created[0], props)
        return created

    def update_locked(physical_id: str, old: Properties, new: Properties, stack: str) -> Any:
        updated = update(physical_id, old, new, stack)
        lock(updated[0], new)
        return updated

    context = iam_actions.s3_service_context

    def context_of_write(
        action: str, query: Mapping[str, Any] | None, path: str = "", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        keys: dict[str, Any] = context(action, query, path, headers)
        return {**keys, **write_keys(query or {}, headers or {})} if action == "s3:PutObject" else keys

    provisioners._RESOURCE_HANDLERS[_BUCKET] = {**handler, "create": create_locked, "update": update_locked}
    iam_actions.s3_service_context = context_of_write


def lock(bucket: str, props: Properties) -> None:
    """Switch the lock of new objects on or off, where the bucket has locks at all."""
    if not props.get("ObjectLockEnabled"):
        return
    retention = props.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention")
    default = {**retention, "Days": int(retention["Days"])} if retention else None
    s3._bucket_object_lock[bucket] = {"enabled": True, "default_retention": default}


def write_keys(query: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """Whether the request makes the object, as its parts do not, and only where there is none.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    is_part = "uploads" in query or "partNumber" in query
    keys = {"s3:ObjectCreationOperation": "false" if is_part else "true"}
    condition = headers.get("if-none-match")
    return {**keys, "s3:if-none-match": condition} if condition else keys
