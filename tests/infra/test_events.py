"""Event rules: each matches its event and no other, and turns it into a readable email."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from ministack.services import eventbridge

from procedures.verify.event_samples import Event, samples
from rehearsal.emulator.services.eventbridge import INDEX
from tests.infra.conftest import Deployment

MAX_TEMPLATE = 8192  # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html
MAX_RULE_NAME = 64  # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
SECRETS = "arn:aws:secretsmanager:us-east-1:640080112933:secret"
FIELD = re.compile(r"<([\w-]+)>")
# Events that no environment has to itself.
OF_THE_ACCOUNT = {
    *("p3-aws-health-issue", "p4-aws-health-notification", "p2-guardduty-high", "p3-guardduty-medium"),
}
ORDER = ["What", "Where", "When", "Link", "Next", "Runbook"]


def rules(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Properties of every rule that emails, by its name without the prefix; a check's own rule starts the check."""
    found = {
        rule["Name"].removeprefix(f"{deployment.environment.prefix}-"): rule
        for rule in deployment.properties("AWS::Events::Rule")
    }
    return {name: rule for name, rule in found.items() if "InputTransformer" in rule["Targets"][0]}


def events(deployment: Deployment) -> dict[str, Event]:
    """A sample for each rule, of this deployment."""
    e = deployment.environment
    task = f"arn:aws:ecs:{e.region}:{e.account}:task/{e.prefix}-cluster/0123456789abcdef"
    secret = f"arn:aws:secretsmanager:{e.region}:{e.account}:secret:{e.prefix}/cron-secret-AbCdEf"
    return samples(e.prefix, e.account, e.region, task=task, secret=secret)


def matches(rule: dict[str, Any], event: Event) -> bool:
    """Whether the rule's pattern matches, by the emulator's implementation of EventBridge's patterns."""
    record = {
        "Source": event.source,
        "DetailType": event.detail_type,
        "Resources": event.resources,
        "Detail": json.dumps(event.detail),
    }
    return bool(eventbridge._matches_pattern(json.dumps(rule["EventPattern"]), record))


def lines(rule: dict[str, Any]) -> list[str]:
    """The lines of a rule's email, with names in angle brackets for fields of the event."""
    (target,) = rule["Targets"]
    return [json.loads(line) for line in target["InputTransformer"]["InputTemplate"].splitlines()]


def changed(event: Event, **detail: Any) -> Event:
    """The event with other fields; None removes one."""
    fields = {**event.detail, **detail}
    return replace(event, detail={key: value for key, value in fields.items() if value is not None})


def test_every_event_is_matched_by_its_rule_alone(deployment: Deployment) -> None:
    by_name = rules(deployment)
    differing = ", ".join(sorted(by_name.keys() ^ events(deployment).keys()))
    assert not differing, f"procedures/verify/event_samples.py must have one sample for each rule, see {differing}"
    for name, event in events(deployment).items():
        matched = [rule for rule, made in by_name.items() if matches(made, event)]
        assert matched == [name], f"the sample {name} must match its own rule's pattern only"


def test_events_of_another_environment_match_only_what_is_of_the_account(
    deployments: dict[tuple[str, str], Deployment], production: Deployment
) -> None:
    """Environments share an account, and each has its own email about what is its own."""
    staging, ours = events(deployments["staging", "us-east-1"]), rules(production).values()
    matched = {name for name, event in staging.items() if any(matches(rule, event) for rule in ours)}
    assert matched == OF_THE_ACCOUNT, f"a pattern must name what is its environment's, see {matched ^ OF_THE_ACCOUNT}"


@pytest.mark.parametrize(
    ("of", "detail"),
    [
        ("p4-deployment-failed", {"eventName": "SERVICE_DEPLOYMENT_COMPLETED"}),
        ("p4-deployment-failed", {"eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS"}),
        ("p4-task-stopped", {"stopCode": "UserInitiated", "stoppedReason": "Task stopped by user"}),
        ("p4-task-stopped", {"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted."}),
        (
            "p4-task-stopped",
            {"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Scaling activity initiated by deployment"},
        ),
        ("p4-task-stopped", {"lastStatus": "DEPROVISIONING"}),
        ("p4-task-stopped", {"group": "service:another-service"}),
        ("p4-task-stopped", {"clusterArn": "arn:aws:ecs:us-east-1:640080112933:cluster/another"}),
        ("p2-database-not-available", {"SourceIdentifier": "another-database"}),
        ("p2-database-not-available", {"EventCategories": ["backup"]}),
        ("p4-database-changed", {"EventCategories": ["creation"]}),
        ("p4-backup-failed", {"state": "COMPLETED"}),
        ("p4-backup-failed", {"resourceArn": "arn:aws:rds:us-east-1:640080112933:db:another-database"}),
        ("p3-aws-health-issue", {"service": "BRAKET"}),
        ("p3-aws-health-issue", {"eventRegion": "ap-southeast-2"}),
        ("p4-aws-health-notification", {"eventScopeCode": "PUBLIC"}),
        ("p4-secret-rotation-failed", {"eventName": "RotationSucceeded"}),
        (
            "p4-secret-rotation-failed",
            {
                "additionalEventData": {
                    "SecretId": "arn:aws:secretsmanager:us-east-1:640080112933:secret:other/a-AbCdEf"
                }
            },
        ),
        ("p2-secret-deleted", {"responseElements": None, "errorCode": "AccessDenied"}),
        ("p3-guardduty-medium", {"severity": 3.9}),
    ],
)
def test_an_event_that_is_not_our_incident_matches_no_rule(
    production: Deployment, of: str, detail: dict[str, Any]
) -> None:
    event = changed(events(production)[of], **detail)
    assert not [name for name, rule in rules(production).items() if matches(rule, event)]


@pytest.mark.parametrize(
    ("of", "detail", "matched_by"),
    [
        ("p4-task-stopped", {"stopCode": "TaskFailedToStart"}, "p4-task-stopped"),
        (
            "p4-task-stopped",
            {
                "stopCode": "ServiceSchedulerInitiated",
                "stoppedReason": "Task failed ELB health checks in (x)",
            },
            "p4-task-stopped",
        ),
        ("p2-database-not-available", {"EventCategories": ["availability"]}, "p2-database-not-available"),
        (
            "p2-database-not-available",
            {"EventCategories": ["low storage"], "EventID": "RDS-EVENT-0007"},
            "p2-database-not-available",
        ),
        (
            "p2-database-not-available",
            {"EventCategories": ["low storage"], "EventID": "RDS-EVENT-0089"},
            "p4-database-changed",
        ),
        (
            "p4-database-changed",
            {"EventCategories": ["maintenance"], "EventID": "RDS-EVENT-0026"},
            "p2-database-not-available",
        ),
        (
            "p2-database-not-available",
            {"SourceIdentifier": "pardon-production-database-replica"},
            "p4-database-changed",
        ),
        ("p3-aws-health-issue", {"service": "MULTIPLE_SERVICES"}, "p3-aws-health-issue"),
        ("p4-secret-rotation-failed", {"eventName": "RotationAbandoned"}, "p4-secret-rotation-failed"),
        ("p3-aws-health-issue", {"service": "BRAKET", "eventScopeCode": "ACCOUNT_SPECIFIC"}, "p3-aws-health-issue"),
        ("p3-aws-health-issue", {"eventRegion": "global", "service": "IAM"}, "p3-aws-health-issue"),
        ("p4-backup-failed", {"state": "ABORTED"}, "p4-backup-failed"),
        ("p3-guardduty-medium", {"severity": 4}, "p3-guardduty-medium"),
        ("p3-guardduty-medium", {"severity": 6.9}, "p3-guardduty-medium"),
        ("p3-guardduty-medium", {"severity": 7}, "p2-guardduty-high"),
    ],
)
def test_an_incident_matches_the_rule_of_its_severity(
    production: Deployment, of: str, detail: dict[str, Any], matched_by: str
) -> None:
    event = changed(events(production)[of], **detail)
    assert [name for name, rule in rules(production).items() if matches(rule, event)] == [matched_by]


def test_failed_copy_of_a_backup_matches(production: Deployment) -> None:
    failed = events(production)["p4-backup-failed"]
    copy = replace(failed, detail_type="Copy Job State Change")
    assert [name for name, rule in rules(production).items() if matches(rule, copy)] == ["p4-backup-failed"]


def test_queue_s_policy_has_room(deployment: Deployment) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html"""
    for policy in deployment.properties("AWS::SQS::QueuePolicy"):
        assert len(policy["PolicyDocument"]["Statement"]) <= 20


def test_email_has_what_where_when_link_next_step_and_runbook(deployment: Deployment) -> None:
    chosen = deployment.environment
    for name, rule in rules(deployment).items():
        first, *rest = lines(rule)
        assert re.match(rf"{name[:2].upper()}: .+\.$", first), name
        assert [line.partition(":")[0] for line in rest if line.partition(":")[0] in ORDER] == ORDER, name
        assert rest[-1] == f"Runbook: {chosen.runbook}#{name}"
        assert all(f"https://{chosen.region}.console.aws" in line or "health.aws" in line for line in rest[3:4])
        steps = rest[rest.index("Next:") + 1 : -1]
        assert [step for step in steps if step.startswith(("aws ", "make "))], name
        assert all(step.endswith(f" --region {chosen.region}") for step in steps if step.startswith("aws "))


def test_fields_of_the_email_are_in_the_event(production: Deployment) -> None:
    for name, event in events(production).items():
        (target,) = rules(production)[name]["Targets"]
        transformer = target["InputTransformer"]
        assert set(FIELD.findall(transformer["InputTemplate"])) == transformer["InputPathsMap"].keys()
        whole = {
            "detail": event.detail,
            "resources": event.resources,
            "detail-type": event.detail_type,
            "account": "",
            "region": "",
            "time": "",
        }
        for path in transformer["InputPathsMap"].values():
            value: Any = whole
            for key in INDEX.sub(r".\1", path.removeprefix("$.")).split("."):
                found = int(key) < len(value) if isinstance(value, list) else key in value
                assert found, f"{path} is in the email of {name}, and not in its sample"
                value = value[int(key) if isinstance(value, list) else key]


def test_limits_of_eventbridge_are_kept(deployment: Deployment) -> None:
    for rule in rules(deployment).values():
        assert len(rule["Name"]) <= MAX_RULE_NAME
        assert len(rule["Targets"][0]["InputTransformer"]["InputTemplate"]) <= MAX_TEMPLATE
        assert rule["State"] == "ENABLED"


def test_what_cannot_be_delivered_is_kept_and_alarmed(deployment: Deployment) -> None:
    (queue,) = (
        queue
        for queue in deployment.properties("AWS::SQS::Queue")
        if queue["QueueName"].endswith("-event-dead-letters")
    )
    assert queue["MessageRetentionPeriod"] == 14 * 86400
    (policy,) = (
        one["PolicyDocument"]["Statement"]
        for one in deployment.properties("AWS::SQS::QueuePolicy")
        if "EventsDeadLetters" in str(one["Queues"])
    )
    senders = {
        str(one["Condition"]["ArnEquals"]["aws:SourceArn"])
        for one in policy
        if one["Effect"] == "Allow" and one["Principal"] == {"Service": "events.amazonaws.com"}
    }
    assert len(senders) == len(rules(deployment))
    for rule in rules(deployment).values():
        (target,) = rule["Targets"]
        assert "EventsDeadLetters" in str(target["DeadLetterConfig"])
        assert "AlarmTopic" in str(target["Arn"])
