"""Preflight looks into what the first stacks made: images, secrets, prompts; and at what AWS offers and knows."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from application import WALLETS
from config import PRODUCTION
from procedures.findings import State
from procedures.preflight import (
    container_secrets,
    cost_data,
    images,
    orderable_database,
    prompts,
    site_name,
    subscribers,
    wallets,
)
from procedures.synthesis import synthesize
from tests.unit.recorded_aws import Answer, Recorded, one

HOLDS, NOT_YET, FAILS = State.HOLDS, State.NOT_YET, State.FAILS
SITE = replace(PRODUCTION, hosted_zone_id="Z1")
STANDS: Mapping[str, Answer] = {
    "ListStackResources": {
        "StackResourceSummaries": [{"LogicalResourceId": "Any", "ResourceStatus": "CREATE_COMPLETE"}],
    }
}
OWN_SERVERS = frozenset({"ns-1.awsdns-1.org", "ns-2.awsdns-2.com"})
ZONE: Mapping[str, Answer] = {
    "GetHostedZone": {
        "HostedZone": {"Name": "pardonsimulator.com.", "Config": {"PrivateZone": False}},
        "DelegationSet": {"NameServers": ["ns-1.awsdns-1.org", "ns-2.awsdns-2.com"]},
    }
}


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembly")
    synthesize(PRODUCTION, folder)
    return folder


def index(*architectures: str) -> dict[str, Any]:
    platforms = [{"platform": {"os": "linux", "architecture": one}} for one in architectures]
    return {"images": [{"imageManifest": json.dumps({"manifests": platforms})}]}


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"BatchGetImage": index("amd64")}, NOT_YET),  # no stack stands
        ({**STANDS, "BatchGetImage": index("arm64", "amd64")}, HOLDS),
        ({**STANDS, "BatchGetImage": index("arm64")}, FAILS),
        ({**STANDS, "BatchGetImage": {"images": []}}, FAILS),
        ({**STANDS, "BatchGetImage": "RepositoryNotFoundException"}, FAILS),
    ],
    ids=["no registry", "right", "another platform", "no image", "no repository"],
)
def test_images_are_there_for_the_tasks_platform(assembly: Path, answers: Any, state: State) -> None:
    findings = list(images.images(Recorded(PRODUCTION, assembly, answers)))
    assert {finding.state for finding in findings} == {state}
    assert len(findings) == 3


def test_an_image_of_one_platform_has_it_in_its_configuration(assembly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_configuration", {"https://layer": {"os": "linux", "architecture": "amd64"}}.get)
    manifest = {"imageManifest": json.dumps({"config": {"digest": "sha256:1"}})}
    layer = {"downloadUrl": "https://layer"}
    answers: dict[str, Any] = {**STANDS, "BatchGetImage": {"images": [manifest]}, "GetDownloadUrlForLayer": layer}
    assert {f.state for f in images.images(Recorded(PRODUCTION, assembly, answers))} == {HOLDS}


def test_a_deployment_without_the_service_does_not_wait_for_images(assembly: Path) -> None:
    answers: dict[str, Any] = {**STANDS, "BatchGetImage": {"images": []}}
    aws = Recorded(PRODUCTION, assembly, answers, stacks=["pardon-production-registry"])
    assert {finding.state for finding in images.images(aws)} == {NOT_YET}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('{"value": "a", "url": "a"}', "has a value"),
        ('{"value": "", "url": ""}', "is empty"),
        ("", "is no JSON"),
        ("plain", "is no JSON"),
        ("[]", "is JSON without the key"),
    ],
)
def test_secrets_are_json_with_a_value(assembly: Path, value: str, found: str) -> None:
    aws = Recorded(PRODUCTION, assembly, {**STANDS, "GetSecretValue": {"SecretString": value}})
    findings = list(container_secrets.secrets(aws))
    assert {finding.state for finding in findings} == {HOLDS if found == "has a value" else FAILS}
    assert all(finding.found.startswith(found) for finding in findings)
    assert len(findings) == 15 + 1


def test_a_secret_without_a_value_or_deleted_fails(assembly: Path) -> None:
    for code in ("ResourceNotFoundException", "InvalidRequestException"):
        findings = container_secrets.secrets(Recorded(PRODUCTION, assembly, {**STANDS, "GetSecretValue": code}))
        assert {finding.state for finding in findings} == {FAILS}


@pytest.mark.parametrize(("there", "state"), [(4, HOLDS), (3, NOT_YET)])
def test_missing_prompts_are_named(assembly: Path, there: int, state: State) -> None:
    files = [{"Key": f"current/shared/{name}.txt", "Size": 1} for name in prompts.REQUIRED[:there]]
    outputs = [{"OutputKey": "ConfigurationBucket", "OutputValue": "a-bucket"}]
    answers: dict[str, Any] = {
        **STANDS,
        "DescribeStacks": {"Stacks": [{"Outputs": outputs}]},
        "ListObjectsV2": {"Contents": files},
    }
    finding = one(prompts.prompts(Recorded(PRODUCTION, assembly, answers)))
    assert finding.state is state
    assert ("agent-comms-note" in finding.found) == (state is NOT_YET)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, HOLDS),
        ({"EngineVersion": "17.6"}, FAILS),
        ({"EngineVersion": "180.1"}, FAILS),
        ({"MultiAZCapable": False}, FAILS),
        ({"ReadReplicaCapable": False}, FAILS),
        ({"StorageType": "gp2"}, FAILS),
        ({"AvailabilityZones": [{"Name": "us-east-1a"}, {"Name": "us-east-1c"}]}, FAILS),
    ],
    ids=str,
)
def test_the_database_can_be_ordered_in_both_zones(assembly: Path, change: dict[str, Any], state: State) -> None:
    option = {
        "EngineVersion": "18.1",
        "StorageType": "gp3",
        "MultiAZCapable": True,
        "ReadReplicaCapable": True,
        "AvailabilityZones": [{"Name": "us-east-1a"}, {"Name": "us-east-1b"}],
    }
    zones = [{"ZoneName": f"us-east-1{letter}"} for letter in "cab"]
    answers: dict[str, Any] = {
        "DescribeAvailabilityZones": {"AvailabilityZones": zones},
        "DescribeOrderableDBInstanceOptions": {"OrderableDBInstanceOptions": [option | change]},
    }
    assert one(orderable_database.database(Recorded(PRODUCTION, assembly, answers))).state is state


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([], HOLDS),
        ([{"Name": "pardonsimulator.com.", "Type": "MX"}], HOLDS),
        ([{"Name": "pardonsimulator.com.", "Type": "A", "Failover": "PRIMARY"}], HOLDS),
        ([{"Name": "pardonsimulator.com.", "Type": "A"}], FAILS),
        ([{"Name": "other.pardonsimulator.com.", "Type": "A"}], HOLDS),
    ],
    ids=["none", "of mail", "with failover", "simple", "another name"],
)
def test_a_simple_record_of_the_sites_name_is_in_the_way(assembly: Path, records: Any, state: State) -> None:
    answers = {**ZONE, "ListResourceRecordSets": {"ResourceRecordSets": records}}
    aws = Recorded(SITE, assembly, answers, name_servers=lambda _: OWN_SERVERS)
    zone, delegation, record = site_name.hosted_zone(aws)
    assert (zone.state, delegation.state, record.state) == (HOLDS, HOLDS, state)


@pytest.mark.parametrize(
    ("servers", "state"),
    [(OWN_SERVERS, HOLDS), (frozenset(), FAILS), (frozenset({"ns1.example.com"}), FAILS), (None, NOT_YET)],
    ids=["own", "none", "another's", "no DNS here"],
)
def test_the_domain_is_delegated_to_the_hosted_zone(
    assembly: Path, servers: frozenset[str] | None, state: State
) -> None:
    answers: dict[str, Answer] = {**ZONE, "ListResourceRecordSets": {"ResourceRecordSets": []}}
    more = {} if servers is None else {"name_servers": lambda _: servers}
    _, delegation, _ = site_name.hosted_zone(Recorded(SITE, assembly, answers, **more))
    assert delegation.state is state
    assert ("ns-2.awsdns-2.com" in delegation.found + delegation.mend) == (state is not HOLDS)


@pytest.mark.parametrize(
    ("zone", "private"), [("example.com.", False), ("simulator.com.", False), ("pardonsimulator.com.", True)]
)
def test_the_hosted_zone_is_the_domains_and_public(assembly: Path, zone: str, private: bool) -> None:
    found = {"HostedZone": {"Name": zone, "Config": {"PrivateZone": private}}}
    answers: dict[str, Any] = {"GetHostedZone": found, "ListResourceRecordSets": {"ResourceRecordSets": []}}
    assert next(iter(site_name.hosted_zone(Recorded(SITE, assembly, answers)))).state is FAILS
    assert one(site_name.hosted_zone(Recorded(SITE, assembly, {"GetHostedZone": "NoSuchHostedZone"}))).state is FAILS


def test_a_protected_environment_has_subscribers_and_a_runbook(assembly: Path) -> None:
    for is_protected, state in ((True, FAILS), (False, NOT_YET)):
        chosen = replace(PRODUCTION, is_protected=is_protected)
        assert {one.state for one in subscribers.subscribers(Recorded(chosen, assembly, {}))} == {state}
    complete = replace(PRODUCTION, alarm_emails=("a@example.com",), runbook_url="https://example.com/runbook.md")
    assert {one.state for one in subscribers.subscribers(Recorded(complete, assembly, {}))} == {HOLDS}


@pytest.mark.parametrize(("arn", "state"), [("arn:aws:sns:1", HOLDS), ("PendingConfirmation", NOT_YET)])
def test_an_address_that_has_not_confirmed_is_named(assembly: Path, arn: str, state: State) -> None:
    chosen = replace(PRODUCTION, alarm_emails=("a@example.com",))
    listed = {"Subscriptions": [{"Endpoint": "a@example.com", "SubscriptionArn": arn}]}
    aws = Recorded(chosen, assembly, {**STANDS, "ListSubscriptionsByTopic": listed})
    assert one(subscribers.confirmations(aws)).state is state


def test_wallets_without_an_address_are_named(assembly: Path) -> None:
    some = replace(PRODUCTION, wallets={"cz": "1" * 32})
    found = one(wallets.wallets(Recorded(some, assembly, {})))
    assert (found.state, "white-house" in found.found, "cz," in found.found) == (NOT_YET, True, False)
    every = replace(PRODUCTION, wallets=dict.fromkeys(WALLETS, "1" * 32))
    assert one(wallets.wallets(Recorded(every, assembly, {}))).state is HOLDS


@pytest.mark.parametrize(
    ("answer", "state"),
    [({"CostAllocationTags": [{}]}, HOLDS), ({"CostAllocationTags": []}, NOT_YET), ("AccessDeniedException", NOT_YET)],
    ids=["active", "not active", "not enabled"],
)
def test_costs_fail_no_deployment(assembly: Path, answer: Any, state: State) -> None:
    aws = Recorded(PRODUCTION, assembly, {"ListCostAllocationTags": answer})
    assert one(cost_data.cost_explorer(aws)).state is state
