"""Alarms that are in ALARM when somebody confirms a subscription."""

import pytest

from tests.integration.checks.housekeeping.world import (
    TOPIC,
    Aws,
    Housekeeping,
    confirmed_before,
    in_alarm,
    refused,
    xml,
)
from tests.integration.checks.servers import Behaviour


def test_a_new_subscriber_gets_the_alarms_that_nobody_was_told_of(aws: Aws, check: Housekeeping) -> None:
    aws.behaviours |= {
        "GetMetricData": [confirmed_before(0.0, 3.0)],
        "DescribeAlarms": [in_alarm("pardon-rehearsal-p1-no-healthy-target", "pardon-rehearsal-p4-secret-old")],
        "Publish": [xml("sns", "PublishResponse", "<PublishResult><MessageId>1</MessageId></PublishResult>")],
    }
    names = ["pardon-rehearsal-p1-no-healthy-target", "pardon-rehearsal-p4-secret-old"]
    assert check.run()["standing_alarms"] == names
    (published,) = (parameters for name, parameters in aws.requests if name == "Publish")
    assert published["TopicArn"] == TOPIC
    assert published["Subject"] == "2 alarms are in ALARM: pardon-rehearsal"
    assert all(f"{name}, since 2026-11-23 11:55 UTC\nP1: {name}." in published["Message"] for name in names)
    (asked,) = (parameters for name, parameters in aws.requests if name == "DescribeAlarms")
    assert (asked["AlarmNamePrefix"], asked["StateValue"]) == ("pardon-rehearsal-p", "ALARM")


@pytest.mark.parametrize(
    "alarms", [in_alarm(), in_alarm("pardon-rehearsal-p4-secret-old")], ids=["no alarm", "the same subscribers"]
)
def test_nothing_is_sent_without_an_alarm_or_a_new_subscriber(
    aws: Aws, check: Housekeeping, alarms: Behaviour, request: pytest.FixtureRequest
) -> None:
    is_new = "no alarm" in request.node.name
    aws.behaviours |= {"GetMetricData": [confirmed_before(*([] if is_new else [1.0]))], "DescribeAlarms": [alarms]}
    assert check.run()["standing_alarms"] == []
    assert aws.count("Publish") == 0
    assert aws.count("DescribeAlarms") == int(is_new)


def test_the_next_run_sends_what_could_not_be_sent(aws: Aws, check: Housekeeping) -> None:
    aws.behaviours |= {
        "GetMetricData": [confirmed_before(0.0)],
        "DescribeAlarms": [in_alarm("pardon-rehearsal-p4-secret-old")],
        "Publish": [refused("KMSAccessDenied", service="sns")],
    }
    check.fails("topic .* did not accept the email: .*KMSAccessDenied")
    assert "ConfirmedSubscribers" not in check.values
