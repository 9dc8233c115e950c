"""What a month costs, compared with the month before, its forecast and the bands. Values in, values out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

TOTAL = "Total"  # the band of everything together
HISTORY_MONTHS = 6  # in the long form; Cost Explorer keeps 13
BAND_CURRENCY = "USD"
MAX_SERVICE_METRICS = 10  # the most expensive services are those that matter

ForecastState = Literal["forecast", "month_complete", "too_little_history", "refused", "invalid"]
BandState = Literal["above", "forecast_above", "not_above", "no_cost", "not_compared"]


class CostDataError(RuntimeError):
    """Cost Explorer's numbers are not valid."""


@dataclass(frozen=True)
class Period:
    """Whole days in UTC, as Cost Explorer takes them: `end` is the day after the last."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"end must be after start ({self.start}), got {self.end}")

    @property
    def days(self) -> int:
        """How many days, at least 1."""
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        """The last day in it."""
        return self.end - timedelta(days=1)


@dataclass(frozen=True)
class Periods:
    """The periods of a report of one day.

    Attributes:
        reported: the month until yesterday; on the 1st, the whole month before.
        compared: the same days of the month before that.
        comparable: as many days of `reported` as `compared` has; fewer than `reported` when the month before is
            shorter: there is no 30 February.
        forecast: today until the month's end; None on the 1st, because the reported month is over.
        history: the whole months before the reported one.
    """

    reported: Period
    compared: Period
    comparable: Period
    forecast: Period | None
    history: Period


@dataclass(frozen=True)
class Costs:
    """What a period cost.

    Attributes:
        by_service: credits make it negative.
        is_estimated: AWS may still change it.
        invalid: what is left out because its amount is not valid, and why.
    """

    currency: str
    by_service: Mapping[str, Decimal]
    is_estimated: bool = False
    invalid: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """Over all services."""
        return sum(self.by_service.values(), Decimal(0))


@dataclass(frozen=True)
class Band:
    """What a service, or everything (TOTAL), may cost a month."""

    service: str
    min_usd: Decimal
    max_usd: Decimal


@dataclass(frozen=True)
class BandJudgement:
    """A cost, compared with its band.

    Attributes:
        state: "above" its maximum already; "forecast_above" by the month's end; "no_cost" with this name;
            "not_compared" in another currency.
    """

    band: Band
    state: BandState
    cost: Decimal


@dataclass(frozen=True)
class Forecast:
    """What the rest of the month will cost, or why that is not known.

    Attributes:
        rest: only when the state is "forecast".
        detail: Cost Explorer's message when there is no forecast.
    """

    state: ForecastState
    rest: Decimal = Decimal(0)
    detail: str = ""


@dataclass(frozen=True)
class Change:
    """A cost now, and before: in as many days of the month before.

    Attributes:
        percent: None when the month before cost nothing, or less.
    """

    before: Decimal
    now: Decimal

    @property
    def amount(self) -> Decimal:
        """By how much it has risen."""
        return self.now - self.before

    @property
    def percent(self) -> Decimal | None:
        """The same in percent of `before`."""
        return 100 * self.amount / self.before if self.before > 0 else None


@dataclass(frozen=True)
class ServiceCost:
    """One service's cost, and its change when there is data to compare with."""

    service: str
    cost: Decimal
    change: Change | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """The content of a report on a month that has costs.

    Attributes:
        services: the most expensive first.
        change: None when the month before has no data.
        total_forecast: of the whole month; None when there is no forecast.
        history: whole months before, oldest first; only in the long form.
        invalid: as in Costs, of all periods.
    """

    periods: Periods
    costs: Costs
    services: tuple[ServiceCost, ...]
    change: Change | None
    forecast: Forecast
    total_forecast: Decimal | None
    bands: tuple[BandJudgement, ...]
    history: tuple[tuple[date, Decimal], ...] = ()
    invalid: tuple[str, ...] = ()

    @property
    def above(self) -> tuple[BandJudgement, ...]:
        """Bands that are exceeded, or will be by the forecast."""
        return tuple(one for one in self.bands if one.state in ("above", "forecast_above"))


def periods(today: date) -> Periods:
    """Return the periods of the report of this day, in UTC."""
    is_first = today.day == 1
    start = _month_before(today) if is_first else today.replace(day=1)
    before = _month_before(start)
    days = min((today - start).days, (start - before).days)
    history = start
    for _ in range(HISTORY_MONTHS):
        history = _month_before(history)
    return Periods(
        reported=Period(start, today),
        compared=Period(before, before + timedelta(days=days)),
        comparable=Period(start, start + timedelta(days=days)),
        forecast=None if is_first else Period(today, _month_after(today)),
        history=Period(history, start),
    )


def assess(
    periods: Periods,
    costs: Costs,
    *,
    compared: Costs | None,
    comparable: Costs,
    forecast: Forecast,
    bands: Iterable[Band],
    history: tuple[tuple[date, Decimal], ...] = (),
) -> Report:
    """Put a report together. What is in another currency than this month's costs is left out, and named.

    Args:
        costs, compared, comparable: of the periods with these names; None: Cost Explorer has none.
    """
    invalid = [reason for one in (costs, comparable, compared) if one for reason in one.invalid]
    if compared is not None and compared.currency != costs.currency:
        invalid.append(f"this month is in {costs.currency}, the month before in {compared.currency}")
        compared = None
    total_forecast = costs.total + forecast.rest if forecast.state == "forecast" else None
    services = {**dict.fromkeys(compared.by_service if compared else (), Decimal(0)), **costs.by_service}
    return Report(
        periods=periods,
        costs=costs,
        services=tuple(
            ServiceCost(service, cost, _change(service, comparable, compared))
            for service, cost in sorted(services.items(), key=lambda one: (-one[1], one[0]))
        ),
        change=None if compared is None else Change(compared.total, comparable.total),
        forecast=forecast,
        total_forecast=total_forecast,
        bands=tuple(_judge(band, costs, total_forecast) for band in bands),
        history=history,
        invalid=tuple(dict.fromkeys(invalid)),
    )


def _change(service: str, comparable: Costs, compared: Costs | None) -> Change | None:
    if compared is None:
        return None
    zero = Decimal(0)
    return Change(compared.by_service.get(service, zero), comparable.by_service.get(service, zero))


def _judge(band: Band, costs: Costs, total_forecast: Decimal | None) -> BandJudgement:
    is_total = band.service == TOTAL
    cost = costs.total if is_total else costs.by_service.get(band.service, Decimal(0))
    state: BandState = "not_above"
    if costs.currency != BAND_CURRENCY:
        state = "not_compared"
    elif not is_total and band.service not in costs.by_service:
        state = "no_cost"
    elif cost > band.max_usd:
        state = "above"
    elif is_total and total_forecast is not None and total_forecast > band.max_usd:
        state = "forecast_above"
    return BandJudgement(band, state, cost)


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
