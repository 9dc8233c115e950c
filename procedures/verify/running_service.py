"""The service: its tasks with all their containers, and the load balancer's targets."""

from collections import Counter
from collections.abc import Iterator

from procedures.findings import Finding, State
from procedures.verify.deployed import Deployed

_AT_ONCE = 100  # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html


def tasks(aws: Deployed) -> Iterator[Finding]:
    """The last deployment has ended, and as many tasks run as are wanted."""
    names = aws.names
    (service,) = aws.client("ecs").describe_services(cluster=names.cluster, services=[names.service])["services"]
    wanted, running = service["desiredCount"], service["runningCount"]
    rollout = service["deployments"][0].get("rolloutState", "COMPLETED")
    found = f"{running} of {wanted} run, deployment {rollout}"
    events = "\n".join(one["message"] for one in service.get("events", ())[:2])
    mend = aws.cli(f"ecs describe-services --cluster {names.cluster} --services {names.service}")
    if rollout == "IN_PROGRESS":
        yield _finding("tasks", State.NOT_YET, found, f"make verify {aws.options}, when it has ended")
    elif rollout == "FAILED" or running < wanted:
        yield _finding("tasks", State.FAILS, f"{found}\n{events}".rstrip(), mend)
    elif wanted == 0:
        state = State.NOT_YET if aws.environment.off_hours else State.FAILS
        yield _finding("tasks", state, "none is wanted: off-hours, or its scaling is set to 0", mend)
    else:
        yield _finding("tasks", State.HOLDS, found)


def containers(aws: Deployed) -> Iterator[Finding]:
    """Every container runs in every task, and none is unhealthy."""
    client, names = aws.client("ecs"), aws.names
    pages = client.get_paginator("list_tasks").paginate(cluster=names.cluster, serviceName=names.service)
    arns = [arn for page in pages for arn in page["taskArns"]]
    described = [
        task
        for start in range(0, len(arns), _AT_ONCE)
        for task in client.describe_tasks(cluster=names.cluster, tasks=arns[start : start + _AT_ONCE])["tasks"]
        if task["lastStatus"] == "RUNNING"
    ]
    missing: Counter[str] = Counter()
    expected = [one.name for one in aws.environment.containers]
    for task in described:
        state = {one["name"]: one for one in task["containers"]}
        for name in expected:
            one = state.get(name, {"lastStatus": "MISSING"})
            if one["lastStatus"] != "RUNNING" or one.get("healthStatus") == "UNHEALTHY":
                reason = one.get("reason") or one.get("healthStatus") or one["lastStatus"]
                missing[f"{name} ({reason})"] += 1
    if missing:
        found = ", ".join(f"{name} in {count} of {len(described)} tasks" for name, count in sorted(missing.items()))
        name = min(missing).partition(" ")[0]
        mend = aws.cli(f"logs tail {names.service_log_group} --log-stream-name-prefix {name}/ --since 15m")
        yield _finding("containers", State.FAILS, f"not running: {found}", mend)
    elif described:
        yield _finding("containers", State.HOLDS, f"{len(expected)} run in each of {len(described)} tasks")


def targets(aws: Deployed) -> Iterator[Finding]:
    """Every target is healthy."""
    client, states = aws.client("elbv2"), Counter[str]()
    for group in aws.physical_ids("AWS::ElasticLoadBalancingV2::TargetGroup"):
        answer = client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        states.update(one["TargetHealth"]["State"] for one in answer)
    found = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "there are none"
    if not states["healthy"]:
        state = State.NOT_YET if states["initial"] else State.FAILS
    else:
        state = State.NOT_YET if states.keys() - {"healthy", "draining"} else State.HOLDS
    mend = aws.cli(f"logs tail {aws.names.service_log_group} --since 15m")
    yield _finding("targets", state, found, "" if state is State.HOLDS else mend)


def _finding(subject: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="service", subject=subject, state=state, found=found, mend=mend)
