"""A metric widget's lines, with sample data, as plotly draws them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from procedures.dashboard_samples import SERVICES, evaluate, series, times

# Of lines that the widget gives no colour, such as those that a search finds.
COLOURS = ("#2a86d1", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#8c8c8c", "#d55e00", "#b7950b")
SPAN = re.compile(r"-P(?:(\d+)D|T(\d+)H)")
SEARCH = re.compile(r"SEARCH\('\{[^}]*,(?P<by>\w+)\} MetricName=\"(?P<name>\w+)\"")


class UnknownWidgetError(ValueError):
    """A widget cannot be drawn. The message names it and its place."""


@dataclass(frozen=True)
class Line:
    """One line of a graph."""

    label: str
    color: str
    at: list[datetime]
    values: list[float]


def span(start: str) -> timedelta:
    """How long before now a relative time such as -PT3H or -P35D is."""
    if not (found := SPAN.fullmatch(start)):
        raise UnknownWidgetError(f"the time range {start!r} is not known, -PT3H and -P35D are")
    return timedelta(days=int(found[1] or 0), hours=int(found[2] or 0))


def lines(properties: dict[str, Any], *, start: str, pools: list[str]) -> list[Line]:
    """The visible lines of a widget; a search finds `pools`, or some services."""
    range_ = span(properties.get("start", start))
    metrics = [(parts, options) for *parts, options in properties["metrics"]]
    periods = [timedelta(seconds=options.get("period", 300)) for _, options in metrics]
    at = times(range_, max(periods))
    known = {o["id"]: _values(parts, o, at) for parts, o in metrics if "id" in o and "expression" not in o}
    result: list[Line] = []
    for (parts, options), period in zip(metrics, periods, strict=True):
        if not options.get("visible", True):
            continue
        color = options.get("color")
        text = options.get("expression", "")
        if found := SEARCH.match(text):
            for name in pools if found["by"] == "Pool" else SERVICES:
                color = COLOURS[len(result) % len(COLOURS)]
                result.append(Line(name, color, at, series(found["name"], "Maximum", name, at)))
            continue
        if text:
            values = [evaluate(text, {id_: known[id_][index] for id_ in known}, period) for index in range(len(at))]
        else:
            values = _values(parts, options, at)
        result.append(Line(options.get("label", text), color or COLOURS[len(result) % len(COLOURS)], at, values))
    return result


def _values(parts: list[str], options: dict[str, Any], at: list[datetime]) -> list[float]:
    _, name, *pairs = parts
    return series(name, options.get("stat", "Average"), " ".join(pairs[1::2]), at)


def figure(properties: dict[str, Any], drawn: list[Line]) -> dict[str, Any]:
    """Data and layout for plotly; colours of text and grid are the page's."""
    levels = properties.get("annotations", {}).get("horizontal", [])
    is_stacked = properties.get("stacked", False)
    axis = properties.get("yAxis", {}).get("left", {})
    tops = [sum(values) for values in zip(*(line.values for line in drawn), strict=True)] if is_stacked else []
    highest = max([*tops, *(value for line in drawn for value in line.values), *(level["value"] for level in levels)])
    # An axis that ends at its maximum hides a line on it.
    top = (axis.get("max") or 0) * 1.04 or highest * 1.18 or 1
    shapes, labels = [], []
    for level in levels:
        edge = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": level["value"], "y1": level["value"]}
        shapes.append({**edge, "line": {"color": level["color"], "width": 1.5, "dash": "dash"}})
        if level.get("fill") == "above":
            shapes.append(
                {
                    **edge,
                    "type": "rect",
                    "y1": top,
                    "fillcolor": level["color"],
                    "opacity": 0.09,
                    "line": {"width": 0},
                    "layer": "below",
                }
            )
        # A label hangs from its line when the next line is close above.
        is_crowded = any(0 < other["value"] - level["value"] < 0.15 * top for other in levels)
        label = {"text": level["label"], "showarrow": False, "font": {"size": 10.5, "color": level["color"]}}
        edge = {"xref": "paper", "x": 1, "xanchor": "right", "yanchor": "top" if is_crowded else "bottom"}
        labels.append({**label, **edge, "y": level["value"]})
    span_ = drawn[0].at[-1] - drawn[0].at[0]
    axes = {
        "xaxis": {"tickformat": "%H:%M" if span_ < timedelta(days=2) else "%-d %b"},
        "yaxis": {"range": [0, top], "tickformat": "~s" if top >= 1000 else "~g"},
    }
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": line.label,
            "x": [time.strftime("%Y-%m-%d %H:%M") for time in line.at],
            "y": [round(value, 4) for value in line.values],
            "line": {"color": line.color, "width": 0.8 if is_stacked else 1.8},
            "hovertemplate": "%{y:,.6~g}",
            **({"stackgroup": "all", "fillcolor": line.color + "b0"} if is_stacked else {}),
        }
        for line in drawn
    ]
    return {"data": data, "layout": {"shapes": shapes, "annotations": labels, **axes}}
