"""Rules for every alarm of every environment, including alarms added later."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from config import environment
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from ops_lambdas.shared.metrics import NAMESPACE
from stacks import add_stacks
from tests.infra.alarms import alarms, composites
from tests.infra.conftest import CONTEXT, Deployment
from tests.infra.published import AWS, ours

MAX_DESCRIPTION = 1024
FOR_HOW_LONG = (
    r"for \d+ [a-z]+",
    r"in the last (\d+ )?[a-z]+",
    r"in \d+ of the last \d+ periods of \d+ [a-z]+",
)
# Alarms of P1 and P2 for which missing data is not breaching → the alarm for which it is.
PAIRS = {
    "p1-load-balancer-errors": "p1-no-healthy-target",
    "p1-site-unreachable": "p1-no-healthy-target",
    "p1-all-pools-unhealthy": "p4-pool-health-not-running",
    "p2-recovery-point-old": "p4-housekeeping-not-running",
    "p2-error-rate": "p1-no-healthy-target",
    "p2-unhealthy-targets": "p1-no-healthy-target",
    "p2-database-cpu-high": "p2-database-missing-data",
    "p2-database-connections-high": "p2-database-missing-data",
    "p2-database-storage-low": "p2-database-missing-data",
    "p2-database-storage-running-out": "p2-database-missing-data",
    "p2-database-unreadable": "p4-pool-health-not-running",
    "p2-database-transaction-ids": "p2-database-missing-data",
}


def _incidents(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Metric alarms of incidents by name without prefix; the others are states and notify nobody."""
    prefix = f"{deployment.environment.prefix}-"
    names = {name.removeprefix(prefix): alarm for name, alarm in alarms(deployment).items()}
    assert all(name.startswith(("p", "state-")) for name in names)
    return {name: alarm for name, alarm in names.items() if not name.startswith("state-")}


def _metrics(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Namespace, MetricName and Dimensions of each metric that an alarm looks at."""
    if "Metrics" not in alarm:
        yield alarm
    for query in alarm.get("Metrics", []):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def _own_metrics() -> set[tuple[str, frozenset[str]]]:
    """Names and dimensions that the checks publish."""
    return {(name, frozenset(keys)) for keys, names in ours()[NAMESPACE] for name in names}


def test_names_have_environment_and_severity(deployment: Deployment) -> None:
    prefix = deployment.environment.prefix
    for name, alarm in {**alarms(deployment), **composites(deployment)}.items():
        assert re.fullmatch(rf"{prefix}-(p[1-4]|state)-[a-z0-9-]+", name)
        level = name.removeprefix(f"{prefix}-").partition("-")[0]
        begins = "State, not an incident:" if level == "state" else f"{level.upper()}: "
        assert alarm["AlarmDescription"].startswith(begins), name


def test_every_metric_is_published_under_that_name_and_these_dimensions(deployment: Deployment) -> None:
    filters = {
        (transformation["MetricNamespace"], transformation["MetricName"])
        for made in deployment.properties("AWS::Logs::MetricFilter")
        for transformation in made["MetricTransformations"]
    }
    published = AWS | ours()
    for name, alarm in alarms(deployment).items():
        for metric in _metrics(alarm):
            namespace, metric_name = metric["Namespace"], metric["MetricName"]
            dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions", [])}
            if (namespace, metric_name) in filters:  # the metric of a plain text's filter has no dimension
                assert not dimensions
                assert metric_name.endswith(f"-{deployment.environment.name}")
                continue
            sets = published.get(namespace, [])
            assert any(dimensions.keys() == keys and metric_name in names for keys, names in sets), (
                f"{name}: nobody publishes {namespace} {metric_name} with {sorted(dimensions) or 'no dimension'}; "
                "AWS's metrics are in rehearsal/emulator/documented_metrics.py"
            )
            if namespace == NAMESPACE:
                assert dimensions == {"Environment": deployment.environment.name}


def test_metrics_of_the_checks_are_found() -> None:
    own = _own_metrics()
    environment, pool = frozenset({"Environment"}), frozenset({"Environment", "Pool"})
    expected = {("SiteReachable", environment), ("ForecastCost", environment), ("ActiveThreads", pool)}
    assert expected | {("ThreadCleanupRefused", environment)} <= own
    assert ("SiteReachable", pool) not in own


def test_every_alarm_reaches_the_topic_once(deployment: Deployment) -> None:
    prefix = deployment.environment.prefix
    spoken: dict[str, int] = {}
    for name, composite in composites(deployment).items():
        if "-state-" in name:
            assert "AlarmActions" not in composite
            continue
        actions = composite["AlarmActions"]
        assert len(actions) == 1
        assert "AlarmTopic" in str(actions)
        assert composite.get("OKActions", []) == (actions if re.match(rf"{prefix}-p[12]-", name) else []), name
        for child in re.findall(r'ALARM\("([^"]+)"\)', composite["AlarmRule"]):
            spoken[child] = spoken.get(child, 0) + 1
    for name, alarm in alarms(deployment).items():
        actions = alarm.get("AlarmActions", [])
        assert "AlarmTopic" in str(actions) or not actions
        assert len(actions) + spoken.get(name, 0) == (0 if "-state-" in name else 1), name
        assert alarm.get("OKActions", []) == (actions if re.match(rf"{prefix}-p[12]-", name) else []), name


def test_missing_data_statistic_and_m_of_n_are_stated(deployment: Deployment) -> None:
    for name, alarm in alarms(deployment).items():
        assert alarm["TreatMissingData"] in {"breaching", "notBreaching"}, name
        assert 1 <= alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) <= alarm["EvaluationPeriods"], name
        # A percentile of few samples would be ignored, and the alarm stay as it was: its expression says when.
        assert "ExtendedStatistic" not in alarm, name
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        periods = [query["MetricStat"]["Period"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
        period = max([alarm["Period"]] if "Period" in alarm else periods)
        assert period * alarm["EvaluationPeriods"] <= (7 * 86400 if period >= 3600 else 86400), name


def test_missing_data_sets_an_alarm_off(deployment: Deployment) -> None:
    incidents = _incidents(deployment)
    urgent = {name for name in incidents if name.startswith(("p1-", "p2-"))}
    fine = {name for name in urgent if incidents[name]["TreatMissingData"] == "notBreaching"}
    expected = {name for name in PAIRS if deployment.environment.copies_backups or name != "p2-recovery-point-old"}
    differing = ", ".join(sorted(fine ^ expected))
    assert fine == expected, f"PAIRS must have the alarms for which missing data is not breaching, see {differing}"
    assert all(incidents[pair]["TreatMissingData"] == "breaching" for pair in PAIRS.values())


def test_description_has_problem_duration_and_next_steps(deployment: Deployment) -> None:
    chosen = deployment.environment
    for name, alarm in {**alarms(deployment), **composites(deployment)}.items():
        description = alarm["AlarmDescription"]
        assert len(description) <= MAX_DESCRIPTION
        if "-state-" in name:
            continue
        what, steps, runbook = description.split("\n\n")
        if name in alarms(deployment):
            assert re.search(rf", ({'|'.join(FOR_HOW_LONG)})\.$", what), what
        commands = steps.removeprefix("Next:\n").splitlines()
        assert commands
        for command in commands:
            if command.startswith("aws "):
                of_recovery = "automated-backups" in command
                region = chosen.recovery_region if of_recovery else chosen.region
                assert command.endswith(f" --region {region}")
            elif command.startswith("make "):
                assert f"ENV={chosen.name} REGION={chosen.region}" in command
        assert runbook.startswith(f"Runbook: {chosen.runbook}#p{name.removeprefix(f'{chosen.prefix}-')[1]}-")


@pytest.mark.parametrize("statistic", ["Minimum", "Maximum"])
def test_statistic_fits_the_direction(deployment: Deployment, statistic: str) -> None:
    """What must not be low is measured at its minimum, what must not be high at its maximum."""
    expected = {
        "Minimum": {"HealthyHostCount", "HealthCheckStatus", "FreeStorageSpace"},
        "Maximum": {"UnHealthyHostCount", "DatabaseConnections", "ReplicaLag", "MaximumUsedTransactionIDs"},
    }[statistic]
    for name, alarm in _incidents(deployment).items():
        if alarm.get("MetricName") in expected:
            assert alarm["Statistic"] == statistic, name


@pytest.mark.parametrize(
    ("severity", "above", "below", "is_suppressed", "message"),
    [
        (Severity.P1, 1, None, True, "x must not have suppressed_by, its composite alarm has it"),
        (Severity.P1, None, None, False, "x must have one of above and below, got None and None"),
        (Severity.P1, 1, 1, False, "x must have one of above and below, got 1 and 1"),
    ],
)
def test_contradictory_alarm_is_refused(
    severity: Severity, above: float | None, below: float | None, is_suppressed: bool, message: str
) -> None:
    stack = cdk.Stack()
    suppressor = cloudwatch.Alarm.from_alarm_arn(stack, "Suppressor", "arn:aws:cloudwatch:us-east-1:1:alarm:s")
    with pytest.raises(ValueError, match=f"^{message}$"):
        SeverityAlarm(
            stack,
            "Alarm",
            notifications=cast(Any, None),  # refused before it is used
            severity=severity,
            name="x",
            problem="",
            next_steps=(),
            metric=cloudwatch.Metric(namespace="n", metric_name="m"),
            datapoints=(1, 1),
            missing_data=cloudwatch.TreatMissingData.BREACHING,
            suppressed_by=suppressor if is_suppressed else None,
            above=above,
            below=below,
        )


def test_route_53_is_watched_where_its_metrics_are(deployments: dict[tuple[str, str], Deployment]) -> None:
    for (_, region), deployment in deployments.items():
        unreachable = alarms(deployment)[f"{deployment.environment.prefix}-p1-site-unreachable"]
        checks = [
            one
            for one in deployment.properties("AWS::Route53::HealthCheck")
            if one["HealthCheckConfig"]["Type"] != "CLOUDWATCH_METRIC"  # of the site's record
        ]
        assert any(m["Namespace"] == "AWS/Route53" for a in alarms(deployment).values() for m in _metrics(a)) is (
            region == "us-east-1"
        )
        if region != "us-east-1":
            assert (unreachable["Namespace"], unreachable["MetricName"], checks) == (NAMESPACE, "SiteReachable", [])
            continue
        (check,) = (one["HealthCheckConfig"] for one in checks)
        domain = deployment.environment.domain
        assert (check["Type"], check["Port"]) == (("HTTPS", 443) if domain else ("HTTP", 80))
        assert check["ResourcePath"] == "/api/health/coral"
        assert check["FullyQualifiedDomainName"] == domain or domain is None


def test_no_metric_of_container_insights_is_watched(deployment: Deployment) -> None:
    (cluster,) = deployment.properties("AWS::ECS::Cluster")
    assert cluster["ClusterSettings"] == [{"Name": "containerInsights", "Value": "disabled"}]


def test_longest_names_and_link_fit_into_a_description() -> None:
    link = f"https://example.com/{'x' * 180}"
    longest = replace(environment("production"), name="x" * 20, region="ap-southeast-1", runbook_url=link)
    add_stacks(cdk.App(context=CONTEXT), longest)  # refuses a description that is too long
