"""The dashboard: every metric on it is published, by what is deployed, and nothing is missing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from config import ENVIRONMENTS
from constructs.common.links import anchor
from ops_lambdas.pool_health.core import SOFT_LIMIT_THREADS
from procedures import dashboard
from procedures.dashboard_body import Templates
from procedures.dashboard_page import page
from tests.infra.conftest import ROOT, Deployment
from tests.infra.published import AWS, ours

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
STATISTIC = re.compile(r"Average|Sum|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
FUNCTIONS = {"FILL", "IF", "PERIOD", "SEARCH"}
SEARCH = re.compile(
    r"""SEARCH\('\{(?P<namespace>[\w/]+),(?P<dimensions>[\w,]+)\} MetricName="(?P<name>\w+)" """
    r"""(?P<filters>\w+="[^"]+")', '(?P<statistic>\w+)', (?P<period>\d+)\)"""
)


class Shown(NamedTuple):
    """One metric on the page."""

    widget: str
    namespace: str
    name: str
    dimensions: dict[str, str]
    statistic: str
    is_search: bool = False


def _body(deployment: Deployment) -> tuple[str, dict[str, Any]]:
    pseudo = {"AWS::Region": deployment.environment.region}
    return Templates(deployment.folder, pseudo).dashboard()


def _widgets(deployment: Deployment, type_: str) -> list[dict[str, Any]]:
    return [w["properties"] for w in _body(deployment)[1]["widgets"] if w["type"] == type_]


def _shown(deployment: Deployment) -> Iterator[Shown]:
    for widget in _widgets(deployment, "metric"):
        for *parts, options in widget["metrics"]:
            if "expression" in options:
                if found := SEARCH.fullmatch(options["expression"]):
                    known = dict(part.split("=") for part in found["filters"].split(","))
                    dimensions = {key: known.get(key, '"*"').strip('"') for key in found["dimensions"].split(",")}
                    yield Shown(
                        widget["title"], found["namespace"], found["name"], dimensions, found["statistic"], True
                    )
                continue
            namespace, name, *pairs = parts
            dimensions = dict(zip(pairs[::2], pairs[1::2], strict=True))
            yield Shown(widget["title"], namespace, name, dimensions, options.get("stat", "Average"))


def _deployed(deployment: Deployment) -> dict[str, set[str]]:
    """Values that each dimension can have."""

    def named(type_: str, key: str) -> set[str]:
        return {p[key] for p in deployment.properties(type_) if key in p}

    def attribute(type_: str, name: str) -> set[str]:
        return {f"{path.split('/')[1]}.{name}" for path, _ in deployment.resources(type_)}

    return {
        "ClusterName": named("AWS::ECS::Cluster", "ClusterName"),
        "ServiceName": named("AWS::ECS::Service", "ServiceName"),
        "LoadBalancer": attribute("AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerFullName"),
        "TargetGroup": attribute("AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupFullName"),
        "DBInstanceIdentifier": named("AWS::RDS::DBInstance", "DBInstanceIdentifier"),
        "FunctionName": named("AWS::Lambda::Function", "FunctionName"),
        "QueueName": named("AWS::SQS::Queue", "QueueName"),
        "TopicName": named("AWS::SNS::Topic", "TopicName"),
        "Environment": {deployment.environment.name},
        "Pool": {*deployment.environment.pools, "*"},
        "Service": {"*"},
    }


def test_every_metric_is_published_by_what_is_deployed(deployment: Deployment) -> None:
    published, deployed, shown = AWS | ours(), _deployed(deployment), list(_shown(deployment))
    assert len(shown) > 60
    for metric in shown:
        sets = published.get(metric.namespace)
        assert sets, f"nobody publishes in the namespace of {metric}"
        assert any(metric.dimensions.keys() == keys and metric.name in names for keys, names in sets), (
            f"nobody publishes {metric}"
        )
        for key, value in metric.dimensions.items():
            assert value in deployed[key], f"no such {key} is deployed: {metric}"
        assert STATISTIC.fullmatch(metric.statistic), f"no statistic: {metric}"


def test_metric_math_uses_metrics_of_its_widget(deployment: Deployment) -> None:
    for widget in _widgets(deployment, "metric"):
        ids = {options["id"] for *_, options in widget["metrics"] if "id" in options}
        for *_, options in widget["metrics"]:
            text = options.get("expression", "")
            if text.startswith("SEARCH"):
                assert SEARCH.fullmatch(text), text
                continue
            words = set(re.findall(r"[A-Za-z_]\w*", text))
            assert {word for word in words if word.isupper()} <= FUNCTIONS, text
            assert {word for word in words if not word.isupper()} <= ids, text


def test_every_check_is_on_it(deployment: Deployment) -> None:
    functions = {one["FunctionName"] for one in deployment.check_functions}
    for metric in ("Invocations", "Errors", "Duration"):
        assert {m.dimensions["FunctionName"] for m in _shown(deployment) if m.name == metric} == functions


def test_every_pool_is_held_against_its_limit(deployment: Deployment) -> None:
    for pool in deployment.environment.pools:
        (widget,) = [w for w in _widgets(deployment, "metric") if w["title"] == pool]
        assert [metric[1] for metric in widget["metrics"]] == ["ActiveThreads", "ActiveSessions"]
        assert SOFT_LIMIT_THREADS in [line["value"] for line in widget["annotations"]["horizontal"]]


def test_every_alarm_is_on_it_by_severity(deployment: Deployment) -> None:
    names = {p["AlarmName"] for p in deployment.properties("AWS::CloudWatch::Alarm")}
    names |= {p["AlarmName"] for p in deployment.properties("AWS::CloudWatch::CompositeAlarm")}
    # A composite alarm that notifies of others repeats their state.
    names = {name for name in names if not name.endswith("-notification")}
    e = deployment.environment
    shown: list[str] = []
    for widget in _widgets(deployment, "alarm"):
        severity = "state" if widget["title"].startswith("States") else widget["title"][:2].lower()
        assert all(f":{e.prefix}-{severity}-" in arn for arn in widget["alarms"]), widget
        shown += widget["alarms"]
    assert sorted(shown) == sorted(f"arn:aws:cloudwatch:{e.region}:{e.account}:alarm:{name}" for name in names)


def test_targets_of_the_runbook_are_drawn_at_the_top(production: Deployment) -> None:
    widgets = [w for w in _body(production)[1]["widgets"] if w["type"] == "metric"]
    top = min(w["y"] for w in widgets)
    drawn = {
        w["properties"]["title"]: w["properties"]["annotations"]["horizontal"][0]["value"]
        for w in widgets
        if w["y"] == top
    }
    assert drawn == {
        "Tasks: CPU, %": 70,
        "Tasks: memory, %": 80,
        "Response time p95, s": 3,
        "Error rate, %": 1,
        "Database: CPU, %": 80,
    }


def test_queried_log_groups_are_deployed(deployment: Deployment) -> None:
    groups = {p["LogGroupName"] for p in deployment.properties("AWS::Logs::LogGroup") if "LogGroupName" in p}
    asked = [set(re.findall(r"SOURCE '([^']+)'", w["query"])) for w in _widgets(deployment, "log")]
    assert asked
    assert all(sources and sources <= groups for sources in asked), asked
    assert f"/ecs/{deployment.environment.prefix}" in asked[0]


def test_every_widget_and_link_is_of_its_region(deployment: Deployment) -> None:
    region = deployment.environment.region
    others = {place for e in ENVIRONMENTS.values() for place in (e.home_region, e.recovery_region)} - {region}
    name, body = _body(deployment)
    assert name == deployment.environment.dashboard_name
    for widget in body["widgets"]:
        assert widget["properties"].get("region", region) == region
        assert not any(other in str(widget) for other in others), widget
    assert f"https://{region}.console.aws.amazon.com/ecs/" in str(body)


def test_replica_is_shown_where_there_is_one(deployment: Deployment) -> None:
    lags = {m.dimensions["DBInstanceIdentifier"] for m in _shown(deployment) if m.name == "ReplicaLag"}
    replica = f"{deployment.environment.prefix}-database-replica"
    assert lags == ({replica} if deployment.environment.has_replica else set())
    assert (replica in str(_body(deployment)[1])) == deployment.environment.has_replica


def test_page_has_no_gaps_and_nothing_overlaps(deployment: Deployment) -> None:
    taken: set[tuple[int, int]] = set()
    for w in _body(deployment)[1]["widgets"]:
        cells = {(x, y) for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + w["height"])}
        assert not taken & cells, w
        taken |= cells
    assert len(taken) == 24 * (max(y for _, y in taken) + 1)


def test_links_lead_to_the_runbook_where_it_can_be_read(deployments: dict[tuple[str, str], Deployment]) -> None:
    rehearsal = deployments["rehearsal", "us-east-1"]
    text = "\n".join(w["markdown"] for w in _widgets(rehearsal, "text"))
    url = rehearsal.environment.runbook_url
    assert f"[P1: Complete Service Outage]({url}#p1-complete-service-outage)" in text
    assert "](None" not in text
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    linked = set(re.findall(re.escape(str(url)) + r"#([^)]+)\)", text))
    assert len(linked) > 8
    assert linked <= {anchor(heading) for heading in headings}


def test_every_widget_can_be_drawn_here(deployment: Deployment) -> None:
    name, body = _body(deployment)
    html = page(name, deployment.environment.region, body)
    assert html.count('<section class="widget ') == len(body["widgets"])


def test_page_is_written_to_the_output_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dashboard, "render", lambda chosen: f"{chosen.prefix} in {chosen.region}")
    output = tmp_path / "build" / "page.html"
    arguments = ["--environment", "staging", "--region", "us-west-2", "--output", str(output)]
    assert dashboard.main(arguments) == 0
    assert output.read_text() == "pardon-staging in us-west-2"
    assert str(output) in capsys.readouterr().out


def test_unknown_environment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert dashboard.main(["--environment", "prod"]) == 1
    assert "environment must be one of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("namespace", "name", "keys"),
    [
        ("PardonSimulator", "ActiveThreads", {"Environment"}),
        ("PardonSimulator", "ActiveThreds", {"Environment", "Pool"}),
        ("AWS/ECS", "RunningTaskCount", {"ClusterName", "ServiceName"}),
        ("AWS/RDS", "CPUUtilization", set()),
    ],
)
def test_what_nobody_publishes_is_not_found(namespace: str, name: str, keys: set[str]) -> None:
    assert not any(found == keys and name in names for found, names in (AWS | ours())[namespace])
