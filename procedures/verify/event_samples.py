"""Events as AWS's services send them, one for each event rule.

Fields and their forms are those of the services' documentation; its page is above each event.
"""

from dataclasses import dataclass, field
from typing import Any

from names import Names

TIME = "2026-11-23T03:14:15Z"
RETIREMENT = 'Your task will be "retired".\n\nAWS replaces it unless you do.'


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event on the default bus.

    Attributes:
        expected: texts of the event that its email must contain.
    """

    source: str
    detail_type: str
    detail: dict[str, Any]
    expected: tuple[str, ...]
    resources: list[str] = field(default_factory=list)


def samples(prefix: str, account: str, region: str, *, task: str, secret: str) -> dict[str, Event]:
    """An event for each rule, by the rule's name without the prefix.

    Args:
        task, secret: ARNs that some events are about.
    """
    names = Names(prefix)
    return {
        **_of_the_service(names, account, region, task),
        **_of_the_database(names, account, region),
        **_of_aws_health(account, region, task),
        **_of_secrets(names, account, region, secret),
        **_of_guardduty(account, region),
    }


def of_a_restore(plan: str, source: str) -> Event:
    """A restore for a test has ended. https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html

    Args:
        plan, source: ARNs of the restore testing plan and of the instance whose backup was restored.
    """
    return Event(
        source="aws.backup",
        detail_type="Restore Job State Change",
        detail={
            "restoreJobId": "34176239-e96d-4e1d-9fad-529dbb3c3556",
            "backupSizeInBytes": "0",
            "creationDate": TIME,
            "percentDone": 100,
            "resourceType": "RDS",
            "status": "COMPLETED",
            "createdResourceArn": source.replace(":db:", ":db:awsbackup-restore-test-"),
            "completionDate": TIME,
            "restoreTestingPlanArn": plan,
            "sourceResourceArn": source,
        },
        expected=(),
    )


def of_a_stack(stack: str) -> Event:
    """The event that a stack was updated, which the checks run after."""
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/eventbridge-events.html
    return Event(
        source="aws.cloudformation",
        detail_type="CloudFormation Stack Status Change",
        resources=[stack],
        detail={
            "stack-id": stack,
            "status-details": {"status": "UPDATE_COMPLETE", "status-reason": ""},
            "client-request-token": "",
        },
        expected=(),
    )


def _of_the_service(names: Names, account: str, region: str, task: str) -> dict[str, Event]:
    ecs = f"arn:aws:ecs:{region}:{account}"
    return {
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
        "p4-deployment-failed": Event(
            source="aws.ecs",
            detail_type="ECS Deployment State Change",
            resources=[f"{ecs}:service/{names.cluster}/{names.service}"],
            detail={
                "eventType": "ERROR",
                "eventName": "SERVICE_DEPLOYMENT_FAILED",
                "clusterArn": f"{ecs}:cluster/{names.cluster}",
                "deploymentId": "ecs-svc/1234567890123456789",
                "updatedAt": TIME,
                "reason": "ECS deployment circuit breaker: task failed to start.",
            },
            expected=("circuit breaker: task failed to start", "ecs-svc/1234567890123456789"),
        ),
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
        "p4-task-stopped": Event(
            source="aws.ecs",
            detail_type="ECS Task State Change",
            resources=[task],
            detail={
                "clusterArn": f"{ecs}:cluster/{names.cluster}",
                "containers": [{"name": "web", "exitCode": 1, "lastStatus": "STOPPED", "taskArn": task}],
                "desiredStatus": "STOPPED",
                "group": f"service:{names.service}",
                "lastStatus": "STOPPED",
                "launchType": "FARGATE",
                "startedBy": "ecs-svc/1234567890123456789",
                "stopCode": "EssentialContainerExited",
                "stoppedAt": TIME,
                "stoppedReason": "Essential container in task exited",
                "taskArn": task,
                "taskDefinitionArn": f"{ecs}:task-definition/{names.task_family}:7",
            },
            expected=("Essential container in task exited", f"--tasks {task}", f"{names.task_family}:7"),
        ),
    }


def _of_the_database(names: Names, account: str, region: str) -> dict[str, Event]:
    instance = f"arn:aws:rds:{region}:{account}:db:{names.database}"

    def of_rds(categories: list[str], event_id: str, message: str) -> Event:
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloud-watch-events.sample.html
        return Event(
            source="aws.rds",
            detail_type="RDS DB Instance Event",
            resources=[instance],
            detail={
                "EventCategories": categories,
                "SourceType": "DB_INSTANCE",
                "SourceArn": instance,
                "Date": TIME,
                "Message": message,
                "SourceIdentifier": names.database,
                "EventID": event_id,
            },
            expected=(message, event_id, names.database),
        )

    return {
        "p2-database-not-available": of_rds(["failover"], "RDS-EVENT-0013", "Multi-AZ instance failover started."),
        "p4-database-changed": of_rds(
            ["configuration change"],
            "RDS-EVENT-0217",
            "Applying autoscaling-initiated modification to allocated storage.",
        ),
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html
        "p4-backup-failed": Event(
            source="aws.backup",
            detail_type="Backup Job State Change",
            detail={
                "backupJobId": "34176239-e96d-4e1d-9fad-529dbb3c3556",
                "backupVaultName": "nightly",
                "creationDate": TIME,
                "resourceArn": instance,
                "resourceType": "RDS",
                "state": "FAILED",
                "statusMessage": "Backup vault nightly does not exist.",
                "percentDone": 0,
            },
            expected=("FAILED, Backup vault nightly does not exist.", instance),
        ),
        "p4-dump-failed": _of_a_dump(names, account, region),
    }


def _of_a_dump(names: Names, account: str, region: str) -> Event:
    # https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    place = f"arn:aws:states:{region}:{account}"
    execution = f"{place}:execution:{names.dump}:b94f5a1c-0f0c-4a3c-8d0b-2b7a7c6a5d10"
    return Event(
        source="aws.states",
        detail_type="Step Functions Execution Status Change",
        resources=[execution],
        detail={
            "executionArn": execution,
            "stateMachineArn": f"{place}:stateMachine:{names.dump}",
            "name": "b94f5a1c-0f0c-4a3c-8d0b-2b7a7c6a5d10",
            "status": "FAILED",
            "startDate": 1551225271984,
            "stopDate": 1551225291984,
            "input": "{}",
            "inputDetails": {"included": True},
            "output": None,
            "outputDetails": None,
        },
        expected=("FAILED: ", f"--execution-arn {execution}"),
    )


def _of_aws_health(account: str, region: str, task: str) -> dict[str, Event]:
    def of_health(category: str, service: str, code: str, description: str, resources: list[str]) -> Event:
        # https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
        return Event(
            source="aws.health",
            detail_type="AWS Health Event",
            resources=resources,
            detail={
                "eventArn": f"arn:aws:health:{region}::event/{service}/{code}/{code}_1",
                "service": service,
                "eventTypeCode": code,
                "eventTypeCategory": category,
                "eventScopeCode": "ACCOUNT_SPECIFIC" if resources else "PUBLIC",
                "communicationId": "1234567890abcdef-1",
                "startTime": "Mon, 23 Nov 2026 03:14:15 GMT",
                "lastUpdatedTime": "Mon, 23 Nov 2026 03:14:15 GMT",
                "statusCode": "open" if category == "issue" else "upcoming",
                "eventRegion": region,
                "eventDescription": [{"language": "en_US", "latestDescription": description}],
                "affectedEntities": [{"entityValue": resource} for resource in resources],
                "affectedAccount": account,
                "page": "1",
                "totalPages": "1",
                "backupEvent": "false",
            },
            expected=(code, description, service, "Mon, 23 Nov 2026 03:14:15 GMT", *resources),
        )

    return {
        "p3-aws-health-issue": of_health(
            "issue", "RDS", "AWS_RDS_OPERATIONAL_ISSUE", "We investigate failing connections.", []
        ),
        "p4-aws-health-notification": of_health(
            "scheduledChange", "ECS", "AWS_ECS_TASK_PATCHING_RETIREMENT", RETIREMENT, [task]
        ),
    }


def _of_secrets(names: Names, account: str, region: str, secret: str) -> dict[str, Event]:
    common = {"eventSource": "secretsmanager.amazonaws.com", "eventTime": TIME, "awsRegion": region}
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
    return {
        "p4-secret-rotation-failed": Event(
            source="aws.secretsmanager",
            detail_type="AWS Service Event via CloudTrail",
            detail={
                **common,
                "eventName": "RotationFailed",
                "eventType": "AwsServiceEvent",
                "userIdentity": {"accountId": account, "invokedBy": "secretsmanager.amazonaws.com"},
                "errorMessage": "Error when executing lambda during setSecret step",
                "requestParameters": None,
                "responseElements": None,
                "additionalEventData": {"SecretId": secret},
            },
            expected=("RotationFailed Error when executing lambda during setSecret step", f"--secret-id {secret}"),
        ),
        "p2-secret-deleted": Event(
            source="aws.secretsmanager",
            detail_type="AWS API Call via CloudTrail",
            detail={
                **common,
                "eventName": "DeleteSecret",
                "eventType": "AwsApiCall",
                "userIdentity": {"type": "AssumedRole", "arn": f"arn:aws:sts::{account}:assumed-role/Admin/operator"},
                "requestParameters": {"secretId": names.secret("cron-secret"), "recoveryWindowInDays": 7},
                "responseElements": {"arn": secret, "deletionDate": "Nov 30, 2026 3:14:15 AM"},
            },
            expected=("assumed-role/Admin/operator", "Nov 30, 2026", f"restore-secret --secret-id {secret}"),
        ),
    }


def _of_guardduty(account: str, region: str) -> dict[str, Event]:
    def finding(severity: float, type_: str, title: str) -> Event:
        # https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html
        return Event(
            source="aws.guardduty",
            detail_type="GuardDuty Finding",
            detail={
                "schemaVersion": "2.0",
                "accountId": account,
                "region": region,
                "id": "60b4e1c2f3a4958677a8b9c0d1e2f3a4",
                "type": type_,
                "resource": {"resourceType": "ECSCluster"},
                "service": {"count": 1, "eventFirstSeen": TIME, "eventLastSeen": TIME},
                "severity": severity,
                "title": title,
                "description": "The container asked for a name that is known for mining.",
            },
            expected=(title, type_, f"severity {severity}", "60b4e1c2f3a4958677a8b9c0d1e2f3a4"),
        )

    return {
        "p2-guardduty-high": finding(8, "CryptoCurrency:Runtime/BitcoinTool.B!DNS", "A container mines bitcoins"),
        "p3-guardduty-medium": finding(5.5, "UnauthorizedAccess:EC2/TorClient", "A task connects to Tor"),
    }
