"""What AWS charges for: each item's unit, the bill's name of its service, and where the Price List API has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

HOURS = 730  # a month, as AWS's own calculator counts: 365 days of 24 hours, divided by 12

ECS = "Amazon Elastic Container Service"
ELB = "Amazon Elastic Load Balancing"
RDS = "Amazon Relational Database Service"
CLOUDWATCH = "AmazonCloudWatch"
VPC = "Amazon Virtual Private Cloud"
EC2_OTHER = "EC2 - Other"


@dataclass(frozen=True)
class Item:
    """Something with one price in a region.

    Attributes:
        service: its name in Cost Explorer and on the bill.
        unit: what the price is for, e.g. "hour".
        offer: the service's code in the Price List API.
        usage_type: as the bill has it, without the region's code, e.g. "NatGateway-Hours" of "USW2-NatGateway-Hours".
        attributes: others that a product of that usage type must have.
    """

    service: str
    unit: str
    offer: str
    usage_type: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def database_item(instance_class: str, *, is_multi_az: bool) -> str:
    """The item's name of a PostgreSQL instance of this class, e.g. "db.t4g.medium Multi-AZ"."""
    return f"{instance_class} Multi-AZ" if is_multi_az else instance_class


def item(name: str) -> Item:
    """The item of this name.

    Raises:
        KeyError: there is none.
    """
    if name.startswith("db."):
        instance_class, _, deployment = name.partition(" ")
        usage = "Multi-AZUsage" if deployment else "InstanceUsage"
        return Item(RDS, "hour", "AmazonRDS", f"{usage}:{instance_class}", {"databaseEngine": "PostgreSQL"})
    return ITEMS[name]


def _fargate(kind: str, unit: str, usage_type: str) -> dict[str, Item]:
    return {f"Fargate {kind}": Item(ECS, unit, "AmazonECS", usage_type)}


ITEMS = {
    **_fargate("vCPU", "vCPU-hour", "Fargate-vCPU-Hours:perCPU"),
    **_fargate("memory", "GB-hour", "Fargate-GB-Hours"),
    **_fargate("arm64 vCPU", "vCPU-hour", "Fargate-ARM-vCPU-Hours:perCPU"),
    **_fargate("arm64 memory", "GB-hour", "Fargate-ARM-GB-Hours"),
    **_fargate("Spot vCPU", "vCPU-hour", "SpotUsage-Fargate-vCPU-Hours:perCPU"),
    **_fargate("Spot memory", "GB-hour", "SpotUsage-Fargate-GB-Hours"),
    **_fargate("Spot arm64 vCPU", "vCPU-hour", "SpotUsage-Fargate-ARM-vCPU-Hours:perCPU"),
    **_fargate("Spot arm64 memory", "GB-hour", "SpotUsage-Fargate-ARM-GB-Hours"),
    **_fargate("storage", "GB-hour", "Fargate-EphemeralStorage-GB-Hours"),
    "load balancer": Item(ELB, "hour", "AWSELB", "LoadBalancerUsage", {"productFamily": "Load Balancer-Application"}),
    "load balancer capacity": Item(
        ELB, "LCU-hour", "AWSELB", "LCUUsage", {"productFamily": "Load Balancer-Application"}
    ),
    "NAT gateway": Item(EC2_OTHER, "hour", "AmazonEC2", "NatGateway-Hours"),
    "NAT gateway data": Item(EC2_OTHER, "GB", "AmazonEC2", "NatGateway-Bytes"),
    "data between zones": Item(EC2_OTHER, "GB", "AWSDataTransfer", "DataTransfer-Regional-Bytes"),
    "data to another region": Item("AWS Data Transfer", "GB", "AWSDataTransfer", "AWS-Out-Bytes"),
    "data out": Item("AWS Data Transfer", "GB", "AWSDataTransfer", "DataTransfer-Out-Bytes"),
    "public IPv4 address": Item(VPC, "hour", "AmazonVPC", "PublicIPv4:InUseAddress"),
    "gp3 storage": Item(RDS, "GB-month", "AmazonRDS", "RDS:GP3-Storage"),
    "gp3 storage Multi-AZ": Item(RDS, "GB-month", "AmazonRDS", "RDS:Multi-AZ-GP3-Storage"),
    "alarm metric": Item(CLOUDWATCH, "month", "AmazonCloudWatch", "CW:AlarmMonitorUsage"),
    "composite alarm": Item(CLOUDWATCH, "month", "AmazonCloudWatch", "CW:CompositeAlarmMonitorUsage"),
    "custom metric": Item(CLOUDWATCH, "month", "AmazonCloudWatch", "CW:MetricMonitorUsage"),
    "dashboard": Item(CLOUDWATCH, "month", "AmazonCloudWatch", "DashboardsUsageHour"),
    "logs": Item(CLOUDWATCH, "GB", "AmazonCloudWatch", "DataProcessing-Bytes"),
    "flow logs to CloudWatch Logs": Item(CLOUDWATCH, "GB", "AmazonCloudWatch", "VendedLog-Bytes"),
    "flow logs to S3": Item(CLOUDWATCH, "GB", "AmazonCloudWatch", "S3-Egress-Bytes"),
    "secret": Item("AWS Secrets Manager", "month", "AWSSecretsManager", "AWSSecretsManager-Secrets"),
    "key": Item("AWS Key Management Service", "month", "awskms", "KMS-Keys"),
    "key use": Item("AWS Key Management Service", "request", "awskms", "KMS-Requests"),
    "health check": Item("Amazon Route 53", "month", "AmazonRoute53", "Health-Check-AWS"),
    "health check over HTTPS": Item("Amazon Route 53", "month", "AmazonRoute53", "Health-Check-Option-AWS"),
    "image storage": Item("Amazon EC2 Container Registry (ECR)", "GB-month", "AmazonECR", "TimedStorage-ByteHrs"),
    "object storage": Item(
        "Amazon Simple Storage Service", "GB-month", "AmazonS3", "TimedStorage-ByteHrs", {"volumeType": "Standard"}
    ),
    "function run": Item("AWS Lambda", "request", "AWSLambda", "Request-ARM"),
    "function time": Item("AWS Lambda", "GB-second", "AWSLambda", "Lambda-GB-Second-ARM"),
    "stored logs": Item(CLOUDWATCH, "GB-month", "AmazonCloudWatch", "TimedStorage-ByteHrs"),
    "backup storage": Item(RDS, "GB-month", "AmazonRDS", "RDS:ChargedBackupUsage"),
    "restore test": Item("AWS Backup", "test", "AWSBackup", "RestoreTesting-RDS"),
    "volume storage": Item(EC2_OTHER, "GB-month", "AmazonEC2", "EBS:VolumeUsage.gp3"),
    "volume snapshot": Item(EC2_OTHER, "GB-month", "AmazonEC2", "EBS:SnapshotUsage"),
    "scheduled start": Item("CloudWatch Events", "start", "AWSEvents", "ScheduledInvocation"),
    "email": Item("Amazon Simple Notification Service", "email", "AmazonSNS", "DeliveryAttempts-SMTP"),
    "queue request": Item("Amazon Simple Queue Service", "request", "AWSQueueService", "Requests-Tier1"),
    "state transition": Item("AWS Step Functions", "transition", "AmazonStates", "StateTransition"),
    "Cost Explorer request": Item("AWS Cost Explorer", "request", "AWSCostExplorer", "APIRequest"),
}
