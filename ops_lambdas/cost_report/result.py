"""The cost report's result, for people and programs that run it by hand: amounts as text, to the cent."""

from decimal import Decimal
from typing import Literal, TypedDict

from ops_lambdas.cost_report.core import Report
from ops_lambdas.cost_report.explorer import TagState


class ServiceResult(TypedDict):
    """One service; `change` since the same days of the month before, null without such."""

    service: str
    cost: str
    change: str | None


class BandResult(TypedDict):
    """One band; the states are core.BandState."""

    service: str
    cost: str
    max_usd: str
    state: str


class NoData(TypedDict):
    """What every result has.

    Attributes:
        tag: whether costs are filtered by the environment's tag ("active"), or are the whole account's.
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
    """The result when there are costs.

    Attributes:
        forecast: of the whole month; null when there is none, forecast_state says why.
        before: what the same days of the month before cost; null without data.
    """

    currency: str
    month_to_date: str
    forecast: str | None
    forecast_state: str
    forecast_detail: str
    before: str | None
    change: str | None
    services: list[ServiceResult]
    bands: list[BandResult]


CostReportResult = Reported | NoData


def reported(common: NoData, report: Report) -> Reported:
    """Return the result that tells this report."""
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


def _cents(amount: Decimal) -> str:
    return f"{amount:.2f}"
