"""The -monitoring stack."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs

from config import Environment
from constructs import Construct
from constructs.alarm_topic import AlarmTopic
from constructs.application_service import ApplicationService
from constructs.channel import Channel
from constructs.dashboard import Dashboard
from constructs.database import Database
from constructs.database_alarms import CPU_LIMIT_PERCENT, DatabaseAlarms
from constructs.housekeeping_alarms import HousekeepingAlarms
from constructs.load_balancer import LoadBalancer
from constructs.next_steps import NextSteps
from constructs.outage_alarms import OutageAlarms
from constructs.pool_alarms import PoolAlarms
from constructs.quiet_times import QuietDeployments
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
        service_alarms = ServiceAlarms(
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
        database_alarms = DatabaseAlarms(
            self,
            "DatabaseAlarms",
            channel=self.channel,
            instance=database.instance,
            replica=database.replica,
            database_class=environment.database,
            storage_gib=environment.storage_gib,
        )
        pool_alarms = PoolAlarms(self, "PoolAlarms", channel=self.channel, environment=environment.name)
        housekeeping_alarms = HousekeepingAlarms(
            self,
            "HousekeepingAlarms",
            channel=self.channel,
            environment=environment.name,
            log_group=log_group,
            max_error_lines=environment.max_error_lines,
            max_monthly_usd=environment.max_monthly_usd,
        )
        groups = (outage, deployments, service_alarms, database_alarms, pool_alarms, housekeeping_alarms)
        dashboard = Dashboard(
            self,
            "Dashboard",
            name=environment.dashboard_name,
            region=environment.region,
            alarms=[alarm for group in groups for alarm in group.alarms],
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
        cdk.CfnOutput(self, "Runbook", value=environment.runbook)
        cdk.CfnOutput(self, "DashboardUrl", value=dashboard.url)
