"""Third parties' keys that have to be replaced soon: one email when they become due."""

from datetime import timedelta

import pytest

from tests.integration.checks.housekeeping.world import (
    OPENAI,
    Aws,
    Housekeeping,
    confirmed_before,
    refused,
    version,
    xml,
)

SENT = xml("sns", "PublishResponse", "<PublishResult><MessageId>1</MessageId></PublishResult>")


@pytest.fixture
def due(aws: Aws) -> Aws:
    """OpenAI's key is 81 days old; a secret that rotates by itself is older."""
    aws.versions[OPENAI] = [[version(81.4, "AWSCURRENT"), version(200, "AWSPREVIOUS")]]
    aws.behaviours |= {"GetMetricData": [confirmed_before(1), confirmed_before()], "Publish": [SENT]}
    return aws


def test_email_says_which_key_and_how(due: Aws, check: Housekeeping) -> None:
    result = check.run()
    assert result["secrets_due"] == ["pardon-rehearsal/openai-api-key"]
    assert {one["name"]: one["is_rotated"] for one in result["secrets"]}["pardon-rehearsal/cron-secret"]
    (sent,) = (parameters for name, parameters in due.requests if name == "Publish")
    assert sent["Subject"] == "1 secret to replace before day 90: pardon-rehearsal"
    assert "pardon-rehearsal/openai-api-key, 81 days old" in sent["Message"]
    assert "make secret ENV=rehearsal REGION=us-east-1 NAME=openai-api-key" in sent["Message"]
    assert "cron-secret" not in sent["Message"]
    assert check.values["SecretsDue"] == 1


def test_it_is_sent_once_and_again_when_another_becomes_due(due: Aws, check: Housekeeping) -> None:
    due.behaviours["GetMetricData"] = [confirmed_before(1), confirmed_before(1)]
    check.run()
    assert due.count("Publish") == 0
    due.rotated = set()
    due.behaviours["GetMetricData"] = [confirmed_before(1), confirmed_before(1)]
    assert len(check.run()["secrets_due"]) == 2
    assert due.count("Publish") == 1
    asked = [parameters for name, parameters in due.requests if name == "GetMetricData"]
    hours = (asked[1]["EndTime"] - asked[1]["StartTime"]) / timedelta(hours=1).total_seconds()
    assert 3 <= hours < 4


def test_nothing_is_asked_or_sent_before_day_80(due: Aws, check: Housekeeping) -> None:
    due.versions[OPENAI] = [[version(79.9, "AWSCURRENT"), version(200, "AWSPREVIOUS")]]
    assert check.run()["secrets_due"] == []
    assert (due.count("Publish"), due.count("GetMetricData")) == (0, 1)
    assert "SecretsDue" not in check.values


def test_next_run_sends_what_could_not_be_sent(due: Aws, check: Housekeeping) -> None:
    due.behaviours["Publish"] = [refused("KMSAccessDenied", service="sns")]
    result = check.fails("reminder of secrets: topic .* did not accept the email")
    assert result["secrets_due"] == ["pardon-rehearsal/openai-api-key"]
    assert "SecretsDue" not in check.values
    assert check.values["OldestSecretDays"] == 84
