"""Housekeeping end to end, against recorded answers of Secrets Manager, SNS and RDS over HTTP."""

import json
import re
from datetime import timedelta

import pytest
from botocore.config import Config

from ops_lambdas.housekeeping import access
from ops_lambdas.shared.settings import InvalidSettingError
from tests.integration.checks.housekeeping.world import (
    ARNS,
    CRON,
    DATABASE,
    OPENAI,
    TOPIC,
    URL,
    Aws,
    Housekeeping,
    instance,
    instances,
    refused,
    subscriptions,
    version,
    xml,
)
from tests.integration.checks.servers import Behaviour, Exchange, answers, hangs, unreachable

STALE = instances(instance(restorable=timedelta(minutes=70)))


def test_a_secret_that_nobody_has_filled_is_named(aws: Aws, check: Housekeeping) -> None:
    aws.versions[OPENAI] = [[version(40, "AWSCURRENT")]]
    result = check.run()
    assert (result["state"], result["empty_secrets"]) == ("looked", ["pardon-rehearsal/openai-api-key"])
    assert [log["level"] for log in check.logs] == ["WARNING"]


def test_what_is_in_order_is_published_and_returned(aws: Aws, check: Housekeeping) -> None:
    assert check.run() == {
        "state": "looked",
        "environment": "rehearsal",
        "oldest_secret_days": 84.0,
        "secrets": [
            {"name": "pardon-rehearsal/cron-secret", "days": 84.0, "is_old": False, "is_rotated": True},
            {"name": "pardon-rehearsal/openai-api-key", "days": 40.0, "is_old": False, "is_rotated": False},
            {"name": "pardon-rehearsal/database-url", "days": 12.5, "is_old": False, "is_rotated": False},
        ],
        "secrets_due": [],
        "empty_secrets": [],
        "subscribers": {"confirmed": 1, "unconfirmed": ()},
        "standing_alarms": [],
        "backup": {"status": "available", "has_backup": True, "restorable_minutes_ago": 4.0},
        "recovery_point": None,
        "snapshots_deleted": [],
        "failures": [],
    }
    assert check.values == {
        "OldestSecretDays": 84.0,
        "ConfirmedSubscribers": 1.0,
        "UnconfirmedSubscribers": 0.0,
    }
    assert [(log["level"], log["message"]) for log in check.logs] == [("INFO", "Housekeeping checked")]
    asked = {
        (name, parameters.get("DBInstanceIdentifier") or parameters.get("TopicArn") or parameters.get("SecretId"))
        for name, parameters in aws.requests
    }
    assert asked == {
        ("DescribeDBInstances", DATABASE),
        ("DescribeDBSnapshots", DATABASE),
        ("ListSubscriptionsByTopic", TOPIC),
        ("GetMetricData", None),
        *((operation, arn) for operation in ("DescribeSecret", "ListSecretVersionIds") for arn in ARNS),
    }
    assert len(aws.requests) == len(asked)


def test_trouble_is_published_and_the_check_succeeds(aws: Aws, check: Housekeeping) -> None:
    aws.versions[CRON] = [[version(91, "AWSCURRENT")]]
    aws.behaviours["ListSubscriptionsByTopic"] = [
        subscriptions(("email", "new@example.com", "PendingConfirmation"), ("sqs", "a queue", f"{TOPIC}:1"))
    ]
    aws.behaviours["DescribeDBInstances"] = [instances(instance(restorable=timedelta(hours=7)))]
    result = check.run()
    assert (result["state"], result["failures"]) == ("looked", [])
    assert [secret["name"] for secret in result["secrets"] if secret["is_old"]] == ["pardon-rehearsal/cron-secret"]
    assert result["subscribers"] == {"confirmed": 1, "unconfirmed": ("operator@example.com", "new@example.com")}
    assert check.values == {
        "OldestSecretDays": 91.0,
        "ConfirmedSubscribers": 1.0,
        "UnconfirmedSubscribers": 2.0,
        "RestorableMinutesAgo": 420.0,
    }


def test_all_pages_are_read(aws: Aws, check: Housekeeping) -> None:
    aws.versions[CRON] = [[version(1, "mine")], [version(3, "AWSCURRENT")], [version(99, "AWSPREVIOUS")]]
    aws.behaviours["ListSubscriptionsByTopic"] = [
        subscriptions(*(("email", f"{number}@example.com", f"{TOPIC}:{number}") for number in range(100)), token="two"),
        subscriptions(("email", "operator@example.com", f"{TOPIC}:100")),
    ]
    result = check.run()
    assert ("pardon-rehearsal/cron-secret", 3.0) in {(one["name"], one["days"]) for one in result["secrets"]}
    assert result["subscribers"] == {"confirmed": 101, "unconfirmed": ()}
    tokens = [parameters.get("NextToken") for name, parameters in aws.requests if name == "ListSubscriptionsByTopic"]
    assert tokens == [None, "two"]
    assert [parameters.get("NextToken") for _, parameters in aws.requests if parameters.get("SecretId") == CRON] == [
        *(None, None, "1", "2"),
    ]


def test_the_log_warns_when_nobody_is_subscribed_to_the_alarms(
    aws: Aws, check: Housekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALARM_EMAILS", "")
    aws.behaviours["ListSubscriptionsByTopic"] = [subscriptions()]
    assert check.run()["subscribers"] == {"confirmed": 0, "unconfirmed": ()}
    assert (check.values["ConfirmedSubscribers"], check.values["UnconfirmedSubscribers"]) == (0, 0)
    assert [(log["level"], log["message"]) for log in check.logs] == [("WARNING", "Nobody is subscribed to the alarms")]


def test_a_database_without_any_backup_counts_from_its_creation(aws: Aws, check: Housekeeping) -> None:
    aws.behaviours["DescribeDBInstances"] = [instances(instance(restorable=None, created=timedelta(minutes=90)))]
    assert check.run()["backup"] == {"status": "available", "has_backup": False, "restorable_minutes_ago": 90.0}
    assert check.values["RestorableMinutesAgo"] == 90


@pytest.mark.parametrize(
    ("operation", "behaviour"),
    [
        ("DescribeSecret", refused("ThrottlingException")),
        ("ListSubscriptionsByTopic", refused("Throttling", service="sns")),
        ("DescribeDBInstances", refused("Throttling", service="rds")),
    ],
)
def test_throttled_requests_are_retried(aws: Aws, check: Housekeeping, operation: str, behaviour: Behaviour) -> None:
    usual = aws.behaviours.get(operation)
    aws.behaviours[operation] = [behaviour, *(usual or [lambda exchange: secret_again(aws, exchange)])]
    assert check.run()["state"] == "looked"
    assert aws.count(operation) == (2 if usual else len(ARNS) + 1)


def secret_again(aws: Aws, exchange: Exchange) -> None:
    operation = exchange.request.headers["x-amz-target"].removeprefix("secretsmanager.")
    aws._secret(operation, json.loads(exchange.request.body))(exchange)


@pytest.mark.parametrize(
    ("operation", "behaviour", "message", "hidden"),
    [
        (
            "DescribeDBInstances",
            refused("AccessDenied", "not authorized to perform", service="rds"),
            rf"database {DATABASE}: .*AccessDenied.* DescribeDBInstances operation: not authorized",
            {"RestorableMinutesAgo"},
        ),
        (
            "DescribeDBInstances",
            refused("DBInstanceNotFound", service="rds"),
            rf"database {DATABASE}: .*DBInstanceNotFound",
            {"RestorableMinutesAgo"},
        ),
        (
            "DescribeDBInstances",
            instances(),
            rf"database {DATABASE}: RDS describes no such instance",
            {"RestorableMinutesAgo"},
        ),
        (
            "DescribeDBInstances",
            instances(instance(restorable=None, created=None)),
            rf"database {DATABASE}: it has not been created yet, its status is creating",
            {"RestorableMinutesAgo"},
        ),
        (
            "ListSubscriptionsByTopic",
            refused("AuthorizationError", service="sns"),
            rf"topic {TOPIC}: .*AuthorizationError.* ListSubscriptionsByTopic",
            {"ConfirmedSubscribers", "UnconfirmedSubscribers"},
        ),
        (
            "DescribeSecret",
            refused("AccessDeniedException"),
            rf"secret {CRON}: .*; secret {URL}: .*; secret {OPENAI}: .*AccessDeniedException",
            {"OldestSecretDays"},
        ),
        (
            "ListSecretVersionIds",
            refused("AccessDeniedException"),
            rf"secret {OPENAI}: .*AccessDeniedException.* ListSecretVersionIds",
            {"OldestSecretDays"},
        ),
    ],
)
def test_what_cannot_be_checked_is_named_and_the_rest_is_published(
    aws: Aws, check: Housekeeping, operation: str, behaviour: Behaviour, message: str, hidden: set[str]
) -> None:
    aws.behaviours["DescribeDBInstances"] = [STALE]
    aws.behaviours[operation] = [behaviour]
    check.fails(message)
    every = {"OldestSecretDays", "ConfirmedSubscribers", "UnconfirmedSubscribers", "RestorableMinutesAgo"}
    assert set(check.values) == every - hidden


def test_a_secret_that_is_missing_deleted_or_empty_is_named_and_the_others_are_counted(
    aws: Aws, check: Housekeeping
) -> None:
    aws.deleted = {OPENAI}
    result = check.fails(f"not checked: secret {OPENAI}: it is scheduled for deletion")
    assert check.values["OldestSecretDays"] == 84
    assert len(result["secrets"]) == 2
    del aws.versions[OPENAI]
    check.fails(f"not checked: secret {OPENAI}: .*ResourceNotFoundException.* can't find the specified secret")
    aws.versions[URL] = [[version(1, "AWSPENDING")]]
    check.fails(f"secret {URL}: it has no current version; secret {OPENAI}: ")
    assert check.values["OldestSecretDays"] == 84


def test_age_is_published_from_day_80_on(aws: Aws, check: Housekeeping) -> None:
    aws.versions[CRON] = [[version(79.9, "AWSCURRENT")]]
    assert check.run()["oldest_secret_days"] == 79.9
    assert "OldestSecretDays" not in check.values
    aws.versions[CRON] = [[version(80, "AWSCURRENT")]]
    check.run()
    assert check.values["OldestSecretDays"] == 80


def test_services_that_do_not_answer_time_out_one_after_the_other(
    aws: Aws, check: Housekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_CONFIG", Config(read_timeout=0.1, retries={"total_max_attempts": 1}))
    for operation in ("DescribeSecret", "ListSubscriptionsByTopic", "DescribeDBInstances"):
        aws.behaviours[operation] = [hangs]
    result = check.fails(rf"database {DATABASE}: Read timeout.*; topic {TOPIC}: Read timeout.*; secrets: Read timeout")
    assert (check.values, result["secrets"], result["subscribers"], result["backup"]) == ({}, [], None, None)
    assert aws.count("DescribeSecret") == 1, "the others would time out as well"


def test_an_unreachable_service_is_an_error_and_the_rest_is_published(
    aws: Aws, check: Housekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.behaviours["DescribeDBInstances"] = [STALE]
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", unreachable().url)
    monkeypatch.setattr(access, "_CONFIG", Config(retries={"total_max_attempts": 1}))
    check.fails("not checked: secrets: Could not connect to the endpoint URL")
    assert set(check.values) == {"ConfirmedSubscribers", "UnconfirmedSubscribers", "RestorableMinutesAgo"}


def test_bad_settings_are_refused_before_any_call(
    aws: Aws, check: Housekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidSettingError, match="event must be an object with no field at all"):
        check.run({"dry_run": True})
    monkeypatch.setenv("SECRET_ARNS", "cron-secret")
    with pytest.raises(InvalidSettingError, match=r"SECRET_ARNS must be comma-separated ARNs .*, got 'cron-secret'"):
        check.run()
    assert aws.requests == []


HTML = answers(200, b"<html><body>Sign in</body></html>", content_type="text/html")
EMPTY = answers(200, b"")
NOTHING = answers(200, {}, content_type="application/x-amz-json-1.1")


@pytest.mark.parametrize(
    ("operation", "behaviour", "what", "published"),
    [
        ("DescribeDBInstances", xml("rds", "DescribeDBInstancesResponse", ""), "database", "ConfirmedSubscribers"),
        ("DescribeDBInstances", HTML, "database", "ConfirmedSubscribers"),
        ("DescribeDBInstances", EMPTY, "database", "ConfirmedSubscribers"),
        ("ListSubscriptionsByTopic", xml("sns", "ListSubscriptionsByTopicResponse", ""), "topic", "OldestSecretDays"),
        ("ListSubscriptionsByTopic", HTML, "topic", "OldestSecretDays"),
        ("GetMetricData", answers(200, {}, content_type="application/x-amz-json-1.0"), "topic", "OldestSecretDays"),
        ("GetMetricData", EMPTY, "topic", "OldestSecretDays"),
        (
            "DescribeSecret",
            answers(200, {}, content_type="application/x-amz-json-1.1"),
            "secret",
            "RestorableMinutesAgo",
        ),
        (
            "ListSecretVersionIds",
            answers(200, {}, content_type="application/x-amz-json-1.1"),
            "secret",
            "RestorableMinutesAgo",
        ),
    ],
)
def test_an_answer_without_its_keys_is_named_and_the_rest_is_published(
    aws: Aws, check: Housekeeping, operation: str, behaviour: Behaviour, what: str, published: str
) -> None:
    aws.behaviours["DescribeDBInstances"] = [STALE]
    aws.behaviours[operation] = [behaviour]
    with pytest.raises(access.NotCheckedError, match=f"not checked: .*{what} ") as caught:
        check.run()
    assert published in check.values
    assert not re.fullmatch(r"not checked: \S+: '\w+'", str(caught.value)), "a key alone is no name"
