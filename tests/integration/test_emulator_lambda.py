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
