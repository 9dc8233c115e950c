"""A planned move: what serves in the other region is stopped, and everything that it has comes along."""

import json
import time
from collections.abc import Callable
from datetime import datetime

import boto3

from application import SECRETS
from environment import Environment
from procedures import snapshot
from procedures.findings import CLIENT
from procedures.recover import places
from procedures.recover.source import Source, from_snapshot


def move(
    chosen: Environment, now: datetime, show: Callable[[str], None], *, sleep: Callable[[float], None] = time.sleep
) -> Source:
    """Stop the other region's tasks, and copy a snapshot that is taken then; nothing is lost.

    Raises:
        RecoveryError, SnapshotError: tasks or snapshots are not as they should be after a while.
        BotoCoreError, ClientError: AWS cannot be asked in one of the regions.
    """
    show(places.stop(chosen, chosen.other_region, sleep=sleep))
    there, here = (
        boto3.client("rds", region_name=region, config=CLIENT) for region in (chosen.other_region, chosen.region)
    )
    name = snapshot.take(there, chosen, "move", f"move to {chosen.region}", now)
    snapshot.wait(there, name, show, sleep=sleep)
    (taken,) = there.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
    kms = boto3.client("kms", region_name=chosen.region, config=CLIENT)
    key = kms.describe_key(KeyId=f"alias/{chosen.names.key_alias('data')}")["KeyMetadata"]["Arn"]
    here.copy_db_snapshot(
        SourceDBSnapshotIdentifier=taken["DBSnapshotArn"],
        TargetDBSnapshotIdentifier=name,
        KmsKeyId=key,
        CopyTags=True,
        SourceRegion=chosen.other_region,
    )
    snapshot.wait(here, name, show, sleep=sleep)
    return from_snapshot(here, chosen, name)


def take_secrets(chosen: Environment) -> list[str]:
    """Give this region's own secrets the values that the other region's have; return the names of those that changed.

    For the home region, whose secrets are no copies: a recovery region takes its copies over.
    """
    there, here = (
        boto3.client("secretsmanager", region_name=region, config=CLIENT)
        for region in (chosen.other_region, chosen.region)
    )
    changed = []
    for one in SECRETS:
        name = chosen.names.secret(one.name)
        values = [json.loads(client.get_secret_value(SecretId=name)["SecretString"]) for client in (there, here)]
        if values[0] != values[1]:
            here.put_secret_value(SecretId=name, SecretString=json.dumps(values[0]))
            changed.append(one.name)
    return changed
