"""The -monitoring stack."""

import aws_cdk as cdk

from constructs import Construct
from constructs.alarms.alarm_topic import AlarmTopic
from constructs.alarms.database_alarms import DatabaseAlarms
from constructs.alarms.deployment_alarms import DeploymentAlarms
from constructs.alarms.log_and_topic_alarms import LogAndTopicAlarms
from constructs.alarms.migration_alarm import MigrationAlarm
from constructs.alarms.next_steps import NextSteps
from constructs.alarms.notifications import AlarmContext, Notifications
from constructs.alarms.outage_alarms import OutageAlarms
from constructs.alarms.rotation_alarm import RotationAlarm
from constructs.alarms.service_alarms import ServiceAlarms
from constructs.checks.declaration import all_checks
from constructs.common.links import Links
from constructs.dashboard.page import Dashboard
from constructs.database.instances import Database
from constructs.events.all_events import AllEvents
from constructs.service.application_service import ApplicationService
from constructs.service.load_balancer import LoadBalancer
from environment import Environment
from stacks.base import EnvironmentStack


class MonitoringStack(EnvironmentStack):
    """Alarms, event rules and dashboard."""

    layer = "monitoring"

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        service: ApplicationService,
        front: LoadBalancer,
        alarm_topic: AlarmTopic,
        database: Database,
    ) -> None:
        super().__init__(scope, environment)
        context = self.alarm_context = self._alarm_context(environment, front, alarm_topic, database)
        ServiceAlarms(self, "ServiceAlarms", context=context, service=service.service, front=front)
        LogAndTopicAlarms(self, "LogAndTopicAlarms", context=context)
        RotationAlarm(self, "RotationAlarm", context=context)
        if environment.site:
            MigrationAlarm(self, "MigrationAlarm", context=context)
        for check in all_checks():
            if check.alarms:
                check.alarms(Construct(self, f"{check.id}Alarms"), context)
        links = Links(environment.region, environment.names, environment.runbook_url)
        AllEvents(self, "Events", context=context, links=links)
        dashboard = Dashboard(self, "Dashboard", environment=environment, links=links, front=front, database=database)
        cdk.CfnOutput(self, "Runbook", value=environment.runbook)
        cdk.CfnOutput(self, "DashboardUrl", value=dashboard.url)

    def _alarm_context(
        self, environment: Environment, front: LoadBalancer, alarm_topic: AlarmTopic, database: Database
    ) -> AlarmContext:
        """Create the alarms that suppress others, and the database's, one of which does."""
        steps = NextSteps(
            environment=environment.name,
            names=environment.names,
            account=environment.account,
            region=environment.region,
        )
        notifications = Notifications(
            names=environment.names, runbook=environment.runbook, topic=alarm_topic.topic, steps=steps
        )
        outage = OutageAlarms(
            self,
            "OutageAlarms",
            notifications=notifications,
            environment=environment,
            front=front,
        ).outage
        deployments = DeploymentAlarms(
            self, "Deployments", notifications=notifications, environment=environment.name, outage=outage
        )
        databases = DatabaseAlarms(
            self,
            "DatabaseAlarms",
            notifications=notifications,
            size=environment.database,
            outage=outage,
            database=database,
        )
        return AlarmContext(
            environment=environment,
            notifications=notifications,
            outage=outage,
            outage_or_deployment=deployments.outage_or_deployment,
            outage_or_database=databases.outage_or_database,
        )
