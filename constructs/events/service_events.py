"""Events of ECS about the service: a deployment failed, a task stopped with an error."""

from aws_cdk import aws_events as events

from constructs.alarms.severity import Severity
from constructs.events.event_rule import EventRules, event_field


class ServiceEvents(EventRules):
    """A deployment that failed or was rolled back, and each task that stopped with an error.

    A task that ECS or a person stops is not an error, nor is a Fargate Spot interruption.
    """

    def add_rules(self) -> None:
        """Create the rules."""
        self._of_deployments()
        self._of_tasks()

    def _of_deployments(self) -> None:
        """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html"""
        names, steps = self.names, self.steps
        self.rule(
            "DeploymentFailed",
            severity=Severity.P4,
            source="aws.ecs",
            link=self.links.service,
            name="deployment-failed",
            problem="a deployment failed; ECS rolls back to the previous version, if there is one",
            detail_type=["ECS Deployment State Change"],
            resources=events.Match.suffix(f":service/{names.cluster}/{names.service}"),
            detail={"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
            what=f"{event_field('$.detail.reason')} (deployment {event_field('$.detail.deploymentId')})",
            where=f"service {names.service}",
            when=event_field("$.detail.updatedAt"),
            next_steps=(steps.tasks, steps.events, steps.why_stopped),
        )

    def _of_tasks(self) -> None:
        """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html"""
        names, steps, task = self.names, self.steps, event_field("$.detail.taskArn")
        self.rule(
            "TaskStopped",
            severity=Severity.P4,
            source="aws.ecs",
            link=self.links.service,
            name="task-stopped",
            problem="a task stopped with an error; ECS starts another",
            detail_type=["ECS Task State Change"],
            detail={
                "clusterArn": [{"suffix": f":cluster/{names.cluster}"}],
                "group": [f"service:{names.service}"],
                "lastStatus": ["STOPPED"],
                "$or": [
                    {"stopCode": ["EssentialContainerExited", "TaskFailedToStart"]},
                    # The scheduler stopped it, because of its health checks.
                    {"stoppedReason": [{"prefix": "Task failed"}]},
                ],
            },
            what=f"{event_field('$.detail.stoppedReason')} ({event_field('$.detail.stopCode')})",
            where=f"task {task} of {event_field('$.detail.taskDefinitionArn')}",
            when=event_field("$.detail.stoppedAt"),
            next_steps=(steps.task(task), steps.errors, steps.events),
        )
