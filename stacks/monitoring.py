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
        ServiceAlarms(
            self,
            "ServiceAlarms",
            prefix=prefix,
            service=service.service,
            target_group=front.target_group,
            cpu_target_percent=environment.cpu_target_percent,
            memory_target_percent=environment.memory_target_percent,
            topic=topic,
        )
        DatabaseAlarms(
            self,
            "DatabaseAlarms",
            prefix=prefix,
            instance=database.instance,
            storage_gib=environment.storage_gib,
            topic=topic,
        )
        total_band = next((band for band in environment.cost_bands if band.service == "Total"), None)
        dashboard = Dashboard(
            self,
            "Dashboard",
            name=environment.dashboard_name,
            prefix=prefix,
            environment=environment.name,
            region=environment.region,
            service=service,
            front=front,
            database=database,
            is_database_burstable=environment.database_class.startswith("db.t"),
            pools=environment.pools,
            cpu_target_percent=environment.cpu_target_percent,
            memory_target_percent=environment.memory_target_percent,
            database_cpu_limit_percent=CPU_LIMIT_PERCENT,
            max_cost_usd=total_band.max_usd if total_band else None,
            topic_name=f"{prefix}-alarms",
            runbook_url=environment.runbook_url,
        )
        subscribers = ", ".join(environment.alarm_emails) or "nobody: alarm_emails in config.py is empty"
        cdk.CfnOutput(self, "AlarmTopicArn", value=topic.topic_arn)
        cdk.CfnOutput(self, "AlarmSubscribers", value=subscribers)
        cdk.CfnOutput(self, "DashboardUrl", value=dashboard.url)
