"""Looks at the account and the environment for what could go; reads only."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from ops_lambdas.cost_report.savings import DAYS, OLD_DAYS, Facts, Stored, of_type
from ops_lambdas.shared.aws_errors import AWS_ERRORS
from ops_lambdas.shared.connecting import in_time
from ops_lambdas.shared.metrics import NAMESPACE

_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 2})
_GB = 10**9
_MOST = 5_000  # of one kind
_SECONDS_EACH = 6  # of eight looks

Found = TypeVar("Found")


class Survey:
    """One look at an environment and the rest of its account and region.

    What cannot be read in time is named in the facts; the rest is there.
    """

    def __init__(self, environment: str, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self._environment, self._templates = environment, templates
        self._now = datetime.now(UTC)
        self._unknown: list[str] = []

    def facts(self) -> Facts:
        """Look at everything."""
        return Facts(
            database_cpu=self._look("the databases' CPU", self._database_cpu, {}),
            peak_tasks=self._look("the tasks", self._peak_tasks, None),
            images=self._look("the images", self._images, ()),
            volumes=self._look("the volumes", self._volumes, ()),
            snapshots=self._look("the volumes' snapshots", self._snapshots, ()),
            database_snapshots=self._look("the databases' snapshots", self._database_snapshots, ()),
            log_groups=self._look("the log groups", self._log_groups, ()),
            addresses=self._look("the addresses", self._addresses, ()),
            unknown=tuple(self._unknown),
        )

    def _look(self, what: str, look: Callable[[], Found], nothing: Found) -> Found:
        try:
            return in_time(look, _SECONDS_EACH)
        except (*AWS_ERRORS, TimeoutError, LookupError, TypeError) as error:
            self._unknown.append(f"{what}: {type(error).__name__}: {error}")
            return nothing

    def _database_cpu(self) -> dict[str, float]:
        found = {}
        for instance in of_type(self._templates, "AWS::RDS::DBInstance"):
            name = instance["DBInstanceIdentifier"]
            values = self._hourly("AWS/RDS", "CPUUtilization", "Average", DBInstanceIdentifier=name)
            if values:
                found[name] = max(values)
        return found

    def _peak_tasks(self) -> float | None:
        values = self._hourly(NAMESPACE, "DesiredTasks", "Maximum", Environment=self._environment)
        return max(values, default=None)

    def _hourly(self, namespace: str, name: str, stat: str, **dimensions: str) -> list[float]:
        metric = {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        answer = boto3.client("cloudwatch", config=_CONFIG).get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": stat}}],
            StartTime=self._now - timedelta(days=DAYS),
            EndTime=self._now,
        )
        return [value for one in answer["MetricDataResults"] for value in one["Values"]]

    def _images(self) -> tuple[Stored, ...]:
        """Those with a tag that no deployed task has; ECR deletes those without by its rules."""
        deployed = json.dumps(list(of_type(self._templates, "AWS::ECS::TaskDefinition")))
        ecr, before = boto3.client("ecr", config=_CONFIG), self._now - timedelta(days=OLD_DAYS)
        return tuple(
            Stored(f"{repository['RepositoryName']}:{image['imageTags'][0]}", image["imageSizeInBytes"] / _GB)
            for repository in of_type(self._templates, "AWS::ECR::Repository")
            for image in _pages(ecr, "describe_images", "imageDetails", repositoryName=repository["RepositoryName"])
            if image.get("imageTags")
            and image["imagePushedAt"] < before
            and not any(f'/{repository["RepositoryName"]}:{tag}"' in deployed for tag in image["imageTags"])
        )

    def _volumes(self) -> tuple[Stored, ...]:
        available = [{"Name": "status", "Values": ["available"]}]
        volumes = _pages(boto3.client("ec2", config=_CONFIG), "describe_volumes", "Volumes", Filters=available)
        return tuple(Stored(one["VolumeId"], one["Size"]) for one in volumes)

    def _snapshots(self) -> tuple[Stored, ...]:
        ec2 = boto3.client("ec2", config=_CONFIG)
        volumes = {one["VolumeId"] for one in _pages(ec2, "describe_volumes", "Volumes")}
        return tuple(
            Stored(one["SnapshotId"], one["VolumeSize"])
            for one in _pages(ec2, "describe_snapshots", "Snapshots", OwnerIds=["self"])
            if one.get("VolumeId") not in volumes
        )

    def _database_snapshots(self) -> tuple[Stored, ...]:
        before = self._now - timedelta(days=OLD_DAYS)
        rds = boto3.client("rds", config=_CONFIG)
        return tuple(
            Stored(one["DBSnapshotIdentifier"], one["AllocatedStorage"])
            for one in _pages(rds, "describe_db_snapshots", "DBSnapshots", SnapshotType="manual")
            if "SnapshotCreateTime" in one and one["SnapshotCreateTime"] < before
        )

    def _log_groups(self) -> tuple[Stored, ...]:
        groups = _pages(boto3.client("logs", config=_CONFIG), "describe_log_groups", "logGroups")
        return tuple(
            Stored(one["logGroupName"], one.get("storedBytes", 0) / _GB)
            for one in groups
            if not one.get("retentionInDays")
        )

    def _addresses(self) -> tuple[str, ...]:
        addresses = boto3.client("ec2", config=_CONFIG).describe_addresses()["Addresses"]
        return tuple(one["PublicIp"] for one in addresses if "AssociationId" not in one)


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
    pages = client.get_paginator(operation).paginate(**arguments, PaginationConfig={"MaxItems": _MOST})
    return (one for page in pages for one in page.get(key, ()))
