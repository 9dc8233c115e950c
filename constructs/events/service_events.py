"""Events of ECS about the service: a deployment failed, a task stopped with an error."""

from functools import partial

from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.alarms.notifications import Notifications
from constructs.alarms.severity import Severity
from constructs.common.links import Links
from constructs.events.event_rule import EventRule, event_field


class ServiceEvents(Construct):
    """A deployment that failed or was rolled back, and each task that stopped with an error.

    A task that ECS or a person stops is not an error, nor is a Fargate Spot interruption.

    Args:
        links: pages of the console.
        dead_letter_queue: keeps what could not be delivered to the topic.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        notifications: Notifications,
        links: Links,
        dead_letter_queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        self._names, self._steps = notifications.names, notifications.steps
        self._rule = partial(
            EventRule,
            self,
            notifications=notifications,
            source="aws.ecs",
            link=links.service,
            dead_letter_queue=dead_letter_queue,
        )
        self._of_deployments()
        self._of_tasks()

    def _of_deployments(self) -> None:
        """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html"""
        names, steps = self._names, self._steps
        self._rule(
            "DeploymentFailed",
            severity=Severity.P4,
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
        names, steps, task = self._names, self._steps, event_field("$.detail.taskArn")
        self._rule(
            "TaskStopped",
            severity=Severity.P4,
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
