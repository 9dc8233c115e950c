"""The cost report's result and metrics."""

from decimal import Decimal
from typing import Literal, TypedDict

from ops_lambdas.cost_report.core import BAND_CURRENCY, MAX_SERVICE_METRICS, Report
from ops_lambdas.cost_report.explorer import TagState
from ops_lambdas.cost_report.findings import Comparison, CouldGo
from ops_lambdas.shared.metrics import Metric, publish


class ServiceResult(TypedDict):
    """One service.

    Attributes:
        change: from the same days of the previous month, null without data for them.
        list_price: of what is deployed, in the same days at the tasks that ran; null where it was not compared.
    """

    service: str
    cost: str
    change: str | None
    list_price: str | None
    is_above_list_price: bool


class SavingResult(TypedDict):
    """Something that could go, and what that saves in a month."""

    what: str
    usd: str


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
        list_price: of what is deployed, in the reported days at `average_tasks`; null for the reason in
            not_compared.
        ceiling: of the whole month; null without one.
        could_go, not_looked_at: what could go, and what could not be looked at; in the long form.
    """

    currency: str
    month_to_date: str
    forecast: str | None
    forecast_state: str
    forecast_detail: str
    before: str | None
    change: str | None
    list_price: str | None
    average_tasks: float | None
    not_compared: str
    above_list_price: list[str]
    ceiling: str | None
    services: list[ServiceResult]
    invalid: list[str]
    bands: list[BandResult]
    could_go: list[SavingResult]
    not_looked_at: list[str]


CostReportResult = Reported | NoData


def reported(
    common: NoData, report: Report, comparison: Comparison, could_go: CouldGo, ceiling: Decimal | None
) -> Reported:
    """Return the check's result with these costs."""
    prices = {one.service: one for one in comparison.services}
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
        "list_price": _cents(comparison.list_price) if prices else None,
        "average_tasks": round(comparison.tasks, 2) if prices else None,
        "not_compared": comparison.why_not,
        "above_list_price": [one.service for one in comparison.above],
        "ceiling": None if ceiling is None else _cents(ceiling),
        "services": [
            {
                "service": one.service,
                "cost": _cents(one.cost),
                "change": _cents(one.change.amount) if one.change else None,
                "list_price": _cents(prices[one.service].list_price) if one.service in prices else None,
                "is_above_list_price": one.service in prices and prices[one.service].is_above,
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
        "could_go": [{"what": one.what, "usd": f"{one.usd:.2f}"} for one in could_go.found],
        "not_looked_at": list(could_go.unknown),
    }


def publish_costs(environment: str, report: Report, comparison: Comparison) -> None:
    """Publish total, forecast and comparison if they are known, and the most expensive services; in USD only."""
    if report.costs.currency != BAND_CURRENCY:
        return
    metrics = [Metric("MonthToDateCost", float(report.costs.total), "None")]
    if report.total_forecast is not None:
        metrics.append(Metric("ForecastCost", float(report.total_forecast), "None"))
    if comparison.services:
        metrics.append(Metric("ServicesAboveListPrice", len(comparison.above)))
    publish({"Environment": environment}, *metrics)
    for one in [one for one in report.services if one.cost][:MAX_SERVICE_METRICS]:
        publish(
            {"Environment": environment, "Service": one.service}, Metric("MonthToDateCost", float(one.cost), "None")
        )


def _cents(amount: Decimal) -> str:
    return f"{amount:.2f}"
