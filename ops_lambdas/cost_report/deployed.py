"""What is deployed, from CloudFormation, and how many tasks ran, from CloudWatch."""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from functools import cached_property, partial
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from ops_lambdas.cost_report.core import Period
from ops_lambdas.shared.aws_errors import AWS_ERRORS
from ops_lambdas.shared.connecting import in_time
from ops_lambdas.shared.metrics import NAMESPACE
from prices.estimate import Estimate, estimate
from prices.table import Prices, UnpricedError, list_prices

_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})
_DAY = timedelta(days=1)

Result = TypeVar("Result")


class DeployedError(RuntimeError):
    """What is deployed is not known, or has no known price; names what and why."""


class Deployed:
    """The deployed stacks of an environment.

    Args:
        seconds: for all requests together.
    """

    def __init__(self, environment: str, stacks: Iterable[str], *, seconds: float) -> None:
        self._environment = environment
        self._stacks = tuple(stacks)
        self._until = time.monotonic() + seconds

    @cached_property
    def templates(self) -> dict[str, Mapping[str, Any]]:
        """The deployed templates, by layer; without those of stacks that are not deployed.

        Raises:
            DeployedError: one cannot be read.
        """
        cloudformation = boto3.client("cloudformation", config=_CONFIG)
        templates = {}
        for stack in self._stacks:
            template = self._in_time(partial(_template, cloudformation, stack), f"the template of {stack}")
            if template is not None:
                templates[stack.rpartition("-")[2]] = template
        return templates

    @property
    def prices(self) -> Prices:
        """The list prices of this region."""
        return list_prices(os.environ["AWS_REGION"])

    def price(self) -> Estimate:
        """Price what is deployed in a month, by the list prices of this region.

        Raises:
            DeployedError: a template cannot be read, or something in it has no known price.
        """
        try:
            return estimate(self.templates, self.prices)
        except UnpricedError as error:
            raise DeployedError(str(error)) from error
        except (LookupError, TypeError, ValueError) as error:  # a template of another form than ours
            raise DeployedError(f"the templates cannot be priced: {type(error).__name__}: {error}") from error

    def average_tasks(self, period: Period) -> float:
        """How many tasks the service wanted on average, as the check `containers` has published every minute.

        Raises:
            DeployedError: it cannot be read, or was not published in these days.
        """
        cloudwatch = boto3.client("cloudwatch", config=_CONFIG)
        dimensions = [{"Name": "Environment", "Value": self._environment}]
        metric = {"Namespace": NAMESPACE, "MetricName": "DesiredTasks", "Dimensions": dimensions}
        stat = {"Metric": metric, "Period": int(_DAY.total_seconds()), "Stat": "Average"}
        answer = self._in_time(
            lambda: cloudwatch.get_metric_data(
                MetricDataQueries=[{"Id": "tasks", "MetricStat": stat}],
                StartTime=datetime.combine(period.start, day_time(), UTC),
                EndTime=datetime.combine(period.end, day_time(), UTC),
            ),
            "the metric DesiredTasks",
        )
        days = [value for one in answer["MetricDataResults"] for value in one["Values"]]
        if not days:
            raise DeployedError("DesiredTasks, which the check containers publishes, has no data in these days")
        return float(sum(days)) / len(days)

    def _in_time(self, call: Callable[[], Result], what: str) -> Result:
        try:
            return in_time(call, self._until - time.monotonic())
        except (*AWS_ERRORS, TimeoutError, LookupError, ValueError) as error:
            raise DeployedError(f"{what} cannot be read: {type(error).__name__}: {error}") from error


def _template(cloudformation: Any, stack: str) -> Mapping[str, Any] | None:
    try:
        body = cloudformation.get_template(StackName=stack)["TemplateBody"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    template: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
    return template
