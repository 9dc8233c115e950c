"""Secret deployment on AWS: the tasks' secrets and the service in; a deployment, log lines and a result out."""

import os

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.secret_deployment import access, core, report
from ops_lambdas.secret_deployment.settings import Settings
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import NoOptions, from_environment, from_event

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> report.SecretDeploymentResult:
    """Start one deployment when secrets that the tasks read have changed: not at once, and not beside another.

    A deployment that fails is not started again: it began after the change.

    Raises:
        InvalidSettingError: the check cannot begin.
        TasksError: ECS could not be reached, refused, or does not know the service.
        BotoCoreError, ClientError: Secrets Manager, CloudWatch or ECS could not be reached, or refused.
    """
    from_event(NoOptions, event)
    config = from_environment(Settings, os.environ)
    service = access.service(config)
    changed = core.changed_since(access.changed_secrets(config, service.deployed), service.deployed)
    decision = core.decide(service, changed, access.now(), is_outage=bool(changed) and access.is_outage(config))
    if decision.state == "due":
        access.deploy(config)
    result = report.result(config.environment, decision)
    logger.info("Secrets of the tasks checked", extra={"result": result})
    return result
