"""What the scheduled checks need of AWS: tasks' addresses, costs, e-mails, custom resources, the site from outside."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from rehearsal.postgresql.server import Postgres
from rehearsal.stand_in.http_handlers import CoralMemory, Settings
from rehearsal.stand_in.serve import serve_site
from tests.integration.emulator_process import Emulator, Resources, function
from tests.integration.emulator_templates import custom, service, site

GROUPED = {"GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}], "Granularity": "MONTHLY"}

ANSWERING = """
import json, time, urllib.request
def handler(event, context):
    wish = event["ResourceProperties"]
    print("request", event["RequestType"], event.get("PhysicalResourceId"))
    if "Answer" in wish:
        time.sleep(float(wish["Answer"].removeprefix("none after ")))
        return
    status = wish.get("Status", "SUCCESS") if event["RequestType"] != "Delete" else "SUCCESS"
    body = {"Status": status, "Reason": wish.get("Reason", ""), "Data": {"Role": wish.get("Role", "")},
            "PhysicalResourceId": event.get("PhysicalResourceId") or "made-by-the-function",
            **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}}
    url = urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT")
    urllib.request.urlopen(url, timeout=5).close()
"""

VISITOR = """
import json, os, socket, ssl, urllib3
def handler(event, context):
    try:
        pool = urllib3.PoolManager(ssl_context=ssl.create_default_context())
        answer = pool.request("GET", event["url"], retries=False)
        return {"status": answer.status, "body": json.loads(answer.data)}
    except urllib3.exceptions.HTTPError as error:
        return {"error": type(error).__name__, "text": str(error)}
"""


def addresses(emulator: Emulator) -> list[str]:
    ecs = emulator.client("ecs")
    tasks = ecs.list_tasks(cluster="emulator-cluster")["taskArns"]
    described = ecs.describe_tasks(cluster="emulator-cluster", tasks=tasks)["tasks"] if tasks else []
    found = []
    for task in described:
        (interface,) = task["attachments"]
        assert (interface["type"], interface["status"]) == ("ElasticNetworkInterface", "ATTACHED")
        details = {detail["name"]: detail["value"] for detail in interface["details"]}
        networks = task["containers"][0]["networkInterfaces"]
        assert [one["privateIpv4Address"] for one in networks] == [details["privateIPv4Address"]]
        found.append(details["privateIPv4Address"])
    return sorted(found)


def test_tasks_have_the_addresses_of_their_stand_ins(emulator: Emulator) -> None:
    emulator.deploy("service", service(2))
    ecs, names = emulator.client("ecs"), {"cluster": "emulator-cluster"}
    assert addresses(emulator) == ["127.0.0.2", "127.0.0.3"]

    ecs.update_service(**names, service="emulator-service", desiredCount=3)
    assert addresses(emulator) == ["127.0.0.2", "127.0.0.3", "127.0.0.50"]

    ecs.update_service(**names, service="emulator-service", forceNewDeployment=True, desiredCount=2)
    assert addresses(emulator) == ["127.0.0.2", "127.0.0.3"]

    ecs.stop_task(**names, task=ecs.list_tasks(**names)["taskArns"][0])
    assert addresses(emulator) == ["127.0.0.2", "127.0.0.3"]  # that of the stopped one is free again
    emulator.delete("service")


def costs(emulator: Emulator, start: date, end: date, **wish: Any) -> list[dict[str, Any]]:
    """All pages' results."""
    explorer = emulator.client("ce")
    period = {"Start": start.isoformat(), "End": end.isoformat()}
    wish = {"TimePeriod": period, "Metrics": ["UnblendedCost", "AmortizedCost"], **GROUPED, **wish}
    pages = [explorer.get_cost_and_usage(**wish)]
    while token := pages[-1].get("NextPageToken"):
        pages.append(explorer.get_cost_and_usage(**wish, NextPageToken=token))
    assert "GroupBy" not in wish or len(pages) > 1 or not pages[0]["ResultsByTime"][0]["Groups"]
    return [result for page in pages for result in page["ResultsByTime"]]


def test_costs_are_those_of_the_days_asked_for(emulator: Emulator) -> None:
    groups = [group for result in costs(emulator, date(2025, 3, 1), date(2025, 4, 1)) for group in result["Groups"]]
    by_service = {group["Keys"][0]: group["Metrics"] for group in groups}
    assert len(groups) == len(by_service)
    database = by_service["Amazon Relational Database Service"]
    unblended, amortized = (float(database[metric]["Amount"]) for metric in ("UnblendedCost", "AmortizedCost"))
    assert unblended == pytest.approx(3.30 * 31, rel=0.05)
    assert amortized == pytest.approx(unblended * 0.9)
    assert float(by_service["Refund"]["UnblendedCost"]["Amount"]) < 0
    (both,) = costs(emulator, date(2025, 3, 1), date(2025, 4, 1), GroupBy=[])
    assert float(both["Total"]["UnblendedCost"]["Amount"]) == pytest.approx(
        sum(float(metrics["UnblendedCost"]["Amount"]) for metrics in by_service.values())
    )
    days = costs(emulator, date(2024, 12, 30), date(2025, 1, 3), Granularity="DAILY", GroupBy=[])
    assert [day["TimePeriod"]["Start"] for day in days] == ["2024-12-30", "2024-12-31", "2025-01-01", "2025-01-02"]


def test_costs_are_filtered_by_the_activated_tag(emulator: Emulator) -> None:
    def total(**wish: Any) -> float:
        (result,) = costs(emulator, date(2025, 3, 1), date(2025, 4, 1), GroupBy=[], **wish)
        return float(result["Total"]["UnblendedCost"]["Amount"])

    ours, other = ({"Tags": {"Key": "Environment", "Values": [value]}} for value in ("rehearsal", "unknown"))
    assert 0 < total(Filter=ours) < total()
    assert total(Filter=other) == 0
    assert costs(emulator, date(2025, 3, 1), date(2025, 4, 1), Filter=other)[0]["Groups"] == []
    tags = emulator.client("ce").list_cost_allocation_tags(Status="Active", TagKeys=["Environment"])
    assert [tag["TagKey"] for tag in tags["CostAllocationTags"]] == ["Environment"]
    assert emulator.client("ce").list_cost_allocation_tags(TagKeys=["Other"])["CostAllocationTags"] == []


def test_forecast_goes_to_the_end_of_the_period(emulator: Emulator) -> None:
    today = datetime.now(UTC).date()
    period = {"Start": today.isoformat(), "End": (today + timedelta(days=10)).isoformat()}
    wish = {"TimePeriod": period, "Metric": "UNBLENDED_COST", "Granularity": "MONTHLY"}
    forecast = emulator.client("ce").get_cost_forecast(**wish)
    assert forecast["Total"]["Unit"] == "USD"
    assert float(forecast["Total"]["Amount"]) == pytest.approx(10 * 12.08)
    assert forecast["ForecastResultsByTime"][0]["TimePeriod"]["Start"] == period["Start"]


def test_cost_explorer_refuses_as_the_real_one_does(emulator: Emulator) -> None:
    explorer = emulator.client("ce")
    today = datetime.now(UTC).date()
    same = {"Start": today.isoformat(), "End": today.isoformat()}
    soon = {**same, "End": (today + timedelta(days=3)).isoformat()}
    unknown = {"Tags": {"Key": "Environment", "Values": ["unknown"]}}
    forecast = {"Metric": "UNBLENDED_COST", "Granularity": "MONTHLY"}
    for call, wish, code in (
        (explorer.get_cost_and_usage, {"TimePeriod": same, "Metrics": ["UnblendedCost"], **GROUPED}, "Validation"),
        (explorer.get_cost_forecast, {"TimePeriod": same, **forecast}, "Validation"),
        (explorer.get_cost_forecast, {"TimePeriod": soon, **forecast, "Filter": unknown}, "DataUnavailable"),
        (
            explorer.get_cost_and_usage,
            {"TimePeriod": soon, "Metrics": ["UnblendedCost"], **GROUPED, "NextPageToken": "bad"},
            "InvalidNextToken",
        ),
    ):
        with pytest.raises(ClientError) as refused:
            call(**wish)
        assert refused.value.response["Error"]["Code"] == f"{code}Exception"


def test_cost_explorer_is_only_for_those_whose_policy_allows_it(emulator: Emulator) -> None:
    code = "import boto3\ndef handler(event, context):\n    boto3.client('ce').list_cost_allocation_tags()"
    statement = {"Effect": "Allow", "Action": "ce:ListCostAllocationTags", "Resource": "*"}
    for stack, statements, is_allowed in (("costs-yes", [statement], True), ("costs-no", [], False)):
        name = emulator.deploy(stack, function(statements, code))["Function"]
        answer = json.load(emulator.client("lambda").invoke(FunctionName=name)["Payload"])
        assert (answer is None) == is_allowed, answer


def mails(emulator: Emulator, topic: str) -> list[dict[str, str]]:
    lines = (emulator.folder / "emails.jsonl").read_text().splitlines()
    return [mail for mail in map(json.loads, lines) if mail["topic"] == topic]


def confirm(emulator: Emulator, topic: str, address: str) -> str:
    """Confirm as whoever has the address would; return the subscription's ARN."""
    asked = [json.loads(line) for line in (emulator.folder / "confirmations.jsonl").read_text().splitlines()]
    (token,) = (one["token"] for one in asked if (one["to"], one["topic"]) == (address, topic))
    return str(emulator.client("sns").confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"])


def test_topic_s_mail_can_be_read_by_who_has_confirmed(emulator: Emulator) -> None:
    sns = emulator.client("sns")
    topic = sns.create_topic(Name="mailing")["TopicArn"]
    for address in ("operator@example.com", "pending@example.com"):
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    confirm(emulator, topic, "operator@example.com")
    sns.publish(TopicArn=topic, Subject="Costs so far: $12", Message="ECS  12.00\nRDS   3.00\n")
    subject, message = "Costs so far: $12", "ECS  12.00\nRDS   3.00\n"
    mail = {"to": "operator@example.com", "topic": topic, "subject": subject, "message": message}
    assert mails(emulator, topic) == [mail]
    for subject in ("two\nlines", "€ 12", "x" * 101):
        with pytest.raises(ClientError, match="Invalid parameter: Subject"):
            sns.publish(TopicArn=topic, Subject=subject, Message="text")


def test_event_of_aws_is_mailed_with_what_stands_in_its_lists(emulator: Emulator) -> None:
    transformer = {
        "InputPathsMap": {
            "second": "$.detail.described[1].text",
            "first": "$.resources[0]",
            "none": "$.detail.none[0]",
        },
        "InputTemplate": '"What: <second>"\n"Where: <first><none>"',
    }
    ids = emulator.deploy(
        "telling",
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "telling"}},
            "Mail": {
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
    assert [mail["message"] for mail in mails(emulator, ids["Topic"])] == ['"What: two"\n"Where: arn:one"']


def test_e_mail_address_is_pending_until_it_is_confirmed(emulator: Emulator) -> None:
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


@pytest.mark.parametrize("type_name", ["Custom::DatabaseRole", "AWS::CloudFormation::CustomResource"])
def test_custom_resource_is_made_changed_and_deleted_by_its_lambda(emulator: Emulator, type_name: str) -> None:
    stack = f"custom-{len(type_name)}"
    lambda_ = function([], ANSWERING)
    for role in ("one", "two"):
        resources: Resources = custom(lambda_, type_name, Role=role)
        resources["Parameter"] = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Custom", "Role"]}},
        }
        ids = emulator.deploy(stack, resources)
        assert ids["Custom"] == "made-by-the-function"
        assert emulator.client("ssm").get_parameter(Name=ids["Parameter"])["Parameter"]["Value"] == role
    emulator.delete(stack)
    events = emulator.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{ids['Function']}")["events"]
    requests = [event["message"].split()[1:] for event in events if event["message"].startswith("request")]
    assert requests == [["Create", "None"], ["Update", ids["Custom"]], ["Delete", ids["Custom"]]]


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"Status": "FAILED", "Reason": "the database is away"}, "Message returned: the database is away"),
        ({"Answer": "none after 0"}, "did not receive a response from your custom resource"),
        ({"Answer": "none after 60"}, "did not receive a response from your custom resource"),  # the function times out
    ],
)
def test_custom_resource_fails_with_its_reason(emulator: Emulator, wish: dict[str, str], reason: str) -> None:
    stack = f"failing-{'-'.join(wish.values()).replace(' ', '-')}"
    resources = custom(function([], ANSWERING), "Custom::DatabaseRole", **wish)
    resources["Function"]["Properties"]["Timeout"] = 1
    with pytest.raises(WaiterError):
        emulator.deploy(stack, resources)
    events = emulator.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert any(reason in event["ResourceStatusReason"] for event in failed)


def test_lambda_reaches_the_site_by_its_name_and_nothing_else(
    emulator: Emulator, postgres: Postgres, site_port: int, tmp_path: Path
) -> None:
    certificate = postgres.authority.issue("site", "pardon.example.com")
    secrets_file = tmp_path / "secrets.json"
    secrets_file.write_text(json.dumps({"CRON_SECRET": "secret"}))
    settings = Settings(secrets_file, postgres.ca_file, ["pool-0"])
    server = serve_site(
        ("127.0.0.1", site_port), settings, [CoralMemory()], certificate.chain_file, certificate.key_file
    )
    emulator.deploy("site", site("SECONDARY"), "us-west-2")  # where nobody answers
    emulator.deploy("site", site("PRIMARY"))
    name = emulator.deploy("visitor", function([], VISITOR))["Function"]

    def visit(url: str) -> dict[str, Any]:
        answer = emulator.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"url": url}))
        result: dict[str, Any] = json.load(answer["Payload"])
        return result

    well, unauthorized = (
        visit(f"https://pardon.example.com/api/{path}") for path in ("health/coral", "cron/pool-health")
    )
    server.shutdown()
    server.server_close()
    assert well == {"status": 200, "body": {"status": "healthy"}}
    assert unauthorized["status"] == 401
    assert visit("https://pardon.example.com/")["error"] == "NewConnectionError"
    for url in ("https://example.com/", "https://other.example.com/"):
        assert visit(url)["error"] == "NameResolutionError"
