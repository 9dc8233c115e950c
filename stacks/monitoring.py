"""The -monitoring stack."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.alarm_topic import AlarmTopic
from constructs.application_service import ApplicationService
from constructs.channel import Channel
from constructs.dashboard import Dashboard
from constructs.database import Database
from constructs.database_alarms import CPU_LIMIT_PERCENT, DatabaseAlarms
from constructs.housekeeping_alarms import HousekeepingAlarms
from constructs.incident_events import IncidentEvents
from constructs.links import Links
from constructs.load_balancer import LoadBalancer
from constructs.next_steps import NextSteps
from constructs.outage_alarms import OutageAlarms
from constructs.pool_alarms import PoolAlarms
from constructs.quiet_times import QuietDeployments
from constructs.service_alarms import ServiceAlarms
from environment import Environment
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
        log_group: logs.ILogGroup,
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
        steps = NextSteps(
            environment=environment.name, prefix=prefix, account=environment.account, region=environment.region
        )
        outage = OutageAlarms(
            self,
            "OutageAlarms",
            channel=Channel(prefix=prefix, runbook=environment.runbook, topic=topic, steps=steps),
            environment=environment.name,
            target_group=front.target_group,
            load_balancer=front.load_balancer,
            has_off_hours=environment.off_hours is not None,
        )
        deployments = QuietDeployments(self, "Deployments", channel=outage.channel)
        self.channel = deployments.channel
        ServiceAlarms(
            self,
            "ServiceAlarms",
            channel=self.channel,
            service=service.service,
            load_balancer=front.load_balancer,
            target_group=front.target_group,
            max_tasks=environment.max_tasks,
            cpu_target_percent=environment.cpu_target_percent,
            memory_target_percent=environment.memory_target_percent,
        )
        DatabaseAlarms(
            self,
            "DatabaseAlarms",
            channel=self.channel,
            instance=database.instance,
            replica=database.replica,
            database_class=environment.database,
            storage_gib=environment.storage_gib,
        )
        PoolAlarms(self, "PoolAlarms", channel=self.channel, environment=environment.name)
        HousekeepingAlarms(
            self,
            "HousekeepingAlarms",
            channel=self.channel,
            environment=environment.name,
            log_group=log_group,
            max_error_lines=environment.max_error_lines,
            max_monthly_usd=environment.max_monthly_usd,
        )
        links = Links(environment.region, prefix, environment.runbook_url)
        IncidentEvents(self, "Events", channel=self.channel, links=links)
        dashboard = Dashboard(
            self,
            "Dashboard",
            name=environment.dashboard_name,
            prefix=prefix,
            environment=environment.name,
            links=links,
            service=service,
            front=front,
            database=database,
            max_connections=environment.database.max_connections,
            is_database_burstable=environment.database_class.startswith("db.t"),
            pools=environment.pools,
            cpu_target_percent=environment.cpu_target_percent,
            memory_target_percent=environment.memory_target_percent,
            database_cpu_limit_percent=CPU_LIMIT_PERCENT,
            max_cost_usd=environment.max_monthly_usd,
            topic_name=f"{prefix}-alarms",
        )
        subscribers = ", ".join(environment.alarm_emails) or "nobody: alarm_emails in config.py is empty"
        cdk.CfnOutput(self, "AlarmTopicArn", value=topic.topic_arn)
        cdk.CfnOutput(self, "AlarmSubscribers", value=subscribers)
        cdk.CfnOutput(self, "Runbook", value=environment.runbook)
        cdk.CfnOutput(self, "DashboardUrl", value=dashboard.url)
