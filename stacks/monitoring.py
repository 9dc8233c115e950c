"""The -monitoring stack."""

import aws_cdk as cdk

from config import Environment
from constructs import Construct
from constructs.alarm_topic import AlarmTopic
from constructs.application_service import ApplicationService
from constructs.dashboard import Dashboard
from constructs.database import Database
from constructs.database_alarms import CPU_LIMIT_PERCENT, DatabaseAlarms
from constructs.load_balancer import LoadBalancer
from constructs.service_alarms import ServiceAlarms
from stacks.base import EnvironmentStack


class MonitoringStack(EnvironmentStack):
    """Alarm topic, alarms and dashboard."""

    layer = "monitoring"

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        service: ApplicationService,
        front: LoadBalancer,
        database: Database,
    ) -> None:
        super().__init__(scope, environment)
        prefix = environment.prefix
        self.alarm_topic = AlarmTopic(
            self,
            "AlarmTopic",
            name=f"{prefix}-alarms",
            emails=environment.alarm_emails,
            removal_policy=self.removal_policy,
        )
        topic = self.alarm_topic.topic
        service_alarms = ServiceAlarms(
            self,
            "ServiceAlarms",
            prefix=prefix,
            service=service.service,
            target_group=front.target_group,
            cpu_target_percent=environment.cpu_target_percent,
            memory_target_percent=environment.memory_target_percent,
            topic=topic,
        )
        database_alarms = DatabaseAlarms(
            self,
            "DatabaseAlarms",
            prefix=prefix,
            instance=database.instance,
            storage_gib=environment.storage_gib,
            topic=topic,
        )
        dashboard = Dashboard(
            self,
            "Dashboard",
            name=environment.dashboard_name,
            region=environment.region,
            alarms=[*service_alarms.alarms, *database_alarms.alarms],
            service=service.service,
            load_balancer=front.load_balancer,
            target_group=front.target_group,
            instance=database.instance,
            cpu_target_percent=environment.cpu_target_percent,
            memory_target_percent=environment.memory_target_percent,
            database_cpu_limit_percent=CPU_LIMIT_PERCENT,
        )
        subscribers = ", ".join(environment.alarm_emails) or "nobody: alarm_emails in config.py is empty"
        cdk.CfnOutput(self, "AlarmTopicArn", value=topic.topic_arn)
        cdk.CfnOutput(self, "AlarmSubscribers", value=subscribers)
        cdk.CfnOutput(self, "DashboardUrl", value=dashboard.url)
