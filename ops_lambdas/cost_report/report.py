"""The cost report's result and metrics."""

from decimal import Decimal
from typing import Literal, TypedDict

from ops_lambdas.cost_report.core import BAND_CURRENCY, Report
from ops_lambdas.cost_report.explorer import TagState
from ops_lambdas.shared.metrics import Metric, publish

# $0.30 a month each; the most expensive services are those that matter.
MAX_SERVICE_METRICS = 30


class ServiceResult(TypedDict):
    """One service; `change` from the same days of the previous month, null without data for them."""

    service: str
    cost: str
    change: str | None


class BandResult(TypedDict):
    """One band; `state` is a core.BandState."""

    service: str
    cost: str
    max_usd: str
    state: str


class NoData(TypedDict):
    """The check's result when there are no costs, and what every result has.

    Attributes:
        tag: "active": only costs with the environment's tag; otherwise the whole account's.
        start, end: the reported days, the last one excluded.
        requests: to Cost Explorer, $0.01 each.
    """

    state: Literal["no_data", "reported"]
    environment: str
    form: str
    tag: TagState
    start: str
    end: str
    requests: int


class Reported(NoData):
    """The check's result when there are costs: amounts as text, to the cent.

    Attributes:
        services: at most 200, the most expensive first.
        invalid: what is left out, and why.
        forecast: of the whole month; null when there is none, for the reason in forecast_state.
        before: the cost of the same days of the previous month; null without data.
    """

    currency: str
    month_to_date: str
    forecast: str | None
    forecast_state: str
    forecast_detail: str
    before: str | None
    change: str | None
    services: list[ServiceResult]
    invalid: list[str]
    bands: list[BandResult]


CostReportResult = Reported | NoData


def reported(common: NoData, report: Report) -> Reported:
    """Return the check's result with these costs."""
    return {
        **common,
        "state": "reported",
        "currency": report.costs.currency,
        "month_to_date": _cents(report.costs.total),
        "forecast": None if report.total_forecast is None else _cents(report.total_forecast),
        "forecast_state": report.forecast.state,
        "forecast_detail": report.forecast.detail,
        "before": _cents(report.change.before) if report.change else None,
        "change": _cents(report.change.amount) if report.change else None,
        "services": [
            {
                "service": one.service,
                "cost": _cents(one.cost),
                "change": _cents(one.change.amount) if one.change else None,
            }
            for one in report.services
        ],
        "invalid": list(report.invalid),
        "bands": [
            {
                "service": one.band.service,
                "cost": _cents(one.cost),
                "max_usd": _cents(one.band.max_usd),
                "state": one.state,
            }
            for one in report.bands
        ],
    }


def publish_costs(environment: str, report: Report) -> None:
    """Publish total, forecast if there is one, and each service that cost something; in USD only, as alarms take it."""
    if report.costs.currency != BAND_CURRENCY:
        return
    metrics = [Metric("MonthToDateCost", float(report.costs.total), "None")]
    if report.total_forecast is not None:
        metrics.append(Metric("ForecastCost", float(report.total_forecast), "None"))
    publish({"Environment": environment}, *metrics)
    for one in [one for one in report.services if one.cost][:MAX_SERVICE_METRICS]:
        publish(
            {"Environment": environment, "Service": one.service}, Metric("MonthToDateCost", float(one.cost), "None")
        )


def _cents(amount: Decimal) -> str:
    return f"{amount:.2f}"
