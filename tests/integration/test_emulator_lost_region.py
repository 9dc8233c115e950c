"""A region of the emulator is lost: what does not answer any more, and what goes on."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pg8000.native
import pytest
from botocore.exceptions import ClientError, WaiterError

from rehearsal.machine.ports import free_port
from rehearsal.postgresql.server import Postgres
from rehearsal.stand_in.http_handlers import CoralMemory, Settings
from rehearsal.stand_in.serve import serve_site
from tests.integration.emulator_process import Emulator, Resources, eventually, function, start
from tests.integration.emulator_templates import scheduled, secret, service, site
from tests.integration.test_emulator_route53 import VISITOR
from tests.integration.two_regions import HOME, OTHER, home_instance, restored, two_regions, utc

# Of each protocol that AWS's clients speak.
CALLS = {
    "cloudformation": "describe_stacks",
    "cloudwatch": "list_metrics",
    "ec2": "describe_vpcs",
    "ecs": "list_clusters",
    "kms": "list_keys",
    "lambda": "list_functions",
    "rds": "describe_db_instances",
    "s3": "list_buckets",
    "scheduler": "list_schedules",
    "secretsmanager": "list_secrets",
    "sqs": "list_queues",
    "sts": "get_caller_identity",
}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
RECORD = {"Name": "new.pardon.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
CHANGES = {
    "HostedZoneId": "ZREHEARSAL",
    "ChangeBatch": {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": RECORD}]},
}
CERTIFICATE = {"DomainName": "new.pardon.example.com", "ValidationMethod": "DNS"}


@contextmanager
def lost(emulator: Emulator, *regions: str) -> Iterator[None]:
    file = emulator.folder / "lost-regions.json"
    file.write_text(json.dumps(regions))
    try:
        yield
    finally:
        file.unlink()


def unavailable(call: Any, **arguments: Any) -> bool:
    """Whether the call fails as one to a service that is down."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    response = error.value.response
    return (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == (503, "ServiceUnavailable")


@pytest.mark.parametrize("name", CALLS)
def test_lost_region_answers_nothing_and_others_do(emulator: Emulator, name: str) -> None:
    with lost(emulator, HOME):
        assert unavailable(getattr(emulator.client(name, HOME), CALLS[name]))
        getattr(emulator.client(name, OTHER), CALLS[name])()
    getattr(emulator.client(name, HOME), CALLS[name])()


def test_control_planes_of_the_lost_home_region_fail_from_everywhere(emulator: Emulator) -> None:
    def calls() -> list[tuple[Any, dict[str, Any]]]:
        iam, route53, s3, acm = (emulator.client(name, OTHER) for name in ("iam", "route53", "s3", "acm"))
        bucket = {"Bucket": "new-elsewhere", "CreateBucketConfiguration": {"LocationConstraint": OTHER}}
        return [
            (iam.create_role, {"RoleName": "new", "AssumeRolePolicyDocument": TRUST}),
            (route53.change_resource_record_sets, CHANGES),
            (s3.create_bucket, bucket),
            (acm.request_certificate, CERTIFICATE),
        ]

    with lost(emulator, HOME):
        assert all(unavailable(call, **arguments) for call, arguments in calls())
    with lost(emulator, OTHER):
        assert unavailable(emulator.client("s3", OTHER).list_buckets)
        iam = emulator.client("iam", OTHER)  # whose endpoint is not there
        iam.create_role(RoleName="new", AssumeRolePolicyDocument=TRUST)
        iam.delete_role(RoleName="new")


@pytest.mark.parametrize(
    ("type_name", "properties"),
    [
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": json.loads(TRUST)}),
        ("AWS::Route53::RecordSet", {**RECORD, "ResourceRecords": ["192.0.2.1"], "HostedZoneId": "ZREHEARSAL"}),
        ("AWS::S3::Bucket", {"BucketName": "new-of-a-stack"}),
        ("AWS::CertificateManager::Certificate", CERTIFICATE),
    ],
)
def test_cloudformation_elsewhere_cannot_create_what_needs_them(
    emulator: Emulator, type_name: str, properties: dict[str, Any]
) -> None:
    stack = f"needs-{type_name.split('::')[1].lower()}"
    with lost(emulator, HOME):
        with pytest.raises(WaiterError) as error:
            emulator.deploy(stack, {"New": {"Type": type_name, "Properties": properties}}, OTHER)
        assert any("Service Unavailable" in note for note in error.value.__notes__)
    cloudformation = emulator.client("cloudformation", OTHER)
    cloudformation.delete_stack(StackName=stack)
    emulator.wait(cloudformation, "stack_delete_complete", stack)


def test_data_planes_elsewhere_go_on(emulator: Emulator) -> None:
    s3, secrets = emulator.client("s3", OTHER), emulator.client("secretsmanager", OTHER)
    s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": OTHER})
    properties = {"Name": "replicated", "SecretString": "kept", "ReplicaRegions": [{"Region": OTHER}]}
    emulator.deploy("replicated", {"Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": properties}})
    code = "def handler(event, context): return 'ran'"
    name = emulator.deploy("elsewhere", function([], code), OTHER)["Function"]
    with lost(emulator, HOME):
        s3.put_object(Bucket="elsewhere", Key="key", Body=b"value")
        assert s3.get_object(Bucket="elsewhere", Key="key")["Body"].read() == b"value"
        assert secrets.get_secret_value(SecretId="replicated")["SecretString"] == "kept"
        answer = emulator.client("lambda", OTHER).invoke(FunctionName=name)
        assert json.load(answer["Payload"]) == "ran"
        emulator.deploy("new-elsewhere", {"Secret": secret()}, OTHER)
    emulator.delete("replicated")


def test_no_schedule_or_rule_of_a_lost_region_fires(emulator: Emulator) -> None:
    resources = {
        **scheduled(),
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "ScheduleExpression": "rate(1 minute)",
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
            },
        },
    }
    ids = emulator.deploy("fires", resources)
    sqs, scheduler = emulator.client("sqs"), emulator.client("scheduler")
    deployed = scheduler.get_schedule(Name=ids["Schedule"])
    kept = {key: deployed[key] for key in ("Target", "FlexibleTimeWindow")}
    soon = datetime.fromtimestamp(time.time() + 1, UTC)
    scheduler.update_schedule(Name=ids["Schedule"], ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})", **kept)
    with lost(emulator, HOME):
        time.sleep(2.5)
    assert "Messages" not in sqs.receive_message(QueueUrl=ids["Queue"])
    now = datetime.now(UTC)
    scheduler.update_schedule(Name=ids["Schedule"], ScheduleExpression=f"at({now:%Y-%m-%dT%H:%M:%S})", **kept)
    assert eventually(lambda: sqs.receive_message(QueueUrl=ids["Queue"]).get("Messages"))
    emulator.delete("fires")


def balanced(role: str, *, is_evaluated: bool, count: int) -> Resources:
    """A site in a failover's role, with a service of `count` tasks behind it."""
    made = {key: value for key, value in service(1).items() if key in ("Cluster", "Task", "Service")} | site(role)
    made["Service"].pop("DependsOn")
    made["Name"]["Properties"]["AliasTarget"]["EvaluateTargetHealth"] = is_evaluated
    made["Group"] = {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {"Port": 3000, "Protocol": "HTTP", "TargetType": "ip", "VpcId": "vpc-1"},
    }
    forward = {"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}
    made["Listener"] = {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {
            "LoadBalancerArn": {"Ref": "Balancer"},
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [forward],
        },
    }
    joined = {"ContainerName": "web", "ContainerPort": 3000, "TargetGroupArn": {"Ref": "Group"}}
    made["Service"]["Properties"] |= {"LoadBalancers": [joined], "DesiredCount": count}
    made["Service"]["Properties"].pop("CapacityProviderStrategy")
    return made


@pytest.mark.parametrize(
    ("is_evaluated", "count", "is_answered"), [(True, 1, True), (True, 0, False), (False, 1, False)]
)
def test_secondary_answers_when_its_targets_are_healthy_and_the_primary_s_are_looked_at(
    postgres: Postgres, tmp_path: Path, is_evaluated: bool, count: int, is_answered: bool
) -> None:
    certificate = postgres.authority.issue("failover", "pardon.example.com")
    (tmp_path / "secrets.json").write_text(json.dumps({"CRON_SECRET": "secret"}))
    settings = Settings(tmp_path / "secrets.json", postgres.ca_file, ["pool-0"])
    ports = {region: free_port() for region in (HOME, OTHER)}
    emulator = start(
        tmp_path / "emulator",
        f"--ca-file={postgres.ca_file}",
        *(f"--site={region}=127.0.0.1:{port}" for region, port in ports.items()),
    )
    sites = [
        serve_site(("127.0.0.1", port), settings, [CoralMemory()], certificate.chain_file, certificate.key_file)
        for port in ports.values()
    ]
    try:
        emulator.deploy("site", balanced("PRIMARY", is_evaluated=is_evaluated, count=1))
        emulator.deploy("site", balanced("SECONDARY", is_evaluated=True, count=count), OTHER)
        name = emulator.deploy("visitor", function([], VISITOR), OTHER)["Function"]

        def is_site_there() -> bool:
            event = json.dumps({"url": "https://pardon.example.com/api/health/coral"})
            answer = emulator.client("lambda", OTHER).invoke(FunctionName=name, Payload=event)
            return "status" in json.load(answer["Payload"])

        assert is_site_there()
        with lost(emulator, HOME):
            assert is_site_there() == is_answered
        assert is_site_there()
    finally:
        for one in sites:
            one.shutdown()
            one.server_close()
        emulator.process.terminate()
        emulator.process.wait(5)


def test_lost_region_s_database_is_restored_from_what_was_replicated(tmp_path: Path) -> None:
    with two_regions(tmp_path) as regions, home_instance(regions):
        arn = regions.replicated(regions.write("replicated"))
        with lost(regions.emulator, HOME):
            time.sleep(2)  # what was under way has ended
            latest = regions.backups()["RestoreWindow"]["LatestTime"]
            with pytest.raises((pg8000.native.InterfaceError, OSError)):
                regions.connect(HOME)
            time.sleep(3)
            assert regions.backups()["RestoreWindow"]["LatestTime"] == latest
            source = {"SourceDBInstanceAutomatedBackupsArn": arn, "RestoreTime": utc(latest)}
            regions.emulator.deploy("other", restored(**source), OTHER)
            assert regions.rows() == ["replicated"]
