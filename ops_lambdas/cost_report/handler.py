"""The cost report on AWS: Cost Explorer in; an e-mail, metrics, log lines and a result out."""

import os
from datetime import UTC, date, datetime

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.cost_report import core, mail, publication, result
from ops_lambdas.cost_report.explorer import CostExplorer, gather
from ops_lambdas.cost_report.settings import Options, Settings
from ops_lambdas.shared.settings import from_environment, from_event

logger = Logger(utc=True)


@logger.inject_lambda_context
def handler(event: object, _context: LambdaContext) -> result.CostReportResult:
    """Report what the month has cost and will cost; {"form": "long"} in the event says more.

    Needs `ce:GetCostAndUsage`, `ce:GetCostForecast` and `ce:ListCostAllocationTags` on everything, and
    `sns:Publish` on the topic with `kms:Decrypt` and `kms:GenerateDataKey` with its key.

    Raises:
        InvalidSettingError, CostExplorerError, CostDataError, TopicError: no report was sent.
    """
    options = from_event(Options, event)
    config = from_environment(Settings, os.environ)
    periods = core.periods(_today())
    explorer = CostExplorer(config.cost_metric)
    tag = explorer.filter_by_tag(config.cost_tag_key, config.environment)
    report = gather(explorer, periods, config.cost_bands, with_history=options.form == "long")
    scope = mail.scope(tag, config.cost_tag_key, config.environment)
    common: result.NoData = {
        "state": "no_data",
        "environment": config.environment,
        "form": options.form,
        "tag": tag,
        "start": periods.reported.start.isoformat(),
        "end": periods.reported.end.isoformat(),
        "requests": explorer.requests,
    }
    told: result.CostReportResult = common
    if report is None:
        subject = mail.no_data_subject(config.environment)
        text = mail.no_data_text(config.environment, periods.reported, scope=scope)
    else:
        told = result.reported(common, report)
        publication.publish_costs(config.environment, report)
        subject = mail.subject(config.environment, report)
        text = mail.text(config.environment, report, form=options.form, metric=config.cost_metric, scope=scope)
    publication.send(config.topic_arn, subject=subject, text=text)
    logger.info("Costs reported", extra={"result": told})
    return told


def _today() -> date:
    return datetime.now(UTC).date()
