"""Who is told when an alarm fires, and where operators read what to do."""

from collections.abc import Iterator

from procedures.findings import Aws, Finding, State
from procedures.preflight.deployment import Deployment

CONFIRM = "Confirm in the email from AWS Notifications; it can be sent again from SNS's console"


def subscribers(aws: Deployment) -> Iterator[Finding]:
    """The configuration names addresses and the runbook; a protected environment is not deployed without."""
    environment = aws.environment
    lacking = State.FAILS if environment.is_protected else State.NOT_YET
    for field, value in (("alarm_emails", environment.alarm_emails), ("runbook_url", environment.runbook_url)):
        found = (
            "is set" if value else "is not set" + (" in a protected environment" if environment.is_protected else "")
        )
        mend = "" if value else f"Set {field} in config.py"
        yield _finding(field, State.HOLDS if value else lacking, found, mend)


def confirmations(aws: Deployment) -> Iterator[Finding]:
    """Every address has confirmed its subscription."""
    environment = aws.environment
    if not environment.alarm_emails:
        return
    if not aws.stands("logs"):
        yield _finding("confirmations", State.NOT_YET, "AWS sends the emails when -logs is deployed")
        return
    confirmed = confirmed_addresses(aws)
    missing = [one for one in environment.alarm_emails if one not in confirmed]
    found = f"not confirmed: {', '.join(missing)}" if missing else f"{len(confirmed)} confirmed"
    yield _finding("confirmations", State.NOT_YET if missing else State.HOLDS, found, CONFIRM if missing else "")


def confirmed_addresses(aws: Aws) -> set[str]:
    """Addresses whose subscription to the alarm topic is confirmed."""
    environment = aws.environment
    topic = f"arn:aws:sns:{environment.region}:{environment.account}:{environment.names.alarm_topic}"
    pages = aws.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    subscriptions = [one for page in pages for one in page["Subscriptions"]]
    return {str(one["Endpoint"]) for one in subscriptions if one["SubscriptionArn"].startswith("arn:")}


def _finding(subject: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="subscribers", subject=subject, state=state, found=found, mend=mend)
