"""The emulator's SNS: the topic's key, emails, and subscriptions that wait for confirmation."""

import pytest
from botocore.exceptions import ClientError

from tests.integration.emulator_process import Emulator, confirm, emails


def test_topic_keeps_its_key(emulator: Emulator) -> None:
    for key in ("alias/one", "alias/two"):
        ids = emulator.deploy("topic", {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": key}}})
        attributes = emulator.client("sns").get_topic_attributes(TopicArn=ids["Topic"])["Attributes"]
        assert attributes["KmsMasterKeyId"] == key


def test_confirmed_subscriber_receives_the_topic_s_emails(emulator: Emulator) -> None:
    sns = emulator.client("sns")
    topic = sns.create_topic(Name="emails")["TopicArn"]
    for address in ("operator@example.com", "pending@example.com"):
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    confirm(emulator, topic, "operator@example.com")
    sns.publish(TopicArn=topic, Subject="Costs so far: $12", Message="ECS  12.00\nRDS   3.00\n")
    subject, message = "Costs so far: $12", "ECS  12.00\nRDS   3.00\n"
    email = {"to": "operator@example.com", "topic": topic, "subject": subject, "message": message}
    assert emails(emulator, topic) == [email]
    for subject in ("two\nlines", "€ 12", "x" * 101):
        with pytest.raises(ClientError, match="Invalid parameter: Subject"):
            sns.publish(TopicArn=topic, Subject=subject, Message="text")


def test_email_address_is_pending_until_it_is_confirmed(emulator: Emulator) -> None:
    properties = {"Protocol": "email", "Endpoint": "deployed@example.com", "TopicArn": {"Ref": "Topic"}}
    subscription = {"Type": "AWS::SNS::Subscription", "Properties": properties}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "confirming"}}
    ids = emulator.deploy("confirming", {"Topic": topic, "Subscription": subscription})
    sns, names = emulator.client("sns"), {"TopicArn": ids["Topic"]}
    answer = sns.subscribe(**names, Protocol="email", Endpoint="by-hand@example.com")
    assert answer["SubscriptionArn"] == "pending confirmation"
    queue = emulator.client("sqs").create_queue(QueueName="confirming")["QueueUrl"].rpartition("/")[2]
    sns.subscribe(**names, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{queue}")

    def confirmed() -> dict[str, bool]:
        listed = sns.list_subscriptions_by_topic(**names)["Subscriptions"]
        assert all(one["SubscriptionArn"].startswith(("arn:", "PendingConfirmation")) for one in listed)
        return {one["Endpoint"].rpartition(":")[2]: one["SubscriptionArn"].startswith("arn:") for one in listed}

    assert confirmed() == {"deployed@example.com": False, "by-hand@example.com": False, "confirming": True}
    assert confirm(emulator, ids["Topic"], "deployed@example.com") == ids["Subscription"]
    assert confirmed() == {"deployed@example.com": True, "by-hand@example.com": False, "confirming": True}
    emulator.delete("confirming")
