"""The cost report's arithmetic of months and money, and its settings."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ops_lambdas.cost_report.core import (
    MAX_SERVICE_METRICS,
    Band,
    Change,
    Costs,
    Forecast,
    Period,
    Periods,
    Report,
    assess,
    periods,
)
from ops_lambdas.cost_report.findings import Comparison, ServicePrice
from ops_lambdas.cost_report.report import publish_costs
from ops_lambdas.cost_report.settings import Options, Settings
from ops_lambdas.shared.settings import InvalidSettingError, from_environment, from_event

ECS, RDS, WATCH = "Amazon Elastic Container Service", "Amazon Relational Database Service", "AmazonCloudWatch"
BANDS = (
    Band(ECS, Decimal(30), Decimal(420)),
    Band("Amazon Elastic Load Balancing", Decimal(16), Decimal(16)),
    Band(RDS, Decimal(100), Decimal(100)),
    Band(WATCH, Decimal(10), Decimal(10)),
    Band("AWS Data Transfer", Decimal(5), Decimal(20)),
    Band("Total", Decimal(161), Decimal(566)),
)
DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(3 * 366)]


# In AWS: when it runs in production.
SCHEDULES = {"cost-report-daily": "cron(0 8 * * ? *)", "cost-report-weekly": "cron(30 8 ? * MON *)"}


def publish_every_metric(environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard."""
    many = {f"service {number}": Decimal(number + 1) for number in range(MAX_SERVICE_METRICS)}
    comparison = Comparison(3, (ServicePrice(ECS, Decimal(1), Decimal(1), is_above=False),))
    publish_costs(environment, report(Costs("USD", many)), comparison)


def costs(currency: str = "USD", /, **amounts: str) -> Costs:
    return Costs(currency, {service.replace("_", " "): Decimal(amount) for service, amount in amounts.items()})


@pytest.mark.parametrize(
    ("today", "reported", "compared", "comparable_days", "forecast"),
    [
        ("2026-11-23", "2026-11-01 2026-11-23", "2026-10-01 2026-10-23", 22, "2026-11-23 2026-12-01"),
        ("2026-11-02", "2026-11-01 2026-11-02", "2026-10-01 2026-10-02", 1, "2026-11-02 2026-12-01"),
        ("2026-11-30", "2026-11-01 2026-11-30", "2026-10-01 2026-10-30", 29, "2026-11-30 2026-12-01"),
        ("2026-12-01", "2026-11-01 2026-12-01", "2026-10-01 2026-10-31", 30, None),
        ("2027-01-01", "2026-12-01 2027-01-01", "2026-11-01 2026-12-01", 30, None),
        ("2027-01-02", "2027-01-01 2027-01-02", "2026-12-01 2026-12-02", 1, "2027-01-02 2027-02-01"),
        ("2026-12-31", "2026-12-01 2026-12-31", "2026-11-01 2026-12-01", 30, "2026-12-31 2027-01-01"),
        ("2026-03-29", "2026-03-01 2026-03-29", "2026-02-01 2026-03-01", 28, "2026-03-29 2026-04-01"),
        ("2026-03-30", "2026-03-01 2026-03-30", "2026-02-01 2026-03-01", 28, "2026-03-30 2026-04-01"),
        ("2026-03-31", "2026-03-01 2026-03-31", "2026-02-01 2026-03-01", 28, "2026-03-31 2026-04-01"),
        ("2028-03-31", "2028-03-01 2028-03-31", "2028-02-01 2028-03-01", 29, "2028-03-31 2028-04-01"),
        ("2026-03-01", "2026-02-01 2026-03-01", "2026-01-01 2026-01-29", 28, None),
        ("2028-03-01", "2028-02-01 2028-03-01", "2028-01-01 2028-01-30", 29, None),
    ],
)
def test_a_day_reports_its_month_until_yesterday_against_the_same_days_before(
    today: str, reported: str, compared: str, comparable_days: int, forecast: str | None
) -> None:
    found = periods(date.fromisoformat(today))
    assert found.reported == period(reported)
    assert found.compared == period(compared)
    assert found.comparable.days == comparable_days
    assert found.forecast == (period(forecast) if forecast else None)


def period(text: str) -> Period:
    start, end = text.split()
    return Period(date.fromisoformat(start), date.fromisoformat(end))


def test_on_every_day_of_three_years_periods_are_what_cost_explorer_takes() -> None:
    for today in DAYS:
        found = periods(today)  # a Period that is empty cannot be made
        assert found.reported.end == today
        assert found.reported.start.day == 1
        assert found.reported.days <= 31
        assert found.compared.start == (found.reported.start - timedelta(days=1)).replace(day=1)
        assert found.compared.end <= found.reported.start
        assert found.comparable.days == found.compared.days
        assert found.comparable.start == found.reported.start
        assert found.comparable.end <= today
        assert found.comparable == found.reported or found.compared.end == found.reported.start
        assert (found.forecast is None) == (today.day == 1)
        if found.forecast:
            assert found.forecast.start == found.reported.end == today
            assert found.forecast.end.day == 1
            assert found.reported.days + found.forecast.days == (found.forecast.end - found.reported.start).days <= 31
        assert found.history.end == found.reported.start
        assert found.history.start.day == 1
        assert 181 <= found.history.days <= 184


def test_a_period_is_never_empty() -> None:
    with pytest.raises(ValueError, match="end must be after start"):
        Period(date(2026, 11, 1), date(2026, 11, 1))


TODAY = periods(date(2026, 11, 23))
FORECAST = Forecast("forecast", Decimal("111.30"))
NOVEMBER = costs(
    **{
        ECS.replace(" ", "_"): "420.01",
        RDS.replace(" ", "_"): "100.00",
        WATCH: "-3.5",
        "EC2_-_Other": "12.345",
        "Amazon_Route_53": "0.5",
        "AWS_Secrets_Manager": "4.4",
        "Amazon_Simple_Storage_Service": "0.001",
    }
)
OCTOBER = costs(**{ECS.replace(" ", "_"): "300", RDS.replace(" ", "_"): "100", "AWS_Lambda": "2"})


def report(
    now: Costs = NOVEMBER,
    before: Costs | None = OCTOBER,
    *,
    at: Periods = TODAY,
    forecast: Forecast = FORECAST,
    bands: Iterable[Band] = BANDS,
    history: tuple[tuple[date, Decimal], ...] = (),
) -> Report:
    return assess(at, now, compared=before, comparable=now, forecast=forecast, bands=bands, history=history)


def test_bands_show_which_service_is_above_now_or_will_be() -> None:
    made = report()
    assert {one.band.service: one.state for one in made.bands} == {
        ECS: "above",
        RDS: "not_above",  # at its maximum
        WATCH: "not_above",
        "Amazon Elastic Load Balancing": "no_cost",
        "AWS Data Transfer": "no_cost",
        "Total": "forecast_above",
    }
    assert made.costs.total == Decimal("533.756")
    assert made.total_forecast == Decimal("645.056")
    assert [one.band.service for one in made.above] == [ECS, "Total"]


@pytest.mark.parametrize(
    ("total", "rest", "state"),
    [
        ("566", "0", "not_above"),
        ("566.01", "0", "above"),
        ("500", "66", "not_above"),
        ("500", "66.01", "forecast_above"),
        ("0.01", None, "not_above"),
        ("-50", "1", "not_above"),
    ],
)
def test_the_total_is_above_only_beyond_its_maximum(total: str, rest: str | None, state: str) -> None:
    forecast = Forecast("too_little_history") if rest is None else Forecast("forecast", Decimal(rest))
    (judgement,) = report(costs(x=total), forecast=forecast, bands=BANDS[-1:]).bands
    assert judgement.state == state


def test_in_another_currency_bands_are_not_compared() -> None:
    made = report(costs("EUR", x="9999"), costs("EUR", x="1"))
    assert {one.state for one in made.bands} == {"not_compared"}
    assert made.above == ()
    made = report(costs("EUR", x="9999"))
    assert (made.change, made.invalid) == (None, ("this month is in EUR, the month before in USD",))


@pytest.mark.parametrize(
    ("before", "now", "amount", "percent"),
    [
        ("100", "150", "50", "50"),
        ("100", "0", "-100", "-100"),
        ("100", "-20", "-120", "-120"),
        ("0", "5", "5", None),
        ("-10", "5", "15", None),
    ],
)
def test_a_change_has_a_share_only_of_what_cost_something(before: str, now: str, amount: str, percent: str) -> None:
    change = Change(Decimal(before), Decimal(now))
    assert change.amount == Decimal(amount)
    assert change.percent == (None if percent is None else Decimal(percent))


def test_services_are_listed_most_expensive_first_with_those_that_ended() -> None:
    names = [one.service for one in report().services]
    assert names[:2] == [ECS, RDS]
    assert names[-2:] == ["AWS Lambda", WATCH]
    gone = next(one for one in report().services if one.service == "AWS Lambda")
    assert gone.cost == 0
    assert gone.change == Change(Decimal(2), Decimal(0))


VALID = {
    "ENVIRONMENT": "production",
    "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:pardon-production-alarms",
    "COST_BANDS": '[{"service": "Total", "min_usd": 161, "max_usd": 566.5}]',
    "COST_METRIC": "AmortizedCost",
    "COST_TAG_KEY": "Environment",
    "COST_TOLERANCE_PERCENT": "20",
    "COST_TOLERANCE_USD": "5",
    "STACKS": "pardon-production-network,pardon-production-service",
}


def test_valid_settings_are_read() -> None:
    read = from_environment(Settings, VALID)
    assert read.cost_bands == (Band("Total", Decimal(161), Decimal("566.5")),)
    assert from_environment(Settings, {**VALID, "COST_BANDS": "[]"}).cost_bands == ()
    assert (read.stacks[1], read.cost_tolerance_percent) == ("pardon-production-service", Decimal(20))
    assert read.cost_ceiling_usd is None
    assert from_environment(Settings, {**VALID, "COST_CEILING_USD": "730"}).cost_ceiling_usd == 730
    assert from_event(Options, {}).form == "short"
    assert from_event(Options, {"form": "long"}).form == "long"


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("COST_METRIC", "BlendedCost", "UnblendedCost or AmortizedCost"),
        ("COST_TAG_KEY", "", "a tag's key"),
        ("COST_CEILING_USD", "no", "a number, at least 0"),
        ("COST_TOLERANCE_USD", "-1", "a number, at least 0"),
        ("COST_TOLERANCE_PERCENT", "inf", "a number, at least 0"),
        ("STACKS", "", "different comma-separated names"),
        ("COST_BANDS", "", "a JSON list"),
        ("COST_BANDS", "{}", "a JSON list"),
        ("COST_BANDS", "[1]", "a JSON list"),
        ("COST_BANDS", '[{"service": "Total", "min_usd": 1}]', "a JSON list"),
        ("COST_BANDS", '[{"service": "Total", "min_usd": 1, "max_usd": 2, "x": 3}]', "a JSON list"),
        ("COST_BANDS", '[{"service": "Total", "min_usd": 3, "max_usd": 2}]', "min_usd <= max_usd"),
        ("COST_BANDS", '[{"service": "Total", "min_usd": -1, "max_usd": 2}]', "0 <= min_usd"),
        ("COST_BANDS", '[{"service": "Total", "min_usd": "1", "max_usd": 2}]', "a JSON list"),
        ("COST_BANDS", '[{"service": "Total", "min_usd": 1, "max_usd": NaN}]', "a JSON list"),
        ("COST_BANDS", '[{"service": "", "min_usd": 1, "max_usd": 2}]', "a JSON list"),
        ("COST_BANDS", f"[{', '.join([VALID['COST_BANDS'][1:-1]] * 2)}]", "each service once"),
    ],
)
def test_a_bad_setting_names_field_and_what_is_allowed(field: str, value: str, allowed: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"^{field} must be ") as caught:
        from_environment(Settings, {**VALID, field: value})
    assert allowed in str(caught.value)


def test_another_form_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="form must be short or long, got 'medium'"):
        from_event(Options, {"form": "medium"})
