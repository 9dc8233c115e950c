"""The emulator's Lambda: AWS's runtime, the permissions of the function's role, metrics from log lines."""

import time

from rehearsal.postgresql.server import Postgres
from tests.integration.emulator_process import Emulator, function, invoke


def test_lambda_has_the_runtime_of_aws_and_its_lines_become_metrics(emulator: Emulator, postgres: Postgres) -> None:
    name = emulator.deploy("function", function([]))["Function"]
    cloudwatch = emulator.client("cloudwatch")
    now = int(time.time())

    cold, warm = (invoke(emulator, name, timestamp_ms=now * 1000) for _ in range(2))

    assert cold["found"] == ["boto3"]
    assert cold["pid"] == warm["pid"]
    assert cold["ca_file"] == str(postgres.ca_file)
    window = {"StartTime": now - 60, "EndTime": now + 60, "Period": 60}
    for namespace, metric, dimensions, statistic, unit, expected in (
        ("PardonSimulator", "ActiveThreads", {"Environment": "rehearsal"}, "Maximum", "Count", 5),
        ("PardonSimulator", "ActiveThreads", {"Environment": "rehearsal", "Pool": "pool-0"}, "Sum", "Count", 16),
        ("AWS/Lambda", "Invocations", {"FunctionName": name}, "Sum", "Count", 2),
        ("AWS/Lambda", "Errors", {"FunctionName": name}, "Sum", "Count", 0),
    ):
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            Statistics=[statistic],
            **window,
        )["Datapoints"]
        found = sum(point[statistic] for point in points) if statistic == "Sum" else points[0][statistic]
        assert (found, points[0]["Unit"]) == (expected, unit), metric
    lines = emulator.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert any("ActiveThreads" in line["message"] for line in lines)


def test_lambda_may_do_what_its_role_allows_and_no_more(emulator: Emulator) -> None:
    allowed = emulator.deploy("allowed", function([{"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}]))
    refused = emulator.deploy("refused", function([]))

    assert "queues" in invoke(emulator, allowed["Function"], list=True)
    assert "AccessDenied" in invoke(emulator, refused["Function"], list=True)["errorMessage"]


CHATTY = """
import sys
def handler(event, context):
    for number in range(event["lines"]):
        print(f"line-{number}-" + "x" * 200)
    sys.stdout.write("the last line")
    if event.get("fails"):
        raise KeyError("on purpose")
"""


def test_every_line_of_a_run_is_there_when_it_has_ended_also_of_one_that_fails(emulator: Emulator) -> None:
    name = emulator.deploy("chatty", function([], CHATTY))["Function"]
    for turn, fails in enumerate((False, True, False)):
        invoke(emulator, name, lines=3000 + turn, fails=fails)
        pages = emulator.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        text = "\n".join(event["message"] for page in pages for event in page["events"])
        written = 3 * 3000 if turn == 2 else 3000 * (turn + 1)
        assert text.count("line-") >= written
        assert text.count(f"line-{2999 + turn}-") == 1
        assert text.count("the last line") == turn + 1
        assert "end of a run" not in text
