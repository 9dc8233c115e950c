"""What could go: what is found, what it saves, and what AWS is asked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.stub import Stubber

from ops_lambdas.cost_report.findings import Saving
from ops_lambdas.cost_report.savings import Facts, Stored, savings, smaller
from ops_lambdas.cost_report.survey import Survey
from prices.estimate import estimate
from prices.table import Prices, list_prices
from tests.unit.test_prices import resource, service

PRIMARY = resource(
    "RDS::DBInstance",
    DBInstanceIdentifier="primary",
    DBInstanceClass="db.t4g.large",
    MultiAZ=True,
    AllocatedStorage="20",
)
REPOSITORY = resource("ECR::Repository", RepositoryName="pardon-staging/pardon-agent")
TEMPLATES = {"all": {"Resources": {**service(), "Primary": PRIMARY, "Repository": REPOSITORY}}}
LONG_AGO = datetime.now(UTC) - timedelta(days=200)


def found(facts: Facts) -> tuple[Saving, ...]:
    prices = list_prices("us-east-1")
    known = Prices("us-east-1", _Known(prices))
    return savings(facts, TEMPLATES, estimate(TEMPLATES, known), known)


class _Known(dict[str, float]):
    """The list, with a price of the larger class, which is not in it."""

    def __init__(self, prices: Prices) -> None:
        super().__init__({"db.t4g.large Multi-AZ": 0.26})
        self._prices = prices

    def __missing__(self, key: str) -> float:
        return self._prices.usd(key)


def test_nothing_is_found_where_all_is_used() -> None:
    assert found(Facts(database_cpu={"primary": 20.0}, peak_tasks=4)) == ()


def test_an_idle_database_names_the_class_that_would_do() -> None:
    (one,) = found(Facts(database_cpu={"primary": 19.4}))
    assert one.what == "primary was never above 19 % CPU: db.t4g.medium instead of db.t4g.large would do"
    assert one.usd == pytest.approx(730 * (0.26 - 0.13))


@pytest.mark.parametrize(
    ("instance_class", "expected"), [("db.m7g.2xlarge", "db.m7g.xlarge"), ("db.t4g.medium", None), ("db.x.odd", None)]
)
def test_the_smallest_class_has_no_smaller_one(instance_class: str, expected: str | None) -> None:
    assert smaller(instance_class) == expected


def test_tasks_that_never_scale_could_be_fewer() -> None:
    (one,) = found(Facts(peak_tasks=3))
    assert "never ran more than its 3 tasks" in one.what
    assert one.usd == pytest.approx(85.06 + 2, abs=1)  # a task, and the use that comes with it
    assert found(replace(Facts(), peak_tasks=None)) == ()


def test_what_is_stored_for_nothing_is_summed_and_what_saves_most_comes_first() -> None:
    many = tuple(Stored(f"vol-{number}", 10 * number) for number in range(1, 6))
    all_found = found(
        Facts(
            images=(Stored("agent:v1", 2.0),),
            volumes=many,
            snapshots=(Stored("snap-1", 100),),
            database_snapshots=(Stored("by-hand", 20),),
            log_groups=(Stored("/aws/lambda/old", 10),),
            addresses=("192.0.2.1", "192.0.2.2"),
        )
    )
    assert [one.usd for one in all_found] == [pytest.approx(usd) for usd in (12.0, 7.3, 5.0, 1.9, 0.3, 0.2)]
    assert all_found[0].what == "volumes attached to nothing (5, 150.0 GB): vol-5, vol-4, vol-3 and 2 more"
    assert all_found[1].what == "addresses attached to nothing (2): 192.0.2.1, 192.0.2.2"


@pytest.fixture
def stubs() -> Iterator[dict[str, Stubber]]:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    clients = {name: boto3.client(name, **keys) for name in ("cloudwatch", "ecr", "ec2", "rds", "logs")}
    stubbed = {name: Stubber(client) for name, client in clients.items()}
    with mock.patch.object(boto3, "client", lambda name, **_: clients[name]):
        for one in stubbed.values():
            one.activate()
        yield stubbed


def metric(*values: float) -> dict[str, Any]:
    return {"MetricDataResults": [{"Id": "m", "Values": list(values)}]}


def test_only_what_is_old_or_unused_is_found(stubs: dict[str, Stubber]) -> None:
    now = datetime.now(UTC)
    stubs["cloudwatch"].add_response("get_metric_data", metric(3, 12.5, 7))
    stubs["cloudwatch"].add_response("get_metric_data", metric(3, 4))
    images = [
        {"imageTags": ["v1"], "imageSizeInBytes": 2 * 10**9, "imagePushedAt": LONG_AGO},
        {"imageTags": ["v9"], "imageSizeInBytes": 10**9, "imagePushedAt": now},
        {"imageTags": ["v10", "v8"], "imageSizeInBytes": 10**9, "imagePushedAt": LONG_AGO},
        {"imageSizeInBytes": 10**9, "imagePushedAt": LONG_AGO},
    ]
    asked = {"repositoryName": "pardon-staging/pardon-agent"}
    stubs["ecr"].add_response("describe_images", {"imageDetails": images}, asked)
    ec2 = stubs["ec2"]
    ec2.add_response("describe_volumes", {"Volumes": [{"VolumeId": "vol-1", "Size": 8}]})
    ec2.add_response("describe_volumes", {"Volumes": [{"VolumeId": "vol-1"}]})
    snapshots = [{"SnapshotId": f"snap-{n}", "VolumeId": f"vol-{n}", "VolumeSize": 8} for n in (1, 2)]
    ec2.add_response("describe_snapshots", {"Snapshots": snapshots}, {"OwnerIds": ["self"]})
    addresses = [{"PublicIp": "192.0.2.1"}, {"PublicIp": "192.0.2.2", "AssociationId": "eipassoc-1"}]
    ec2.add_response("describe_addresses", {"Addresses": addresses})
    taken = [
        {"DBSnapshotIdentifier": "old", "AllocatedStorage": 20, "SnapshotCreateTime": LONG_AGO},
        {"DBSnapshotIdentifier": "new", "AllocatedStorage": 20, "SnapshotCreateTime": now},
        {"DBSnapshotIdentifier": "begun", "AllocatedStorage": 20},
    ]
    stubs["rds"].add_response("describe_db_snapshots", {"DBSnapshots": taken}, {"SnapshotType": "manual"})
    groups = [{"logGroupName": "kept", "storedBytes": 10**9}, {"logGroupName": "expires", "retentionInDays": 7}]
    stubs["logs"].add_response("describe_log_groups", {"logGroups": groups})
    image = {"Fn::Join": ["", ["1.dkr.ecr.us-east-1.", {"Ref": "AWS::URLSuffix"}, "/pardon-staging/pardon-agent:v8"]]}
    task = resource("ECS::TaskDefinition", ContainerDefinitions=[{"Image": image}])
    assert Survey("staging", {**TEMPLATES, "service": {"Resources": {"Task": task}}}).facts() == Facts(
        database_cpu={"primary": 12.5},
        peak_tasks=4,
        images=(Stored("pardon-staging/pardon-agent:v1", 2.0),),
        volumes=(Stored("vol-1", 8),),
        snapshots=(Stored("snap-2", 8),),
        database_snapshots=(Stored("old", 20),),
        log_groups=(Stored("kept", 1.0),),
        addresses=("192.0.2.1",),
    )


def test_what_cannot_be_looked_at_is_named(stubs: dict[str, Stubber]) -> None:
    refused = (("cloudwatch", "get_metric_data"), ("ecr", "describe_images"), ("logs", "describe_log_groups"))
    for name, operation in refused:
        stubs[name].add_client_error(operation, "AccessDeniedException", "not authorized")
    stubs["cloudwatch"].add_response("get_metric_data", metric())
    facts = Survey("staging", TEMPLATES).facts()
    assert facts.peak_tasks is None
    assert len(facts.unknown) == 7  # nothing else was answered either
    assert facts.unknown[0].startswith("the databases' CPU: ClientError: An error occurred (AccessDeniedException)")
