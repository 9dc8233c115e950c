"""The region's quotas, and what of them others use already."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment

# A deployment starts the new tasks before it stops the old ones: maximumHealthyPercent is 200.
_DEPLOYMENT_FACTOR = 2
_CPU_UNITS = 1024
# Checks that may run at the same time as one another; a quota of 10 is a new account's.
_LAMBDAS = 10


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One quota of AWS, by its codes in Service Quotas, as `aws service-quotas list-service-quotas` answers them."""

    name: str
    service: str
    code: str


ON_DEMAND = Quota(name="Fargate On-Demand vCPU", service="fargate", code="L-3032A538")
SPOT = Quota(name="Fargate Spot vCPU", service="fargate", code="L-36FBB829")
ELASTIC_IPS = Quota(name="elastic IPs", service="ec2", code="L-0263D0A3")
VPCS = Quota(name="VPCs", service="vpc", code="L-F678F1CE")
LAMBDA = Quota(name="Lambda concurrency", service="lambda", code="L-B99A9384")


def fargate(aws: Deployment) -> Iterator[Finding]:
    """A deployment fits at the fewest tasks, or it fails; at the most tasks, or it may fail under load."""
    environment = aws.environment
    cpus = _DEPLOYMENT_FACTOR * environment.task_cpu / _CPU_UNITS
    weights = {ON_DEMAND: environment.fargate_weight, SPOT: environment.spot_weight}
    for quota in (one for one, weight in weights.items() if weight):
        value, used = _value(aws, quota), _fargate_in_use(aws, quota)
        least, most = environment.min_tasks * cpus, environment.max_tasks * cpus
        yield _compared(aws, quota, value, used=used, least=least, most=most)


def elastic_ips(aws: Deployment) -> Iterator[Finding]:
    """One for each NAT gateway that does not stand yet."""
    used = len(aws.client("ec2").describe_addresses()["Addresses"])
    needed = _absent(aws, "AWS::EC2::EIP")
    yield _compared(aws, ELASTIC_IPS, _value(aws, ELASTIC_IPS), used=used, least=needed, most=needed)


def vpcs(aws: Deployment) -> Iterator[Finding]:
    """One, unless it stands."""
    used = len(aws.client("ec2").describe_vpcs()["Vpcs"])
    needed = _absent(aws, "AWS::EC2::VPC")
    yield _compared(aws, VPCS, _value(aws, VPCS), used=used, least=needed, most=needed)


def lambda_concurrency(aws: Deployment) -> Iterator[Finding]:
    """The checks find room beside what other functions have reserved."""
    settings = aws.client("lambda").get_account_settings()["AccountLimit"]
    value = settings["ConcurrentExecutions"]
    reserved = value - settings.get("UnreservedConcurrentExecutions", value)
    yield _compared(aws, LAMBDA, value, used=reserved, least=1, most=_LAMBDAS)


def _compared(aws: Deployment, quota: Quota, value: float, *, used: float, least: float, most: float) -> Finding:
    free = value - used
    state = State.FAILS if free < least else State.NOT_YET if free < most else State.HOLDS
    needed = f"{least:g}" if least == most else f"{least:g} to {most:g}"
    mend = (
        f"aws service-quotas request-service-quota-increase --service-code {quota.service} --quota-code {quota.code} "
        f"--desired-value {used + most:g} --region {aws.environment.region}"
    )
    return Finding(
        area="quotas",
        subject=quota.name,
        state=state,
        found=f"{value:g}, of which {used:g} in use; {needed} more needed",
        mend="" if state is State.HOLDS else mend,
    )


def _value(aws: Deployment, quota: Quota) -> float:
    client, codes = aws.client("service-quotas"), {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        return float(client.get_service_quota(**codes)["Quota"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchResourceException":
            raise
        return float(client.get_aws_default_service_quota(**codes)["Quota"]["Value"])


def _absent(aws: Deployment, type_: str) -> int:
    return sum(logical_id not in aws.own[stack] for stack, logical_id, _ in aws.resources(type_))


def _fargate_in_use(aws: Deployment, quota: Quota) -> float:
    """The vCPUs of other services' tasks, at most in the last hour.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/monitoring-fargate-usage.html
    """
    kind = "Standard/Spot" if quota is SPOT else "Standard/OnDemand"
    dimensions = {"Service": "Fargate", "Type": "Resource", "Resource": "vCPU", "Class": kind}
    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Usage",
        MetricName="ResourceCount",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now,
        Period=3600,
        Statistics=["Maximum"],
    )["Datapoints"]
    used: float = max((point["Maximum"] for point in points), default=0)
    return max(0.0, used - _own_cpus(aws))


def _own_cpus(aws: Deployment) -> float:
    names = aws.environment.names
    if not aws.stands("service"):
        return 0
    answer = aws.client("ecs").describe_services(cluster=names.cluster, services=[names.service])
    return float(sum(one["runningCount"] for one in answer["services"]) * aws.environment.task_cpu / _CPU_UNITS)
