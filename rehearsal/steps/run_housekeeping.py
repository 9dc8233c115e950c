"""Run the deployed housekeeping on its schedule, and compare its result with the actual state."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from application import SECRETS
from config import REHEARSAL
from ops_lambdas.housekeeping.core import DELETE_AFTER
from rehearsal.report.facts import CheckRun
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps.fire_schedule import Outcome, expect_metrics, fire
from rehearsal.steps.inbox import Inbox

_NOT_REPLACED = {NAMES.secret(secret.name) for secret in SECRETS if not secret.is_replaced}
_STANDING = NAMES.alarm(3, "latency-high")  # no data arrives here that would end it
_PENDING = "PendingConfirmation"
_EXPIRED = f"{NAMES.database}-of-yesterday"


def prove(run: Run, region: Region) -> list[CheckRun]:
    """Secrets are young, the address subscribed by hand has not confirmed, the database is restorable."""
    cloudwatch, inbox = run.client("cloudwatch", region), Inbox(run, region)
    cloudwatch.set_alarm_state(AlarmName=_STANDING, StateValue="ALARM", StateReason="before anybody was subscribed")
    kept = _snapshots(run, region)
    outcome = fire(run, region, "housekeeping")
    _expect_deleted(run, region, outcome, kept)
    cloudwatch.set_alarm_state(AlarmName=_STANDING, StateValue="OK", StateReason="the end of the rehearsal's trial")
    _notified(run, region, inbox, outcome)
    names = _secrets(run, region, outcome)
    pending = _subscribers(run, region, outcome)
    backup = outcome.result["backup"]
    minutes = backup["restorable_minutes_ago"]
    seen = f"{backup['status']}, restorable to {minutes:g} minutes ago"
    is_so = (backup["status"], backup["has_backup"]) == ("available", True) and minutes < 5
    run.report.expect(is_so, region.name, "housekeeping finds the database restorable", seen)
    expect_metrics(
        run,
        region,
        outcome,
        {
            ("OldestSecretDays", ""): 0,  # nothing before day 80
            ("ConfirmedSubscribers", ""): len(REHEARSAL.alarm_emails),
            ("UnconfirmedSubscribers", ""): len(pending),
            ("RestorableMinutesAgo", ""): 0,  # nothing up to 60
            **_recovery_point(run, region, outcome),
        },
    )
    did = f"{len(names)} secrets under a day old, {', '.join(pending)} has not confirmed, the database is restorable"
    return [outcome.reported(region, did)]


def _recovery_point(run: Run, region: Region, outcome: Outcome) -> dict[tuple[str, str], float]:
    """The backups' copies are there. Return the metric."""
    point = outcome.result["recovery_point"]
    is_so = point["region"] == REHEARSAL.recovery_region and point["exists"] and point["minutes_ago"] < 30
    seen = f"{point['minutes_ago']:g} minutes ago in {point['region']}"
    run.report.expect(is_so, region.name, "housekeeping finds the recovery point in the recovery region", seen)
    return {("RecoveryPointMinutesAgo", ""): point["minutes_ago"]}


def _snapshots(run: Run, region: Region) -> set[str]:
    """Take one with `make snapshot`, and one whose last day was yesterday; return the first, and whatever is there."""
    options = ("--environment", REHEARSAL.name, "--region", region.name, "--name", "before-v2", "--why", "v2")
    run.finish(run.begin("make snapshot", [Path(sys.executable), "-m", "procedures.snapshot", *options], region))
    kept, rds = _identifiers(run, region), run.client("rds", region)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    tags = [{"Key": DELETE_AFTER, "Value": f"{yesterday:%Y-%m-%d}"}]
    rds.create_db_snapshot(DBInstanceIdentifier=NAMES.database, DBSnapshotIdentifier=_EXPIRED, Tags=tags)
    return kept


def _expect_deleted(run: Run, region: Region, outcome: Outcome, kept: set[str]) -> None:
    left, deleted = _identifiers(run, region), outcome.result["snapshots_deleted"]
    is_so = deleted == [_EXPIRED] and left == kept and any("-before-v2-" in one for one in kept)
    seen = f"deleted: {', '.join(deleted) or 'none'}; kept: {', '.join(sorted(left)) or 'none'}"
    name = "make snapshot takes a snapshot, and housekeeping deletes only one whose last day is over"
    run.report.expect(is_so, region.name, name, seen)
    for one in left:
        if "-before-v2-" in one:
            run.client("rds", region).delete_db_snapshot(DBSnapshotIdentifier=one)


def _identifiers(run: Run, region: Region) -> set[str]:
    answer = run.client("rds", region).describe_db_snapshots(DBInstanceIdentifier=NAMES.database)
    return {str(one["DBSnapshotIdentifier"]) for one in answer["DBSnapshots"]}


def _notified(run: Run, region: Region, inbox: Inbox, outcome: Outcome) -> None:
    """The operator has confirmed since the deployment, when the check ran first."""
    emails = inbox.wait(lambda email: f"{_STANDING}, since" in email.message)
    is_so = _STANDING in outcome.result["standing_alarms"] and bool(emails)
    seen = f"“{emails[0].subject}” to {emails[0].to}" if emails else f"no email, {outcome.result['standing_alarms']}"
    name = "who confirms a subscription gets the alarms that are in ALARM already"
    run.report.expect(is_so, region.name, name, seen)


def _secrets(run: Run, region: Region, outcome: Outcome) -> set[str]:
    pages = run.client("secretsmanager", region).get_paginator("list_secrets").paginate()
    there = {one["Name"] for page in pages for one in page["SecretList"] if one["Name"].startswith(NAMES.secret(""))}
    looked_at = {secret["name"]: secret for secret in outcome.result["secrets"]}
    days = outcome.result["oldest_secret_days"]
    is_so = (
        set(looked_at) == there - _NOT_REPLACED and not any(one["is_old"] for one in looked_at.values()) and days < 1
    )
    seen = f"{len(looked_at)} of {len(there)} secrets, the oldest {days:g} days; wallets are not counted"
    run.report.expect(is_so, region.name, "housekeeping finds every secret that is replaced, and none old", seen)
    return set(looked_at)


def _subscribers(run: Run, region: Region, outcome: Outcome) -> list[str]:
    answer = run.client("sns", region).list_subscriptions_by_topic(TopicArn=region.alarm_topic)
    listed: list[dict[str, Any]] = answer["Subscriptions"]
    pending = [one["Endpoint"] for one in listed if one["SubscriptionArn"] == _PENDING]
    found = outcome.result["subscribers"]
    is_so = bool(pending) and found == {"confirmed": len(REHEARSAL.alarm_emails), "unconfirmed": pending}
    seen = f"{found['confirmed']} confirmed, not confirmed: {', '.join(found['unconfirmed']) or 'none'}"
    run.report.expect(
        is_so, region.name, "housekeeping names who has not confirmed the subscription to the alarms", seen
    )
    return pending
