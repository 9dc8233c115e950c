"""The building blocks of the dashboard's sections."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs.common.cloudwatch_metrics import FIVE_MINUTES, MAXIMUM, NAMESPACE

COLUMNS = 24
MOST_IN_A_ROW = 6

Part = Callable[[int], cloudwatch.IWidget]  # creates a widget of a given width


class Hue:
    """Colours that everyone can distinguish, on white and on black; red is for what must not happen.

    After Okabe and Ito, blue and red lighter: https://jfly.uni-koeln.de/color/
    """

    BLUE = "#2a86d1"
    ORANGE = "#e69f00"
    GREEN = "#009e73"
    PURPLE = "#cc79a7"
    SKY = "#56b4e9"
    GREY = "#8c8c8c"
    RED = "#e5484d"
    ALL = (BLUE, ORANGE, GREEN, PURPLE, SKY, GREY)


@dataclass(frozen=True)
class Source:
    """Where metrics come from: a namespace, and the dimensions of one resource in it."""

    namespace: str
    dimensions: Mapping[str, str]

    def __call__(
        self, name: str, statistic: str, label: str, color: str | None = None, *, period: Duration = FIVE_MINUTES
    ) -> cloudwatch.Metric:
        """One metric of it."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=name,
            dimensions_map=self.dimensions,
            statistic=statistic,
            label=label,
            color=color,
            period=period,
        )


def expression(
    text: str,
    label: str = "",
    color: str | None = None,
    using: Mapping[str, cloudwatch.IMetric] | None = None,
    *,
    period: Duration = FIVE_MINUTES,
) -> cloudwatch.MathExpression:
    """Metric math, `using` metrics by their names in `text`."""
    return cloudwatch.MathExpression(
        expression=text, using_metrics=using or {}, label=label, color=color, period=period
    )


def search(name: str, by: str, environment: str, *, period: Duration = FIVE_MINUTES) -> cloudwatch.MathExpression:
    """The maximum of a check's metric for each value of the dimension `by`, which labels it."""
    query = f'{{{NAMESPACE},Environment,{by}}} MetricName="{name}" Environment="{environment}"'
    return expression(f"SEARCH('{query}', '{MAXIMUM}', {period.to_seconds():.0f})", period=period)


def target_line(value: float, unit: str, color: str = Hue.RED) -> cloudwatch.HorizontalAnnotation:
    """A line that the metric should stay below; the area above it is shaded."""
    return line(value, f"target: below {value:g}{unit}", color, shading=cloudwatch.Shading.ABOVE)


def line(
    value: float, label: str, color: str = Hue.RED, *, shading: cloudwatch.Shading | None = None
) -> cloudwatch.HorizontalAnnotation:
    """A labelled line across a graph."""
    return cloudwatch.HorizontalAnnotation(value=value, label=label, color=color, fill=shading)


def graph(
    title: str,
    *metrics: cloudwatch.IMetric,
    lines: Sequence[cloudwatch.HorizontalAnnotation] = (),
    max_value: float | None = None,
    days: int | None = None,
    is_stacked: bool = False,
) -> Part:
    """Lines over time from 0; over the page's range unless over the last `days`. The unit is in the title."""
    return lambda width: cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_annotations=list(lines),
        left_y_axis=cloudwatch.YAxisProps(min=0, max=max_value, show_units=False),
        stacked=is_stacked,
        start=_ago(days),
        width=width,
        height=6,
    )


def numbers(title: str, *metrics: cloudwatch.IMetric, height: int = 3, days: int | None = None) -> Part:
    """The latest value of each metric, in large figures."""
    return lambda width: cloudwatch.SingleValueWidget(
        title=title, metrics=list(metrics), width=width, height=height, start=_ago(days)
    )


def logs(title: str, groups: Sequence[str], *query: str) -> Part:
    """A table of what a Logs Insights query finds."""
    return lambda width: cloudwatch.LogQueryWidget(
        title=title, log_group_names=list(groups), query_lines=list(query), width=width, height=6
    )


def heading(title: str, links: Mapping[str, str], runbook: Mapping[str, str | None]) -> cloudwatch.TextWidget:
    """A section's title, links to consoles, and the runbook's sections; one without a URL is only named."""
    places = " | ".join(f"[{name}]({url})" for name, url in links.items())
    sections = " | ".join(f"[{name}]({url})" if url else name for name, url in runbook.items())
    text = f"{places} &nbsp; &nbsp; Runbook: {sections}"
    return cloudwatch.TextWidget(
        markdown=f"## {title}\n{text}",
        width=COLUMNS,
        height=2,
        background=cloudwatch.TextWidgetBackground.TRANSPARENT,
    )


def rows(parts: Sequence[Part]) -> list[list[cloudwatch.IWidget]]:
    """`parts` in rows of up to six, each row as wide as the page."""
    result = []
    for first in range(0, len(parts), MOST_IN_A_ROW):
        chosen = parts[first : first + MOST_IN_A_ROW]
        width, wider = divmod(COLUMNS, len(chosen))
        result.append([part(width + (index < wider)) for index, part in enumerate(chosen)])
    return result


def _ago(days: int | None) -> str | None:
    return None if days is None else f"-P{days}D"
