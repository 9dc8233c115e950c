"""The emulator's EventBridge: events of AWS's services, transformed for a topic."""

import json

from tests.integration.emulator_process import Emulator, confirm, emails


def test_event_of_aws_is_emailed_with_elements_of_its_lists(emulator: Emulator) -> None:
    transformer = {
        "InputPathsMap": {
            "second": "$.detail.described[1].text",
            "first": "$.resources[0]",
            "none": "$.detail.none[0]",
        },
        "InputTemplate": '"What: <second>"\n"Where: <first><none>"',
    }
    ids = emulator.deploy(
        "transformed",
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "transformed"}},
            "Subscription": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": {"Ref": "Topic"},
                    "Protocol": "email",
                    "Endpoint": "operator@example.com",
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventPattern": {"source": ["aws.health"]},
                    "Targets": [{"Arn": {"Ref": "Topic"}, "Id": "Topic", "InputTransformer": transformer}],
                },
            },
        },
    )
    detail = {"described": [{"text": "one"}, {"text": "two"}], "none": []}
    event = {"Source": "aws.health", "DetailType": "any", "Resources": ["arn:one"], "Detail": json.dumps(detail)}
    confirm(emulator, ids["Topic"], "operator@example.com")
    assert emulator.client("events").put_events(Entries=[event])["FailedEntryCount"] == 0
    assert [email["message"] for email in emails(emulator, ids["Topic"])] == ['"What: two"\n"Where: arn:one"']
