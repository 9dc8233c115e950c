"""What the environments cost by list price: the goals that hold by it."""

import pytest

from constructs.checks.declaration import Check, all_checks
from names import CHECKS
from prices.estimate import Estimate, estimate
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


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
def test_a_check_states_how_many_metrics_it_always_publishes(check: Check) -> None:
    """The tests' publish_every_metric publishes all being well, for one pool."""
    assert check.metrics + check.metrics_a_pool == len(names_at_rest(check.name))


def test_no_alarm_waits_for_the_zeros_of_a_rare_metric(production: Deployment) -> None:
    """Of several periods, those without data would be passed over, so that old ones count."""
    rare = {name for check in CHECKS for *_, names in published_by(check) for name in names} - {
        name for check in CHECKS for name in names_at_rest(check)
    }
    assert {"MissingContainers", "ThreadsApiMissing", "ThreadsFailed"} <= rare
    watched = [one for one in production.properties("AWS::CloudWatch::Alarm") if one.get("MetricName") in rare]
    assert watched
    for one in watched:
        assert (one["EvaluationPeriods"], one["TreatMissingData"]) == (1, "notBreaching")


def test_the_goals_hold_for_production_at_rest(production: Deployment) -> None:
    one = priced(production)
    assert one.by_service(one.min_tasks)["AmazonCloudWatch"] <= 25
    assert one.operations_usd <= 35
    assert one.usd(one.min_tasks) <= 566  # the upper end of the runbook's band


def test_verify_expects_no_rare_metric_to_be_there() -> None:
    for check in CHECKS:
        for namespace, _, names in published_by(check):
            for name in names - set(names_at_rest(check)):
                assert Metric(namespace, name, (), "").is_rare, name
