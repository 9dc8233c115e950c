"""The stacks of one environment, in order of deployment."""

import aws_cdk as cdk

from constructs.checks.declaration import Deployed
from constructs.recovery.standby import leave_standby
from environment import Environment
from stacks.data import DataStack
from stacks.logs import LogsStack
from stacks.monitoring import MonitoringStack
from stacks.network import NetworkStack
from stacks.operations import OperationsStack
from stacks.registry import RegistryStack
from stacks.secrets import SecretsStack
from stacks.service import ServiceStack


def add_stacks(app: cdk.App, environment: Environment) -> None:
    """Add every stack of `environment` to `app`; of one in standby, with what a standby has."""
    network = NetworkStack(app, environment)
    registry = RegistryStack(app, environment)
    logs = LogsStack(app, environment)
    secrets = SecretsStack(app, environment)
    if environment.receives_copies:
        secrets.add_stack_dependency(logs, reason="its function writes to its log group")
    data = DataStack(app, environment, network=network.network, secrets_key=secrets.secrets.key)
    data.add_stack_dependency(logs, reason="reads there what the database was restored from")
    service = ServiceStack(
        app,
        environment,
        network=network.network,
        secrets=secrets.secrets,
        database=data.database,
        configuration_bucket=data.configuration_bucket,
        access_logs=data.access_logs,
    )
    service.add_stack_dependency(logs, reason="writes to its log group")
    service.add_stack_dependency(registry, reason="runs its images")
    monitoring = MonitoringStack(
        app,
        environment,
        service=service.service,
        front=service.front,
        alarm_topic=logs.alarm_topic,
        database=data.database,
    )
    deployed = Deployed(
        environment=environment,
        network=network.network,
        secrets=secrets.secrets,
        database=data.database,
        site_url=service.front.url,
        alarm_topic=logs.alarm_topic,
        configuration_bucket=data.configuration_bucket,
        data_key=data.key,
        kept_resources=data.kept_resources,
    )
    operations = OperationsStack(app, deployed, alarm_context=monitoring.alarm_context, dump_bucket=data.dump_bucket)
    if environment.is_standby:
        stacks = [network, registry, secrets, logs, data, service, monitoring, operations]
        # The home region's own secrets stay, and the alarm that keeps the name in the recovery region.
        kept_in = {secrets.stack_name: "AWS::SecretsManager::Secret", service.stack_name: "AWS::CloudWatch::Alarm"}
        leave_standby(stacks, has_load_balancer=environment.standby_load_balancer, kept_in=kept_in)
