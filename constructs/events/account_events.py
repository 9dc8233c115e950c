"""Events of the account: AWS Health, deleted secrets and failed rotations, findings of GuardDuty."""

from functools import partial

from constructs.alarms.severity import Severity
from constructs.events.event_rule import EventRules, event_field

# AWS Health's names. Public events concern everybody, so only those of services that we use count.
SERVICES = [
    *("ACM", "BACKUP", "CLOUDWATCH", "EC2", "ECR", "ECS", "ELASTICLOADBALANCING", "EVENTS", "FARGATE", "IAM", "KMS"),
    *("LAMBDA", "NATGATEWAY", "RDS", "ROUTE53", "S3", "SECRETSMANAGER", "SNS", "SQS", "VPC"),
    *("INTERNETCONNECTIVITY", "MULTIPLE_SERVICES"),  # an outage of many services
]
# https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html: medium from 4, high from 7.
MEDIUM, HIGH = 4, 7


class AccountEvents(EventRules):
    """Events of AWS Health for this region, of the environment's secrets, and of GuardDuty when it is on.

    Events of secrets come through CloudTrail, where the account has a trail that logs management events.
    """

    def add_rules(self) -> None:
        """Create the rules."""
        self._of_health()
        self._of_secrets()
        self._of_guardduty()

    def _of_health(self) -> None:
        """https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html"""
        steps = self.steps
        # Copies of other regions' events arrive, too; events of no region arrive in two regions only.
        here = {"eventRegion": [steps.region, "global"]}
        service = f"{event_field('$.detail.service')} in {event_field('$.detail.eventRegion')}"
        of_health = partial(
            self.rule,
            source="aws.health",
            detail_type=["AWS Health Event"],
            what=f"{event_field('$.detail.eventTypeCode')}, {event_field('$.detail.statusCode')}: "
            f"{event_field('$.detail.eventDescription[0].latestDescription')}",
            when=f"since {event_field('$.detail.startTime')}, reported {event_field('$.time')}",
            link=self.links.health,
        )
        of_health(
            "HealthIssue",
            severity=Severity.P3,
            name="aws-health-issue",
            problem="AWS has an issue in a service that we use, or has resolved it",
            detail={
                **here,
                "eventTypeCategory": ["investigation", "issue"],
                "$or": [{"eventScopeCode": ["ACCOUNT_SPECIFIC"]}, {"service": SERVICES}],
            },
            where=service,
            next_steps=(steps.tasks, steps.database(), steps.check("pool_health")),
        )
        of_health(
            "HealthNotification",
            severity=Severity.P4,
            name="aws-health-notification",
            problem="AWS will change one of our resources, or asks us to",
            detail={
                **here,
                "eventTypeCategory": ["accountNotification", "scheduledChange"],
                "eventScopeCode": ["ACCOUNT_SPECIFIC"],
            },
            where=f"{service}, {event_field('$.resources[0]')}",
            next_steps=(
                "if tasks will be retired, replace them first, when few users are online:",
                steps.restart,
            ),
        )

    def _of_secrets(self) -> None:
        """https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html"""
        steps = self.steps
        ours = [{"wildcard": f"*:secret:{self.names.secret('*')}"}]
        when = event_field("$.detail.eventTime")
        of_secrets = partial(self.rule, source="aws.secretsmanager", when=when, link=self.links.secrets)
        rotated = event_field("$.detail.additionalEventData.SecretId")
        deleted = event_field("$.detail.responseElements.arn")
        of_secrets(
            "RotationFailed",
            severity=Severity.P4,
            name="secret-rotation-failed",
            problem="a secret could not be rotated and keeps its value",
            detail_type=["AWS Service Event via CloudTrail"],
            detail={
                "eventName": ["RotationAbandoned", "RotationFailed"],
                "additionalEventData": {"SecretId": ours},
            },
            what=f"{event_field('$.detail.eventName')} {event_field('$.detail.errorMessage')}",
            where=f"secret {rotated}",
            next_steps=(steps.secret(rotated),),
        )
        of_secrets(
            "Deleted",
            severity=Severity.P2,
            name="secret-deleted",
            problem="a secret is scheduled for deletion, and tasks that read it no longer start",
            detail_type=["AWS API Call via CloudTrail"],
            detail={"eventName": ["DeleteSecret"], "responseElements": {"arn": ours}},
            what=f"{event_field('$.detail.userIdentity.arn')} deleted it; it can be restored until "
            f"{event_field('$.detail.responseElements.deletionDate')}",
            where=f"secret {deleted}",
            next_steps=(steps.restore_secret(deleted), steps.tasks),
        )

    def _of_guardduty(self) -> None:
        """https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html"""
        finding, severity = event_field("$.detail.id"), event_field("$.detail.severity")
        of_guardduty = partial(
            self.rule,
            source="aws.guardduty",
            detail_type=["GuardDuty Finding"],
            what=f"{event_field('$.detail.title')} ({event_field('$.detail.type')}, severity {severity}): "
            f"{event_field('$.detail.description')}",
            where=event_field("$.detail.resource.resourceType"),
            when=event_field("$.detail.service.eventLastSeen"),
            link=self.links.finding(finding),
            next_steps=(self.steps.finding(finding),),
        )
        of_guardduty(
            "Attack",
            severity=Severity.P2,
            name="guardduty-high",
            problem="GuardDuty has found what looks like a successful attack",
            detail={"severity": [{"numeric": [">=", HIGH]}]},
        )
        of_guardduty(
            "Suspicion",
            severity=Severity.P3,
            name="guardduty-medium",
            problem="GuardDuty has found something suspicious",
            detail={"severity": [{"numeric": [">=", MEDIUM, "<", HIGH]}]},
        )
