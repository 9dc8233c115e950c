"""Housekeeping's decisions at their bounds, and its settings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops_lambdas.housekeeping.core import (
    Backup,
    Instance,
    RecoveryPoint,
    Secret,
    SecretAge,
    Subscribers,
    Subscription,
    backup,
    empty_secrets,
    recovery_point,
    secret_ages,
    subscribers,
)
from ops_lambdas.housekeeping.report import (
    publish_backup,
    publish_due,
    publish_recovery_point,
    publish_secrets,
    publish_subscribers,
)
from ops_lambdas.housekeeping.settings import Settings
from ops_lambdas.housekeeping.standing_alarms import StandingAlarm, has_new_subscriber, subject, text
from ops_lambdas.shared.settings import InvalidSettingError, from_environment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:pardon-production-alarms"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:pardon-production/cron-secret-AbCdEf"
OTHER = SECRET.replace("cron-secret", "openai-api-key")
VALID = {
    "ENVIRONMENT": "production",
    "SECRET_ARNS": f"{SECRET},{OTHER}",
    "EMPTY_SECRET_ARNS": OTHER,
    "TOPIC_ARN": TOPIC,
    "ALARM_EMAILS": "",
    "DATABASE_INSTANCE": "pardon-production-database",
    "ALARM_PREFIX": "pardon-production-p",
    "RECOVERY_REGION": "us-west-2",
}


# In AWS: when it runs in production.
SCHEDULES = {"housekeeping": "rate(1 hour)"}


def publish_every_metric(environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard."""
    publish_backup(environment, Backup("available", has_backup=True, restorable_minutes_ago=1))
    publish_subscribers(environment, Subscribers(1, ()))
    publish_secrets(environment, (SecretAge("secret", 1, is_old=False),))
    publish_due(environment, ())
    publish_recovery_point(environment, RecoveryPoint("us-west-2", exists=True, minutes_ago=6))


@pytest.mark.parametrize(
    ("age", "days", "is_old"),
    [
        (timedelta(minutes=-5), 0.0, False),
        (timedelta(0), 0.0, False),
        (timedelta(hours=12), 0.5, False),
        (timedelta(days=89, hours=23, minutes=59), 89.9, False),
        (timedelta(days=90), 90.0, False),
        (timedelta(days=90, hours=2), 90.0, False),
        (timedelta(days=90, hours=2, minutes=24), 90.1, True),
        (timedelta(days=1000), 1000.0, True),
    ],
)
def test_a_secret_is_old_above_90_days(age: timedelta, days: float, is_old: bool) -> None:
    (secret,) = secret_ages([Secret("arn", "s", NOW - age, was_replaced=True)], ["arn"], NOW)
    assert (secret.days, secret.is_old) == (days, is_old)


def test_the_oldest_secret_comes_first_and_none_is_no_age() -> None:
    made = [
        Secret(name.upper(), name, NOW - timedelta(days=days), was_replaced=False)
        for name, days in (("a", 1), ("b", 200), ("c", 91))
    ]
    assert empty_secrets(made, ["C", "A"]) == ("a", "c")
    assert empty_secrets([replace(made[0], was_replaced=True)], ["A"]) == ()
    assert [(one.name, one.is_old) for one in secret_ages(made, "ABC", NOW)] == [("b", True), ("c", True), ("a", False)]
    assert secret_ages([], "ABC", NOW) == ()


def listed(endpoint: str, arn: str = f"{TOPIC}:1", protocol: str = "email") -> Subscription:
    return Subscription(protocol, endpoint, arn)


@pytest.mark.parametrize(
    ("subscriptions", "emails", "expected"),
    [
        ([], [], Subscribers(0, ())),
        ([listed("a@example.com")], ["a@example.com"], Subscribers(1, ())),
        ([listed("A@Example.com")], ["a@example.com"], Subscribers(1, ())),
        ([listed("a@example.com", protocol="email-json")], ["a@example.com"], Subscribers(1, ())),
        ([listed("a@example.com", "PendingConfirmation")], ["a@example.com"], Subscribers(0, ("a@example.com",))),
        ([], ["a@example.com", "b@example.com"], Subscribers(0, ("a@example.com", "b@example.com"))),
        ([listed("a@example.com", "Deleted")], ["a@example.com"], Subscribers(0, ("a@example.com",))),
        ([listed("a@example.com", "Deleted")], [], Subscribers(0, ())),
        ([listed("a@example.com", "Deleted"), listed("a@example.com")], ["a@example.com"], Subscribers(1, ())),
        ([listed("a@example.com", "PendingConfirmation")], [], Subscribers(0, ("a@example.com",))),
        (
            [listed("https://example.com/hook", "PendingConfirmation", "https"), listed("a@example.com")],
            ["a@example.com", "b@example.com"],
            Subscribers(1, ("b@example.com", "https://example.com/hook")),
        ),
        ([listed("arn:aws:sqs:us-east-1:123456789012:q", protocol="sqs")], [], Subscribers(1, ())),
        ([listed("a@example.com", protocol="sms")], ["a@example.com"], Subscribers(1, ("a@example.com",))),
    ],
    ids=[
        *("none", "confirmed", "other case", "as JSON", "pending", "absent", "unsubscribed", "former", "again"),
        *("pending by hand", "several", "queue", "other protocol"),
    ],
)
def test_who_should_be_subscribed_and_is_not_is_named(
    subscriptions: list[Subscription], emails: list[str], expected: Subscribers
) -> None:
    assert subscribers(subscriptions, emails) == expected


@pytest.mark.parametrize(
    ("restorable", "created", "has_backup", "minutes"),
    [
        (timedelta(minutes=-1), timedelta(days=9), True, 0.0),
        (timedelta(minutes=5), timedelta(days=9), True, 5.0),
        (timedelta(minutes=60), timedelta(days=9), True, 60.0),
        (timedelta(minutes=60, seconds=6), timedelta(days=9), True, 60.1),
        (timedelta(days=2), timedelta(days=9), True, 2880.0),
        (None, timedelta(minutes=20), False, 20.0),
        (None, timedelta(days=1), False, 1440.0),
    ],
)
def test_a_backup_is_as_old_as_its_latest_restorable_time(
    restorable: timedelta | None, created: timedelta, has_backup: bool, minutes: float
) -> None:
    instance = Instance("available", NOW - created, None if restorable is None else NOW - restorable)
    found = backup(instance, NOW)
    assert (found.status, found.has_backup, found.restorable_minutes_ago) == ("available", has_backup, minutes)


@pytest.mark.parametrize(
    ("latest", "minutes", "exists", "is_known"),
    [
        ((timedelta(minutes=6), timedelta(hours=3)), 6, True, True),
        ((timedelta(hours=7),), 420, True, True),
        ((), 180, False, False),
        ((), 180.1, False, True),
    ],
)
def test_recovery_point_is_the_newest_or_the_creation_once_a_copy_should_be_there(
    latest: tuple[timedelta, ...], minutes: float, exists: bool, is_known: bool
) -> None:
    created = NOW - timedelta(minutes=minutes)
    found = recovery_point("us-west-2", [NOW - ago for ago in latest], created, NOW)
    assert (found.minutes_ago, found.exists, found.is_known) == (minutes, exists, is_known)


@pytest.mark.parametrize(
    ("text", "emails"),
    [
        ("", ()),
        ("a@example.com", ("a@example.com",)),
        ("a@example.com,b@example.com", ("a@example.com", "b@example.com")),
    ],
)
def test_settings_are_read(text: str, emails: tuple[str, ...]) -> None:
    assert from_environment(Settings, {**VALID, "ALARM_EMAILS": text}) == Settings(
        environment="production",
        empty_secret_arns=(OTHER,),
        secret_arns=(SECRET, OTHER),
        topic_arn=TOPIC,
        alarm_emails=emails,
        database_instance="pardon-production-database",
        alarm_prefix="pardon-production-p",
        recovery_region="us-west-2",
    )


@pytest.mark.parametrize("field", list(VALID))
def test_a_missing_setting_is_named(field: str) -> None:
    with pytest.raises(InvalidSettingError, match=rf"^{field} must be .*, got None$"):
        from_environment(Settings, {name: value for name, value in VALID.items() if name != field})


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("SECRET_ARNS", "", "comma-separated ARNs of different Secrets Manager secrets"),
        ("SECRET_ARNS", f"{SECRET},", "ARNs of different Secrets Manager secrets"),
        ("SECRET_ARNS", f"{SECRET},{SECRET}", "ARNs of different Secrets Manager secrets"),
        ("SECRET_ARNS", "cron-secret", "ARNs of different Secrets Manager secrets"),
        ("ALARM_EMAILS", "operator", "different comma-separated email addresses, or empty"),
        ("ALARM_EMAILS", "a@example.com, b@example.com", "different comma-separated email addresses"),
        ("ALARM_EMAILS", "a@example.com,a@example.com", "different comma-separated email addresses"),
        ("ALARM_EMAILS", ",", "different comma-separated email addresses"),
        ("DATABASE_INSTANCE", "arn:aws:rds:us-east-1:123456789012:db:x", "the name of a resource"),
    ],
)
def test_a_bad_setting_names_field_value_and_what_is_allowed(field: str, value: str, allowed: str) -> None:
    with pytest.raises(InvalidSettingError, match=allowed) as caught:
        from_environment(Settings, {**VALID, field: value})
    assert str(caught.value).startswith(f"{field} must be ")
    assert str(caught.value).endswith(f", got {value!r}")


@pytest.mark.parametrize(
    ("before", "confirmed", "expected"),
    [(None, 0, False), (None, 1, True), (0, 0, False), (0, 1, True), (1, 1, False), (2, 1, False), (1, 2, True)],
)
def test_a_subscriber_is_new_when_there_are_more(before: int | None, confirmed: int, *, expected: bool) -> None:
    assert has_new_subscriber(before, confirmed) is expected


def test_standing_alarms_are_listed_from_the_oldest_and_bounded() -> None:
    alarms = [StandingAlarm(f"alarm-{n}", NOW + timedelta(minutes=n), f"P4: problem {n}.") for n in reversed(range(41))]
    written = text(alarms)
    assert written.index("alarm-0, since 2026-11-23 12:00 UTC\nP4: problem 0.") < written.index("alarm-1, since")
    assert "alarm-40" not in written
    assert written.endswith("and 1 more: see the dashboard")
    assert subject("production", alarms) == "41 alarms are in ALARM: pardon-production"
    assert subject("production", alarms[:1]) == "1 alarm is in ALARM: pardon-production"
