"""What the environments cost by list price: the goals that hold by it."""

from prices.estimate import Estimate, estimate
from prices.table import list_prices
from tests.infra.conftest import Deployment


def priced(deployment: Deployment) -> Estimate:
    return estimate(deployment.templates, list_prices(deployment.environment.region))


def test_everything_that_is_deployed_has_a_price(deployment: Deployment) -> None:
    one = priced(deployment)
    charged = {(line.line.layer, line.line.type) for line in one.lines}
    assert ("service", "AWS::ECS::Service") in charged
    assert 0 < one.usd(one.min_tasks) < one.usd(one.max_tasks)
