"""Records of what the database held, in the configuration bucket: they outlive the database that they are about."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from ops_lambdas.shared.aws_errors import AWS_ERRORS
from ops_lambdas.shared.bounds import shown
from ops_lambdas.shared.contents import Contents, TableContents

PREFIX = "backup-records/"
_KEY = re.compile(rf"{PREFIX}(\d{{4}}-\d\d-\d\d/\d{{6}})\.json", re.ASCII)
_TIME = "%Y-%m-%d/%H%M%S"
_MAX_BYTES = 100_000
_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


class RecordError(RuntimeError):
    """A record could not be written or read; the message says which, and why."""


def put(bucket: str, record: Contents) -> str:
    """Write a record; return its key. Needs `s3:PutObject` below PREFIX, `kms:GenerateDataKey` and `kms:Decrypt`.

    Raises:
        RecordError: S3 cannot be reached, or refuses.
    """
    key = f"{PREFIX}{record.taken_at.astimezone(UTC):{_TIME}}.json"
    body = json.dumps(asdict(record), default=datetime.isoformat)
    try:
        _client().put_object(Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json")
    except AWS_ERRORS as error:
        raise RecordError(f"{key} cannot be written to {bucket}: {error}") from error
    return key


def newest(bucket: str, *, after: datetime, before: datetime) -> Contents | None:
    """Return the newest record that was taken after one moment and before another; None without any.

    Needs `s3:ListBucket` on the bucket, `s3:GetObject` below PREFIX, and `kms:Decrypt`.

    Raises:
        RecordError: S3 cannot be reached, or refuses; or what is there is no record.
    """
    try:
        taken = [key for key in _keys(bucket, after, before) if after < _time(key) < before]
        if not taken:
            return None
        key = max(taken)
        body = _client().get_object(Bucket=bucket, Key=key)["Body"].read(_MAX_BYTES)
    except AWS_ERRORS as error:
        raise RecordError(f"records cannot be read from {bucket}: {error}") from error
    return _parsed(key, body)


def _client() -> Any:
    return boto3.client("s3", config=_CONFIG)


def _keys(bucket: str, after: datetime, before: datetime) -> Iterator[str]:
    """Keys of the days between two moments."""
    day, last = after.astimezone(UTC).date(), before.astimezone(UTC).date()
    pages = _client().get_paginator("list_objects_v2")
    while day <= last:
        for page in pages.paginate(Bucket=bucket, Prefix=f"{PREFIX}{day:%Y-%m-%d}/"):
            yield from (one["Key"] for one in page.get("Contents", ()) if _KEY.fullmatch(one["Key"]))
        day += timedelta(days=1)


def _time(key: str) -> datetime:
    return datetime.strptime(key[len(PREFIX) : -len(".json")], _TIME).replace(tzinfo=UTC)


def _parsed(key: str, body: bytes) -> Contents:
    try:
        value: Mapping[str, Any] = json.loads(body)
        heartbeat = value["heartbeat"]
        tables = {name: TableContents(one["rows"], tuple(one["newest"])) for name, one in value["tables"].items()}
        return Contents(
            datetime.fromisoformat(value["taken_at"]),
            None if heartbeat is None else datetime.fromisoformat(heartbeat),
            tables,
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        raise RecordError(f"{key} is no record: {shown(body)}") from None
