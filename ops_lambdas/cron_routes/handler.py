"""Cron routes on AWS: the site's answer in; a metric, log lines and a result out."""

import os
from dataclasses import replace

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.cron_routes import access, core, report
from ops_lambdas.cron_routes.settings import Options, Settings
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import from_environment, from_event

logger = check_logger()


class RouteError(RuntimeError):
    """The route did not do its work; Lambda runs the check again, as both routes may be called twice."""


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> report.CronRoutesResult:
    """Call intermediary-cleanup, or weekly-reset with `{"route": "weekly-reset"}`.

    Whether the weekly reset is overdue is looked at in any case, so that its silence is noticed, too.

    Raises:
        InvalidSettingError: the check cannot begin.
        RouteError: the site did not answer that it has done the work, and is not at rest.
        TasksError: it did not, and whether it is at rest is not known.
        BotoCoreError, ClientError: SSM could not be reached, or refused.
    """
    options = from_event(Options, event)
    config = from_environment(Settings, os.environ)
    outcome = access.call(config, options.route)
    is_done = outcome.state == "ok"
    if not is_done and access.is_at_rest(config):
        outcome = replace(outcome, state="at_rest")
    if is_done and options.route == core.WEEKLY_RESET:
        access.remember_reset(config.weekly_reset_parameter)
    is_overdue = core.is_overdue(access.last_reset(config.weekly_reset_parameter), access.now())
    report.publish_overdue(config.environment, is_overdue=is_overdue)
    result = report.result(config.environment, options.route, outcome, is_overdue=is_overdue)
    log = logger.info if is_done and not is_overdue else logger.warning
    log("Cron route called", extra={"result": result})
    if outcome.state not in ("ok", "at_rest"):
        raise RouteError(f"{options.route}: {outcome.state}: {outcome.detail}")
    return result
