"""The dashboard as one HTML page that needs nothing from elsewhere."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from plotly.offline import get_plotlyjs

from procedures.dashboard_charts import UnknownWidgetError, figure, lines
from procedures.dashboard_samples import NOW

TEMPLATE = Path(__file__).with_name("dashboard.html")
# By what a log group's name begins with.
MESSAGES = {
    "/ecs/": (
        "ERROR POST /api/agent/respond failed: upstream timed out after 30000 ms",
        "Unhandled rejection: PrismaClientKnownRequestError P2024: no connection from the pool in time",
        "error: agent cz closed the session before it answered",
    ),
    "/aws/rds/": (
        'LOG: duration: 1843.210 ms execute s12: SELECT "Session"."id" FROM "Session" WHERE ...',
        'LOG: duration: 1127.884 ms execute s4: UPDATE "Thread" SET "updatedAt" = $1 WHERE ...',
        "ERROR: canceling statement due to user request",
    ),
    "/aws/lambda/": (
        "Not everything could be listed or closed",
        "Tasks without an address",
        "No session looked at, the application's tables are missing",
    ),
}


def page(name: str, region: str, body: dict[str, Any]) -> str:
    """HTML of the dashboard `body`, on the grid of 24 columns that CloudWatch has.

    Raises:
        UnknownWidgetError: a widget is of a kind that cannot be drawn.
    """
    figures: dict[str, Any] = {}
    sections = []
    pools = _pools(body)
    for index, widget in enumerate(body["widgets"]):
        place = f"{widget['type']!r} at ({widget['x']}, {widget['y']})"
        draw = DRAWN.get((widget["type"], widget["properties"].get("view")))
        if draw is None:
            known = ", ".join(sorted({f"{type_} {view or ''}".strip() for type_, view in DRAWN}))
            raise UnknownWidgetError(
                f"widget {place} with view {widget['properties'].get('view')!r} cannot be drawn, known are {known}"
            )
        context = {"id": f"widget-{index}", "start": body.get("start", "-PT3H"), "pools": pools, "figures": figures}
        content = draw(widget["properties"], context)
        title = widget["properties"].get("title")
        heading = f"<h3>{escape(title)}</h3>" if title else ""
        area = f"grid-area: {widget['y'] + 1} / {widget['x'] + 1} / span {widget['height']} / span {widget['width']}"
        sections.append(f'<section class="widget {widget["type"]}" style="{area}">{heading}{content}</section>')
    text = TEMPLATE.read_text()
    for mark, value in {
        "NAME": escape(name),
        "REGION": escape(region),
        "NOW": f"{NOW:%d %B %Y, %H:%M} UTC",
        "WIDGETS": "\n".join(sections),
        "FIGURES": json.dumps(figures, separators=(",", ":")).replace("</", "<\\/"),
        "PLOTLY": get_plotlyjs().replace("</script", "<\\/script"),
    }.items():
        text = text.replace(f"{{{{{mark}}}}}", value)
    return text


def _pools(body: dict[str, Any]) -> list[str]:
    metrics = [m for w in body["widgets"] for m in w["properties"].get("metrics", [])]
    found = [m[index + 1] for m in metrics for index in range(2, len(m) - 1, 2) if m[index] == "Pool"]
    return list(dict.fromkeys(found))


def _graph(properties: dict[str, Any], context: dict[str, Any]) -> str:
    drawn = lines(properties, start=context["start"], pools=context["pools"])
    context["figures"][context["id"]] = figure(properties, drawn)
    return f'<div class="plot" id="{context["id"]}"></div>'


def _numbers(properties: dict[str, Any], context: dict[str, Any]) -> str:
    tiles = [
        f'<div class="number"><output style="--hue: {line.color}">{_rounded(line.values[-1])}</output>'
        f"<label>{escape(line.label)}</label></div>"
        for line in lines(properties, start=context["start"], pools=context["pools"])
    ]
    return f'<div class="numbers">{"".join(tiles)}</div>'


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 1 else f"{value:.2g}"


def _alarms(properties: dict[str, Any], _context: dict[str, Any]) -> str:
    states = {"cpu-high": "ALARM", "cost-report-not-running": "INSUFFICIENT_DATA"}  # so that each state can be seen
    names = [arn.rsplit(":", 1)[1] for arn in properties["alarms"]]
    tiles = []
    for name in names:
        state = next((s for end, s in states.items() if re.search(rf"-p\d-{end}$", name)), "OK")
        shown = re.sub(r"^.*?-(p\d|state)-", "", name)
        tiles.append(f'<div class="state {state}" title="{escape(name)}: {state}">{escape(shown)}</div>')
    return f'<div class="states">{"".join(tiles)}</div>'


def _table(properties: dict[str, Any], _context: dict[str, Any]) -> str:
    fields = re.search(r"fields ([^|\n]+)", properties["query"])
    columns = re.findall(
        r"(?:\([^)]*\) as )?(@?\w+)(?:,|$)", re.sub(r"\w+\([^)]*\) as ", "", fields[1] if fields else "")
    )
    rows = []
    group = re.match(r"SOURCE '([^']+)'", properties["query"])
    messages = next((lines for start, lines in MESSAGES.items() if group and group[1].startswith(start)), ("...",))
    for index, message in enumerate(messages):
        time = (NOW - timedelta(minutes=7 + 11 * index)).strftime("%Y-%m-%d %H:%M:%S.000")
        sample = {"@timestamp": time, "@logStream": "web/web/5b1f09c2", "service": "pool_health", "level": "WARNING"}
        rows.append("".join(f"<td>{escape(sample.get(column, message))}</td>" for column in columns))
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _text(properties: dict[str, Any], _context: dict[str, Any]) -> str:
    html: str = MarkdownIt().render(properties["markdown"])
    return html


# By type and view.
DRAWN: dict[tuple[str, str | None], Callable[[dict[str, Any], dict[str, Any]], str]] = {
    ("metric", "timeSeries"): _graph,
    ("metric", "singleValue"): _numbers,
    ("alarm", None): _alarms,
    ("log", "table"): _table,
    ("text", None): _text,
}
