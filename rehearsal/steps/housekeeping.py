"""Let the deployed housekeeping run by its schedule, and compare what it saw."""

from typing import Any

from application import SECRETS
from config import REHEARSAL
from rehearsal.report import CheckRun
from rehearsal.run import ACCOUNT, PREFIX, Region, Run
from rehearsal.steps.schedules import Outcome, expect_metrics, fire

_KEPT = {f"{PREFIX}/{secret.name}" for secret in SECRETS if not secret.is_replaced}
_PENDING = "PendingConfirmation"


def look(run: Run, region: Region) -> list[CheckRun]:
    """Run it once: secrets are young, who was subscribed by hand has not confirmed, the database is restorable."""
    topic = f"arn:aws:sns:{region.name}:{ACCOUNT}:{PREFIX}-alarms"
    outcome = fire(run, region, "housekeeping")
    names = _secrets(run, region, outcome)
    pending = _subscribers(run, region, topic, outcome)
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
            ("OldestSecretDays", ""): outcome.result["oldest_secret_days"],
            ("ConfirmedSubscribers", ""): len(REHEARSAL.alarm_emails),
            ("UnconfirmedSubscribers", ""): len(pending),
            ("RestorableMinutesAgo", ""): minutes,
        },
    )
    did = f"{len(names)} secrets under a day old, {', '.join(pending)} has not confirmed, the database is restorable"
    return [outcome.told(region, did)]


def _secrets(run: Run, region: Region, outcome: Outcome) -> set[str]:
    pages = run.client("secretsmanager", region).get_paginator("list_secrets").paginate()
    there = {one["Name"] for page in pages for one in page["SecretList"] if one["Name"].startswith(f"{PREFIX}/")}
    looked_at = {secret["name"]: secret for secret in outcome.result["secrets"]}
    days = outcome.result["oldest_secret_days"]
    is_so = set(looked_at) == there - _KEPT and not any(one["is_old"] for one in looked_at.values()) and days < 1
    seen = f"{len(looked_at)} of {len(there)} secrets, the oldest {days:g} days; wallets are not counted"
    run.report.expect(is_so, region.name, "housekeeping finds every secret that is replaced young", seen)
    return set(looked_at)


def _subscribers(run: Run, region: Region, topic: str, outcome: Outcome) -> list[str]:
    listed: list[dict[str, Any]] = run.client("sns", region).list_subscriptions_by_topic(TopicArn=topic)[
        "Subscriptions"
    ]
    pending = [one["Endpoint"] for one in listed if one["SubscriptionArn"] == _PENDING]
    found = outcome.result["subscribers"]
    is_so = bool(pending) and found == {"confirmed": len(REHEARSAL.alarm_emails), "unconfirmed": pending}
    seen = f"{found['confirmed']} confirmed, not confirmed: {', '.join(found['unconfirmed']) or 'none'}"
    run.report.expect(is_so, region.name, "housekeeping names who has not confirmed to hear the alarms", seen)
    return pending
