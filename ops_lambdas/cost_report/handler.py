"""The cost report on AWS: Cost Explorer in; an email, metrics, log lines and a result out."""

import os
from datetime import UTC, date, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.cost_report import core, email_text, report
from ops_lambdas.cost_report.explorer import CostExplorer, gather
from ops_lambdas.cost_report.findings import CouldGo
from ops_lambdas.cost_report.settings import Options, Settings
from ops_lambdas.shared import topic
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import from_environment, from_event

# Kept for SNS, with its retries.
_EMAIL_SECONDS = 45
# Kept for the deployed templates and the tasks, and in the long form for the look at what could go.
_DEPLOYED_SECONDS, _SURVEY_SECONDS = 30, 50

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
    survey_seconds = _SURVEY_SECONDS if is_long else 0
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
        from ops_lambdas.cost_report import comparing  # here, because the prices take a tenth of a cold start

        seconds = context.get_remaining_time_in_millis() / 1000 - _EMAIL_SECONDS - survey_seconds
        deployed = comparing.Deployed(config.environment, config.stacks, seconds=seconds)
        comparison = comparing.compared(config, costs, tag, deployed)
        could_go = comparing.could_go(config, deployed) if is_long else CouldGo()
        if comparison.why_not:
            logger.warning("Costs were not compared with list prices", extra={"reason": comparison.why_not})
        result = report.reported(no_data, costs, comparison, could_go, config.cost_ceiling_usd)
        report.publish_costs(config.environment, costs, comparison)
        email = email_text.Email(config.environment, costs, comparison, could_go, config.cost_ceiling_usd)
        subject = email.subject()
        text = email.text(options.form, metric=config.cost_metric, scope=scope)
    topic.send(config.topic_arn, subject=subject, text=text)
    log = logger.warning if costs and costs.invalid else logger.info
    log("Costs reported", extra={"result": result})
    return result


def _today() -> date:
    return datetime.now(UTC).date()
