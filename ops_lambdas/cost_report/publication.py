"""The cost report's metrics, and its e-mail through the topic."""

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ops_lambdas.cost_report.core import Report
from ops_lambdas.shared.metrics import Metric, publish

# $0.30 a month each; the most expensive services are those that matter.
MAX_SERVICE_METRICS = 30
_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})


class TopicError(RuntimeError):
    """The report could not be handed to the topic."""


def publish_costs(environment: str, report: Report) -> None:
    """Publish total, forecast if there is one, and each service that cost something, in the account's currency."""
    metrics = [Metric("MonthToDateCost", float(report.costs.total), "None")]
    if report.total_forecast is not None:
        metrics.append(Metric("ForecastCost", float(report.total_forecast), "None"))
    publish({"Environment": environment}, *metrics)
    for one in [one for one in report.services if one.cost][:MAX_SERVICE_METRICS]:
        publish(
            {"Environment": environment, "Service": one.service}, Metric("MonthToDateCost", float(one.cost), "None")
        )


def send(topic_arn: str, *, subject: str, text: str) -> None:
    """Hand an e-mail to the topic.

    Raises:
        TopicError: it was not taken.
    """
    try:
        boto3.client("sns", region_name=topic_arn.split(":")[3], config=_CONFIG).publish(
            TopicArn=topic_arn, Subject=subject, Message=text
        )
    except (BotoCoreError, ClientError) as error:
        raise TopicError(f"topic {topic_arn} did not take the report: {error}") from error
