"""Logs and costs on the dashboard."""

from collections.abc import Sequence

from constructs.common.cloudwatch_metrics import DAY, MAXIMUM, NAMESPACE
from constructs.dashboard.widgets import Hue, Part, Source, graph, line, logs, numbers, search
from constructs.database.instances import SLOW_QUERY_MILLISECONDS

COST_DAYS = 35  # this month, and the end of the last


def log_tables(service_group: str, database_group: str, check_groups: Sequence[str]) -> list[Part]:
    """The latest errors of the application, slow statements, and what the checks warn about."""
    fields, latest = "fields @timestamp, @message", ("sort @timestamp desc", "limit 50")
    return [
        logs(
            f"Latest errors in {service_group}",
            [service_group],
            "fields @timestamp, @logStream, @message",
            r"filter @message like /(?i)\b(error|fatal|panic|uncaught|unhandled)\b/",
            *latest,
        ),
        logs(
            f"Slow statements (over {SLOW_QUERY_MILLISECONDS // 1000} s) and errors of the database",
            [database_group],
            fields,
            r"filter @message like /duration: \d+|ERROR|FATAL|PANIC/",
            *latest,
        ),
        logs(
            "Warnings and failures of the checks",
            check_groups,
            "fields @timestamp, service, level, coalesce(message, @message) as what",
            r"filter level in ['WARNING', 'ERROR', 'CRITICAL'] or @message like /Task timed out|Runtime\.|\[ERROR\]/",
            *latest,
        ),
    ]


def cost_widgets(environment: str, ceiling_usd: int | None) -> list[Part]:
    """Month to date and forecast, as the daily cost report found them."""
    total = Source(NAMESPACE, {"Environment": environment})
    spent = total("MonthToDateCost", MAXIMUM, "Month to date", Hue.BLUE, period=DAY)
    forecast = total("ForecastCost", MAXIMUM, "Forecast for the month", Hue.ORANGE, period=DAY)
    by_service = search("MonthToDateCost", "Service", environment, period=DAY)
    return [
        numbers("Cost, USD", spent, forecast, height=6, days=3),
        graph(
            "Cost of the month, USD",
            spent,
            forecast,
            lines=[] if ceiling_usd is None else [line(ceiling_usd, f"ceiling: {ceiling_usd}")],
            days=COST_DAYS,
        ),
        graph("Cost of the month by service, USD", by_service, days=COST_DAYS, is_stacked=True),
    ]
