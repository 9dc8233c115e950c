"""What the environments cost by list price: the goals that hold by it."""

from datetime import date
from decimal import Decimal

import pytest

from constructs.checks.declaration import Check, all_checks
from names import CHECKS
from ops_lambdas.cost_report.core import Costs, Period, periods
from ops_lambdas.cost_report.findings import Tolerance
from ops_lambdas.cost_report.list_price import compare
from prices.estimate import Estimate, estimate
from prices.items import CLOUDWATCH, HOURS, RDS
from prices.table import list_prices
from procedures.verify.metric_names import Metric
from tests.infra.conftest import Deployment
from tests.infra.published import names_at_rest, published_by


def priced(deployment: Deployment) -> Estimate:
    return estimate(deployment.templates, list_prices(deployment.environment.region))


def test_everything_that_is_deployed_has_a_price(deployment: Deployment) -> None:
    one = priced(deployment)
    charged = {(line.line.layer, line.line.type) for line in one.lines}
    assert ("service", "AWS::ECS::Service") in charged
    assert 0 < one.usd(one.min_tasks) < one.usd(one.max_tasks)
    runs = [line for line in one.lines if line.line.charge.item == "function run"]
    assert len(runs) == len(CHECKS) + (2 if deployment.environment.copies_backups else 0)  # and the restore tests'


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
def test_a_check_states_how_many_metrics_it_always_publishes(check: Check) -> None:
    """The tests' publish_every_metric publishes all being well, for one pool."""
    assert check.metrics + check.metrics_a_pool == len(names_at_rest(check.name))


def test_no_alarm_waits_for_the_zeros_of_a_rare_metric(production: Deployment) -> None:
    """Of several periods, those without data would be passed over, so that old ones count."""
    rare = {name for check in CHECKS for *_, names in published_by(check) for name in names} - {
        name for check in CHECKS for name in names_at_rest(check)
    }
    assert {"WeeklyResetOverdue", "ThreadsApiMissing", "ThreadsFailed"} <= rare
    watched = [one for one in production.properties("AWS::CloudWatch::Alarm") if one.get("MetricName") in rare]
    assert watched
    for one in watched:
        assert (one["EvaluationPeriods"], one["TreatMissingData"]) == (1, "notBreaching")


def test_the_goals_hold_for_production_at_rest(production: Deployment) -> None:
    one = priced(production)
    assert one.by_service(one.min_tasks)[CLOUDWATCH] <= 25
    assert one.operations_usd <= 35
    assert one.usd(one.min_tasks) <= 566  # the upper end of the runbook's band


def test_verify_expects_no_rare_metric_to_be_there() -> None:
    for check in CHECKS:
        for namespace, _, names in published_by(check):
            for name in names - set(names_at_rest(check)):
                assert Metric(namespace, name, (), "").is_rare, name


TOLERANCE = Tolerance(Decimal(20), Decimal(5))
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))


def above(
    production: Deployment,
    tasks: float,
    /,
    more: dict[str, float] | None = None,
    *,
    period: Period = NOVEMBER,
    billed_tasks: float | None = None,
) -> list[str]:
    """Services above their list price, when the bill is that of so many tasks, and more of some services."""
    deployed = priced(production)
    months = period.days * 24 / HOURS
    by_service = deployed.by_service(tasks if billed_tasks is None else billed_tasks)
    bill = {name: usd * months for name, usd in by_service.items()}
    for name, usd in (more or {}).items():
        bill[name] = bill.get(name, 0) + usd
    costs = Costs("USD", {name: Decimal(usd) for name, usd in bill.items()})
    comparison = compare(costs, period, deployed, tasks=tasks, tolerance=TOLERANCE)
    return [one.service for one in comparison.above]


def test_a_month_at_rest_or_at_max_tasks_sets_no_alarm_off(production: Deployment) -> None:
    assert above(production, 3) == []
    assert above(production, 10) == []


def test_three_weeks_of_an_extra_task_set_no_alarm_off_when_it_ran(production: Deployment) -> None:
    assert above(production, 3 + 21 / 29) == []
    assert above(production, 3, billed_tasks=3 + 21 / 29) == ["Amazon Elastic Container Service"]


def test_a_doubled_log_bill_sets_it_off(production: Deployment) -> None:
    """Twice as many alarms and metrics would, too; logs are $1.80 at rest, so that 15 GB more are seen, not 4."""
    assert above(production, 3, {CLOUDWATCH: 15 * 0.50}) == [CLOUDWATCH]
    assert above(production, 3, {CLOUDWATCH: 24}) == [CLOUDWATCH]
    assert above(production, 3, {CLOUDWATCH: 4}) == []


def test_a_forgotten_gateway_or_instance_sets_it_off(production: Deployment) -> None:
    assert above(production, 3, {"EC2 - Other": 32.85}) == ["EC2 - Other"]
    assert above(production, 3, {"Amazon Elastic Compute Cloud - Compute": 7.59}) == [
        "Amazon Elastic Compute Cloud - Compute"
    ]
    assert above(production, 3, {RDS: 47.45}) == [RDS]


def test_on_the_first_the_whole_month_before_is_compared_and_on_the_second_a_day(production: Deployment) -> None:
    for today in (date(2026, 11, 1), date(2026, 12, 1), date(2027, 3, 1), date(2026, 12, 2)):
        period = periods(today).reported
        assert above(production, 3, period=period) == []
        assert above(production, 3, {"EC2 - Other": 32.85}, period=period) == ["EC2 - Other"]
    # A whole month's charge on its first day, as of a hosted zone, is not above.
    assert above(production, 3, {"Amazon Route 53": 0.50}, period=periods(date(2026, 12, 2)).reported) == []
