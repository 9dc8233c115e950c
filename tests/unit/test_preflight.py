"""Preflight finds what would fail a deployment, one thing at a time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from config import DEVELOPMENT, PRODUCTION
from procedures.findings import State, find
from procedures.preflight import account, existing_names, quotas, recovery_region
from procedures.synthesis import synthesize
from tests.unit.recorded_aws import Recorded, one

HOLDS, NOT_YET, FAILS = State.HOLDS, State.NOT_YET, State.FAILS


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembly")
    synthesize(PRODUCTION, folder)
    return folder


def aws(assembly: Path, **answers: Any) -> Recorded:
    return Recorded(PRODUCTION, assembly, answers)


@pytest.mark.parametrize(("number", "state"), [("640080112933", HOLDS), ("111122223333", FAILS)])
def test_the_credentials_are_of_the_account(assembly: Path, number: str, state: State) -> None:
    assert one(account.credentials(aws(assembly, GetCallerIdentity={"Account": number}))).state is state


@pytest.mark.parametrize(
    ("answer", "state"),
    [({"Parameter": {"Value": "30"}}, HOLDS), ({"Parameter": {"Value": "5"}}, FAILS), ("ParameterNotFound", FAILS)],
    ids=["new enough", "too old", "none"],
)
def test_the_bootstrap_is_as_new_as_the_templates_need(assembly: Path, answer: Any, state: State) -> None:
    finding = one(account.bootstrap(aws(assembly, GetParameter=answer)))
    assert finding.state is state
    assert finding.mend == ("" if state is HOLDS else "make bootstrap ENV=production")


def test_a_refused_probe_is_a_finding_with_its_name(assembly: Path) -> None:
    finding = one(find([account.bootstrap], aws(assembly, GetParameter="AccessDenied"), Console(quiet=True)))
    assert (finding.state, finding.area, finding.subject) == (FAILS, "account", "bootstrap")


@pytest.mark.parametrize(("answer", "state"), [({"Role": {}}, HOLDS), ("NoSuchEntity", NOT_YET)])
def test_service_linked_roles_that_are_missing_fail_nothing(assembly: Path, answer: Any, state: State) -> None:
    assert one(account.service_linked_roles(aws(assembly, GetRole=answer))).state is state


# Of `aws service-quotas list-service-quotas`, as operators of several accounts have published it: service, code, name.
RECORDED_QUOTAS = {
    ("fargate", "L-3032A538", "Fargate On-Demand vCPU resource count"),
    ("fargate", "L-36FBB829", "Fargate Spot vCPU resource count"),
    ("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs"),
    ("vpc", "L-F678F1CE", "VPCs per Region"),
    ("lambda", "L-B99A9384", "Concurrent executions"),
}


def test_quotas_have_the_codes_that_aws_answers() -> None:
    used = {(one.service, one.code) for one in vars(quotas).values() if isinstance(one, quotas.Quota)}
    assert used == {(service, code) for service, code, _ in RECORDED_QUOTAS}


# Three to ten tasks of 2 vCPU, twice during a deployment: 12 to 40.
@pytest.mark.parametrize(
    ("quota", "used", "state"),
    [(11, 0, FAILS), (12, 0, NOT_YET), (39, 0, NOT_YET), (40, 0, HOLDS), (40, 1, NOT_YET), (40, 29, FAILS)],
)
def test_a_deployment_fits_into_fargates_quota(assembly: Path, quota: float, used: float, state: State) -> None:
    recorded = aws(
        assembly,
        GetServiceQuota={"Quota": {"Value": quota}},
        GetMetricStatistics={"Datapoints": [{"Maximum": used}] if used else []},
    )
    finding = one(quotas.fargate(recorded))
    assert finding.state is state
    assert ("L-3032A538" in finding.mend) == (state is not HOLDS)


def test_only_spots_quota_counts_where_only_spot_is_used(tmp_path: Path) -> None:
    synthesize(DEVELOPMENT, tmp_path)
    answers: dict[str, Any] = {"GetServiceQuota": {"Quota": {"Value": 100}}, "GetMetricStatistics": {"Datapoints": []}}
    assert one(quotas.fargate(Recorded(DEVELOPMENT, tmp_path, answers))).subject == "Fargate Spot vCPU"


def test_a_quota_that_was_never_changed_is_aws_default(assembly: Path) -> None:
    recorded = aws(
        assembly,
        GetServiceQuota="NoSuchResourceException",
        GetAWSDefaultServiceQuota={"Quota": {"Value": 5}},
        DescribeVpcs={"Vpcs": [{}] * 4},
    )
    assert one(quotas.vpcs(recorded)).found == "5, of which 4 in use; 1 more needed"


@pytest.mark.parametrize(("used", "state"), [(3, HOLDS), (4, FAILS)])
def test_each_nat_gateway_finds_an_address(assembly: Path, used: int, state: State) -> None:
    addresses: dict[str, Any] = {"Addresses": [{}] * used}
    recorded = aws(assembly, GetServiceQuota={"Quota": {"Value": 5}}, DescribeAddresses=addresses)
    assert one(quotas.elastic_ips(recorded)).state is state


@pytest.mark.parametrize(("free", "state"), [(10, HOLDS), (9, NOT_YET), (0, FAILS)])
def test_the_checks_find_unreserved_concurrency(assembly: Path, free: int, state: State) -> None:
    limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": free}
    assert one(quotas.lambda_concurrency(aws(assembly, GetAccountSettings={"AccountLimit": limit}))).state is state


def test_a_name_that_exists_fails_unless_it_is_ours(assembly: Path) -> None:
    clusters = {"clusterArns": ["arn:aws:ecs:us-east-1:640080112933:cluster/pardon-production-cluster"]}
    finding = one(existing_names.existing(aws(assembly, ListClusters=clusters), "AWS::ECS::Cluster"))
    assert finding.state is FAILS
    assert "pardon-production-cluster" in finding.found

    ((stack, logical_id, _),) = aws(assembly).resources("AWS::ECS::Cluster")

    def own(call: dict[str, Any]) -> dict[str, Any]:
        one_of_ours = {"LogicalResourceId": logical_id, "ResourceStatus": "CREATE_COMPLETE"}
        return {"StackResourceSummaries": [one_of_ours] if call["StackName"] == stack else []}

    ours = aws(assembly, ListClusters=clusters, ListStackResources=own)
    assert one(existing_names.existing(ours, "AWS::ECS::Cluster")).state is HOLDS


def test_a_secret_whose_deletion_is_scheduled_has_its_name_still(assembly: Path) -> None:
    def secrets(call: dict[str, Any]) -> dict[str, Any]:
        return {"SecretList": [{"Name": "pardon-production/cron-secret"}] if call["IncludePlannedDeletion"] else []}

    finding = one(existing_names.existing(aws(assembly, ListSecrets=secrets), "AWS::SecretsManager::Secret"))
    assert finding.state is FAILS


def test_every_type_with_a_fixed_name_is_looked_up(assembly: Path) -> None:
    deployment = aws(assembly)
    named = {
        one["Type"]
        for template in deployment.templates.values()
        for one in template["Resources"].values()
        for property_, value in one.get("Properties", {}).items()
        if isinstance(value, str)
        and "pardon" in value
        and (property_.endswith(("Name", "Identifier")))
        and property_ not in ("DisplayName", "DomainName", "DBName", "LogGroupName", "GroupName", "FunctionName")
    }
    assert named <= existing_names.LISTINGS.keys() | existing_names.NESTED
    for type_, listing in existing_names.LISTINGS.items():
        assert any(isinstance(p.get(listing.property_), str) for _, _, p in deployment.resources(type_)), type_


def test_another_region_is_named_in_the_mends(tmp_path: Path) -> None:
    elsewhere = replace(PRODUCTION, region="us-west-2")
    synthesize(elsewhere, tmp_path)
    recorded = Recorded(elsewhere, tmp_path, {"GetParameter": "ParameterNotFound"})
    assert one(account.bootstrap(recorded)).mend == "make bootstrap ENV=production REGION=us-west-2"


@pytest.mark.parametrize(
    ("answer", "state", "found"),
    [
        ({"KeyMetadata": {"KeyId": "1", "KeyState": "Enabled"}}, HOLDS, "is there"),
        ({"KeyMetadata": {"KeyId": "1", "KeyState": "PendingDeletion"}}, FAILS, "is PendingDeletion"),
        ("NotFoundException", FAILS, "does not exist"),
    ],
    ids=["there", "going", "none"],
)
def test_key_of_the_recovery_region_is_there(assembly: Path, answer: Any, state: State, found: str) -> None:
    finding = one(recovery_region.standby(aws(assembly, DescribeKey=answer)))
    assert (finding.state, finding.found) == (state, found)
    assert finding.mend == ("" if state is HOLDS else "make standby ENV=production")
    assert finding.subject == "alias/pardon-production-data in us-west-2"


def test_without_copies_no_key_is_looked_for(assembly: Path) -> None:
    assert list(recovery_region.standby(Recorded(replace(PRODUCTION, recovery="none"), assembly, {}))) == []
