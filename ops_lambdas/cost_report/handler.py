"""The cost report on AWS: Cost Explorer in; an email, metrics, log lines and a result out."""

import os
from datetime import UTC, date, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.cost_report import core, email_text, report
from ops_lambdas.cost_report.deployed import Deployed, DeployedError
from ops_lambdas.cost_report.explorer import CostExplorer, TagState, gather
from ops_lambdas.cost_report.list_price import Comparison, Tolerance, compare
from ops_lambdas.cost_report.savings import CouldGo, savings
from ops_lambdas.cost_report.settings import Options, Settings
from ops_lambdas.cost_report.survey import SURVEY_SECONDS, Survey
from ops_lambdas.shared import topic
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import from_environment, from_event

# Kept for SNS, with its retries.
_EMAIL_SECONDS = 45
# Kept for the deployed templates and the tasks.
_DEPLOYED_SECONDS = 30

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, context: LambdaContext) -> report.CostReportResult:
    """Report what the month has cost and will cost; in full with {"form": "long"} in the event.

    Needs `ce:GetCostAndUsage`, `ce:GetCostForecast`, `ce:ListCostAllocationTags`, `cloudwatch:GetMetricData`,
    `ec2:DescribeAddresses`, `ec2:DescribeSnapshots`, `ec2:DescribeVolumes`, `logs:DescribeLogGroups` and
    `rds:DescribeDBSnapshots` on everything, `cloudformation:GetTemplate` on the stacks, `ecr:DescribeImages` on the
    repositories, and `sns:Publish` on the topic with `kms:Decrypt` and `kms:GenerateDataKey` with its key.

    Raises:
        InvalidSettingError, CostExplorerError, CostDataError, TopicError: no report was sent.
    """
    options = from_event(Options, event)
    config = from_environment(Settings, os.environ)
    periods = core.periods(_today())
    is_long = options.form == "long"
    survey_seconds = SURVEY_SECONDS if is_long else 0
    seconds = context.get_remaining_time_in_millis() / 1000 - _EMAIL_SECONDS - survey_seconds
    explorer = CostExplorer(config.cost_metric, seconds=seconds - _DEPLOYED_SECONDS)
    tag = explorer.filter_by_tag(config.cost_tag_key, config.environment)
    costs = gather(explorer, periods, config.cost_bands, with_history=is_long)
    scope = email_text.scope(tag, config.cost_tag_key, config.environment)
    no_data: report.NoData = {
        "state": "no_data",
        "environment": config.environment,
        "form": options.form,
        "tag": tag,
        "start": periods.reported.start.isoformat(),
        "end": periods.reported.end.isoformat(),
        "requests": explorer.requests,
    }
    result: report.CostReportResult = no_data
    if costs is None:
        subject = email_text.no_data_subject(config.environment)
        text = email_text.no_data_text(config.environment, periods.reported, scope=scope)
    else:
        seconds = context.get_remaining_time_in_millis() / 1000 - _EMAIL_SECONDS - survey_seconds
        deployed = Deployed(config.environment, config.stacks, seconds=seconds)
        comparison = _compared(config, costs, tag, deployed)
        could_go = _could_go(config, deployed) if is_long else CouldGo()
        result = report.reported(no_data, costs, comparison, could_go, config.cost_ceiling_usd)
        report.publish_costs(config.environment, costs, comparison)
        email = email_text.Email(config.environment, costs, comparison, could_go, config.cost_ceiling_usd)
        subject = email.subject()
        text = email.text(options.form, metric=config.cost_metric, scope=scope)
    topic.send(config.topic_arn, subject=subject, text=text)
    log = logger.warning if costs and costs.invalid else logger.info
    log("Costs reported", extra={"result": result})
    return result


def _compared(config: Settings, costs: core.Report, tag: TagState, deployed: Deployed) -> Comparison:
    """Compare with the list price of what is deployed; a comparison that cannot be made says why."""
    if tag != "active":
        return Comparison(why_not="these are not only this environment's costs")
    if costs.costs.currency != core.BAND_CURRENCY:
        return Comparison(why_not=f"list prices are in {core.BAND_CURRENCY}")
    tolerance = Tolerance(config.cost_tolerance_percent, config.cost_tolerance_usd)
    period = costs.periods.reported
    try:
        return compare(costs.costs, period, deployed.price(), tasks=deployed.average_tasks(period), tolerance=tolerance)
    except DeployedError as error:
        logger.warning("Costs were not compared with list prices", extra={"reason": str(error)})
        return Comparison(why_not=str(error))


def _could_go(config: Settings, deployed: Deployed) -> CouldGo:
    """Look for what could go; what cannot be looked at is named."""
    try:
        facts = Survey(config.environment, deployed.templates).facts()
        found = savings(facts, deployed.templates, deployed.price(), deployed.prices)
    except (DeployedError, LookupError) as error:
        return CouldGo(unknown=(str(error),))
    return CouldGo(found, facts.unknown)


def _today() -> date:
    return datetime.now(UTC).date()
