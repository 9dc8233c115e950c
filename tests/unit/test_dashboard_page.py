"""The dashboard drawn on this machine: every widget of its body, and nothing from elsewhere."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from procedures.dashboard_body import Templates
from procedures.dashboard_charts import UnknownWidgetError, lines
from procedures.dashboard_page import page
from procedures.dashboard_samples import evaluate

CPU = ["AWS/ECS", "CPUUtilization", "ClusterName", "a", "ServiceName", "b", {"label": "average", "color": "#0072b2"}]
LOADS = "SEARCH('{PardonSimulator,Environment,Pool} MetricName=\"PoolLoadPercent\" Environment=\"e\"', 'Maximum', 300)"
THREADS = ["PardonSimulator", "ActiveThreads", "Environment", "e", "Pool", "pool-7", {"label": "threads"}]


def _widget(type_: str, y: int = 0, **properties: Any) -> dict[str, Any]:
    return {"type": type_, "x": 6, "y": y, "width": 12, "height": 6, "properties": properties}


QUERY = "SOURCE '/ecs/p' | fields @timestamp, f(a, b) as what\n| limit 5"
LINE = {"value": 70, "label": "target: below 70 %", "color": "#d62728", "fill": "above"}
BODY: dict[str, Any] = {
    "start": "-PT3H",
    "widgets": [
        _widget("text", markdown="## Title\n[there](https://example.com)"),
        _widget("alarm", 6, title="P1 · outage", alarms=["arn:aws:cloudwatch:r:1:alarm:p-p1-down"]),
        _widget("metric", 12, title="CPU <%>", view="timeSeries", metrics=[CPU], annotations={"horizontal": [LINE]}),
        _widget("metric", 18, title="Now", view="singleValue", metrics=[CPU]),
        _widget("metric", 24, title="All", view="timeSeries", metrics=[THREADS, [{"expression": LOADS}]], start="-P1D"),
        _widget(
            "log",
            30,
            title="Errors",
            view="table",
            query=QUERY,
        ),
    ],
}


def _figures(html: str) -> dict[str, Any]:
    found = re.search(r"^  const figures = (.*);$", html, re.MULTILINE)
    assert found
    figures: dict[str, Any] = json.loads(found[1])
    return figures


@pytest.fixture(scope="module")
def html() -> str:
    return page("pardon-test", "eu-west-1", BODY)


def test_every_widget_is_drawn_where_it_belongs(html: str) -> None:
    sections = re.findall(r'<section class="widget (\w+)" style="grid-area: ([^"]+)">', html)
    assert sections == [(w["type"], f"{w['y'] + 1} / 7 / span 6 / span 12") for w in BODY["widgets"]]
    for shown in ("CPU &lt;%&gt;", "P1 · outage", ">down<", '<a href="https://example.com">there</a>', "<th>what</th>"):
        assert shown in html
    assert "pardon-test" in html
    assert "eu-west-1" in html
    assert "{{" not in html.split("<script>")[0]


def test_graph_has_its_lines_and_targets(html: str) -> None:
    cpu, both = _figures(html).values()
    assert [trace["name"] for trace in cpu["data"]] == ["average"]
    assert len(cpu["data"][0]["x"]) == len(cpu["data"][0]["y"]) == 36
    assert [shape["y0"] for shape in cpu["layout"]["shapes"]] == [70, 70]
    assert cpu["layout"]["annotations"][0]["text"] == "target: below 70 %"
    assert cpu["layout"]["yaxis"]["range"][1] > 70
    assert [trace["name"] for trace in both["data"]] == ["threads", "pool-7"]


def test_page_is_the_same_each_time(html: str) -> None:
    assert page("pardon-test", "eu-west-1", BODY) == html


def test_page_needs_nothing_from_elsewhere(html: str) -> None:
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", html)
    assert "Plotly" in html


@pytest.mark.parametrize(
    ("widget", "message"),
    [
        (
            _widget("explorer", title="?"),
            r"widget 'explorer' at \(6, 0\) .* cannot be drawn, known are alarm",
        ),
        (_widget("metric", view="pie", metrics=[CPU]), r"'metric' at \(6, 0\) with view 'pie' cannot be drawn"),
        (_widget("metric", view="timeSeries", metrics=[CPU], start="-PT5M"), "time range '-PT5M' is not known"),
    ],
)
def test_what_cannot_be_drawn_is_named(widget: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownWidgetError, match=message):
        page("pardon-test", "eu-west-1", {"widgets": [widget]})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a / 4", 5),
        ("IF(a >= 20, 1, 0)", 1),
        ("60 * a / PERIOD(a)", 4),
        ("IF(FILL(a, 0) > b, 100 * b / a, 0)", 10),
        ("IF(b - a > 0, 1, a + b)", 22),
    ],
)
def test_metric_math_is_computed(expression: str, value: float) -> None:
    assert evaluate(expression, {"a": 20, "b": 2}, timedelta(minutes=5)) == pytest.approx(value)


@pytest.mark.parametrize("expression", ["RATE(a)", "missing + 1", "a if b else c"])
def test_metric_math_that_is_not_known_is_named(expression: str) -> None:
    with pytest.raises(NotImplementedError, match="no sample data for"):
        evaluate(expression, {"a": 1, "b": 1}, timedelta(minutes=5))


def test_hidden_metrics_are_not_drawn() -> None:
    hidden = [*CPU[:-1], {"id": "cpu", "visible": False, "label": "hidden"}]
    drawn = lines({"metrics": [[{"expression": "cpu / 100", "label": "share"}], hidden]}, start="-PT3H", pools=[])
    assert [line.label for line in drawn] == ["share"]
    assert all(0.2 < value < 0.7 for value in drawn[0].values)


def test_references_between_templates_are_followed(tmp_path: Path) -> None:
    database = {"Type": "AWS::RDS::DBInstance", "Properties": {"DBInstanceIdentifier": "p-database"}}
    output = {"Value": {"Ref": "Db"}, "Export": {"Name": "p-data:Out"}}
    body = {"Fn::Join": ["", ['{"r":"', {"Ref": "AWS::Region"}, '","d":"', {"Fn::ImportValue": "p-data:Out"}, '"}']]}
    page_ = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardName": "p", "DashboardBody": body}}
    (tmp_path / "p-data.template.json").write_text(
        json.dumps({"Resources": {"Db": database}, "Outputs": {"O": output}})
    )
    (tmp_path / "p-top.template.json").write_text(json.dumps({"Resources": {"Page": page_}}))
    templates = Templates(tmp_path, {"AWS::Region": "eu-west-1"})
    assert templates.dashboard() == ("p", {"r": "eu-west-1", "d": "p-database"})
    with pytest.raises(LookupError, match="no stack exports p-data:Gone"):
        templates.resolve({"Fn::ImportValue": "p-data:Gone"}, "p-top")
    with pytest.raises(NotImplementedError, match="Fn::Sub in p-top"):
        templates.resolve({"Fn::Sub": "x"}, "p-top")
