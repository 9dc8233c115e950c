"""The emulator as CloudFormation and its users see it: a real process, templates deployed with boto3."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from rehearsal.ports import free_port
from rehearsal.postgres import Postgres

ROOT = Path(__file__).parent.parent.parent
Resources = dict[str, Any]

HANDLER = """
import importlib.util, json, os, sys, time
import boto3
def handler(event, context):
    time.sleep(event.get("sleep_seconds", 0))
    print(json.dumps({"_aws": {"Timestamp": event["timestamp_ms"], "CloudWatchMetrics": [{
        "Namespace": "PardonSimulator", "Dimensions": [["Environment"], ["Environment", "Pool"]],
        "Metrics": [{"Name": "ActiveThreads", "Unit": "Count"}]}]},
        "Environment": "rehearsal", "Pool": "pool-0", "ActiveThreads": [3.0, 5.0]}))
    names = boto3.client("sqs").list_queues().get("QueueUrls", []) if event.get("list") else []
    found = [name for name in ("boto3", "ministack", "pytest") if importlib.util.find_spec(name)]
    return {"found": found, "pid": os.getpid(), "ca_file": os.environ["PGSSLROOTCERT"], "queues": len(names)}
"""


@dataclass(frozen=True)
class Emulator:
    """A running emulator and what its tests do with it."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A client with a root-like key."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"http://localhost:{self.port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    def deploy(self, stack: str, resources: Resources, region: str = "us-east-1") -> dict[str, str]:
        """Create or update a stack; return the physical ids by logical id."""
        cloudformation = self.client("cloudformation", region)
        wish = {
            "StackName": stack,
            "TemplateBody": json.dumps({"Resources": resources}),
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        try:
            cloudformation.update_stack(**wish)
            waiter = "stack_update_complete"
        except ClientError:
            cloudformation.create_stack(**wish)
            waiter = "stack_create_complete"
        self.wait(cloudformation, waiter, stack)
        found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    def delete(self, stack: str) -> None:
        """Delete a stack and wait until it is gone."""
        cloudformation = self.client("cloudformation")
        cloudformation.delete_stack(StackName=stack)
        self.wait(cloudformation, "stack_delete_complete", stack)

    def wait(self, cloudformation: Any, waiter: str, stack: str) -> None:
        """Wait as briefly as a local server allows."""
        limits = {"Delay": 0.02, "MaxAttempts": 500}
        cloudformation.get_waiter(waiter).wait(StackName=stack, WaiterConfig=limits)


def command(port: int, folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "rehearsal.emulator", "--port", str(port), "--folder", str(folder), *more]


def eventually(condition: Callable[[], Any], seconds: float = 5) -> Any:
    """Wait until the condition is truthy and return it."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.02)
    return result


def answers(port: int) -> bool:
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{port}/_ministack/health", timeout=1
        ).close()
    except OSError:
        return False
    return True


def start(folder: Path, *more: str) -> Emulator:
    port = free_port()
    process = subprocess.Popen(command(port, folder, *more), cwd=ROOT, stdout=subprocess.DEVNULL)
    eventually(lambda: answers(port), 15)
    return Emulator(port, folder, process)


@pytest.fixture(scope="module")
def emulator(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    started = start(
        tmp_path_factory.mktemp("emulator"),
        f"--database={postgres.host}:{postgres.port}",
        f"--database-admin-password-file={postgres.admin_password_file}",
        f"--ca-file={postgres.ca_file}",
    )
    yield started
    started.process.terminate()
    started.process.wait(5)


def function(role_statements: list[dict[str, Any]]) -> Resources:
    """A Lambda of HANDLER with a role that allows what the statements say."""
    allow = {"PolicyName": "allow", "PolicyDocument": {"Version": "2012-10-17", "Statement": role_statements}}
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "Policies": [allow] if role_statements else [],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.14",
                "Handler": "index.handler",
                "Code": {"ZipFile": HANDLER},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Timeout": 20,
            },
        },
    }


def invoke(emulator: Emulator, name: str, **event: Any) -> dict[str, Any]:
    payload = json.dumps({"timestamp_ms": int(time.time() * 1000), **event})
    answer = emulator.client("lambda").invoke(FunctionName=name, Payload=payload)
    result: dict[str, Any] = json.load(answer["Payload"])
    return result


def network(port: int) -> Resources:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
        },
        "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Tags": [{"Key": "Name", "Value": "nat"}]}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {
                "SubnetId": {"Ref": "Subnet"},
                "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
            },
        },
        "Log": {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {"ResourceId": {"Ref": "Vpc"}, "ResourceType": "VPC", "LogGroupName": "flow"},
        },
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "database", "VpcId": {"Ref": "Vpc"}},
        },
        "Rule": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Ref": "Group"},
                "IpProtocol": "tcp",
                "FromPort": port,
                "ToPort": port,
                "CidrIp": "10.0.0.0/16",
            },
        },
        "Closed": {
            "Type": "Custom::VpcRestrictDefaultSG",
            "Properties": {
                "ServiceToken": "unused",
                "DefaultSecurityGroupId": {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]},
            },
        },
    }


def test_network_is_created_changed_and_deleted(emulator: Emulator) -> None:
    ec2 = emulator.client("ec2")
    ids = emulator.deploy("network", network(5432))

    nat = ec2.describe_nat_gateways(NatGatewayIds=[ids["Nat"]])["NatGateways"][0]
    assert (nat["State"], nat["SubnetId"], nat["VpcId"]) == ("available", ids["Subnet"], ids["Vpc"])
    assert [item["ResourceId"] for item in ec2.describe_flow_logs()["FlowLogs"]] == [ids["Vpc"]]
    assert ids["Address"] in [item["PublicIp"] for item in ec2.describe_addresses()["Addresses"]]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [ids["Vpc"]]}])["SecurityGroups"]
    by_name = {group["GroupName"]: group for group in groups}
    assert by_name["default"]["IpPermissions"] == by_name["default"]["IpPermissionsEgress"] == []

    changed = emulator.deploy("network", network(5433))

    assert {key: value for key, value in changed.items() if key != "Rule"} == {
        key: value for key, value in ids.items() if key != "Rule"
    }
    group = ec2.describe_security_groups(GroupIds=[ids["Group"]])["SecurityGroups"][0]
    assert [rule["FromPort"] for rule in group["IpPermissions"]] == [5433]

    emulator.delete("network")

    assert ec2.describe_flow_logs()["FlowLogs"] == []
    assert ids["Address"] not in [item["PublicIp"] for item in ec2.describe_addresses()["Addresses"]]


def database(password: str) -> Resources:
    return {
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "DeletionPolicy": "Delete",
            "Properties": {
                "DBInstanceIdentifier": "emulator-database",
                "Engine": "postgres",
                "EngineVersion": "17",
                "AllocatedStorage": "20",
                "DBName": "emulator_test",
                "MasterUsername": "emulator_master",
                "MasterUserPassword": {"Fn::Sub": f"{{{{resolve:secretsmanager:${{{password}}}}}}}"},
            },
        },
        "Replica": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {"SourceDBInstanceIdentifier": {"Ref": "Database"}, "DBInstanceClass": "db.t4g.small"},
        },
        "Password": secret(),
        "OtherPassword": secret(),
        "Url": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "SecretString": {
                    "Fn::Sub": '{"host":"${Database.Endpoint.Address}","port":"${Database.Endpoint.Port}",'
                    f'"password":"{{{{resolve:secretsmanager:${{{password}}}:SecretString}}}}"}}'
                }
            },
        },
    }


def secret() -> Resources:
    return {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {"GenerateSecretString": {"ExcludePunctuation": True, "PasswordLength": 30}},
    }


def test_instance_can_be_connected_to_with_what_its_secret_says(emulator: Emulator, postgres: Postgres) -> None:
    secrets, rds = emulator.client("secretsmanager"), emulator.client("rds")
    for password in ("Password", "OtherPassword"):  # the second: a changed password, on the same database
        ids = emulator.deploy("database", database(password))

        assert ids["Url"].startswith("arn:aws:secretsmanager:us-east-1:")
        value = json.loads(secrets.get_secret_value(SecretId=ids["Url"])["SecretString"])
        assert (value["host"], value["port"]) == (postgres.host, str(postgres.port))
        assert len(value["password"]) == 30
        assert value["password"].isalnum()
        connection = postgres.connect("emulator_test", user="emulator_master", password=value["password"])
        assert connection.run("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user") == [
            ["emulator_master", False]
        ]
        connection.close()

    instances = {item["DBInstanceIdentifier"]: item for item in rds.describe_db_instances()["DBInstances"]}
    replica = instances[ids["Replica"]]
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == ids["Database"]
    assert (replica["Engine"], replica["DBName"]) == ("postgres", "emulator_test")
    assert replica["Endpoint"]["Port"] == postgres.port
    emulator.delete("database")
    assert rds.describe_db_instances()["DBInstances"] == []


def test_lambda_has_the_runtime_of_aws_and_its_lines_become_metrics(emulator: Emulator, postgres: Postgres) -> None:
    name = emulator.deploy("function", function([]))["Function"]
    cloudwatch = emulator.client("cloudwatch")
    now = int(time.time())

    cold, warm = (invoke(emulator, name, timestamp_ms=now * 1000) for _ in range(2))

    assert cold["found"] == ["boto3"]
    assert cold["pid"] == warm["pid"]
    assert cold["ca_file"] == str(postgres.ca_file)
    window = {"StartTime": now - 60, "EndTime": now + 60, "Period": 60}
    for namespace, metric, dimensions, statistic, unit, expected in (
        ("PardonSimulator", "ActiveThreads", {"Environment": "rehearsal"}, "Maximum", "Count", 5),
        ("PardonSimulator", "ActiveThreads", {"Environment": "rehearsal", "Pool": "pool-0"}, "Sum", "Count", 16),
        ("AWS/Lambda", "Invocations", {"FunctionName": name}, "Sum", "Count", 2),
        ("AWS/Lambda", "Errors", {"FunctionName": name}, "Sum", "Count", 0),
    ):
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            Statistics=[statistic],
            **window,
        )["Datapoints"]
        found = sum(point[statistic] for point in points) if statistic == "Sum" else points[0][statistic]
        assert (found, points[0]["Unit"]) == (expected, unit), metric
    lines = emulator.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert any("ActiveThreads" in line["message"] for line in lines)


def test_lambda_may_do_what_its_role_allows_and_no_more(emulator: Emulator) -> None:
    allowed = emulator.deploy("allowed", function([{"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}]))
    refused = emulator.deploy("refused", function([]))

    assert "queues" in invoke(emulator, allowed["Function"], list=True)
    assert "AccessDenied" in invoke(emulator, refused["Function"], list=True)["errorMessage"]


def alarms() -> Resources:
    threshold = {"Threshold": 1, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
    return {
        "Pool": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                **threshold,
                "Namespace": "Test",
                "MetricName": "Threads",
                "Period": 60,
                "Statistic": "Maximum",
                "Dimensions": [{"Name": "Pool", "Value": "pool-1"}],
            },
        },
        "Math": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                **threshold,
                "Metrics": [
                    {"Id": "rate", "Expression": "100 * errors", "ReturnData": True},
                    {
                        "Id": "errors",
                        "ReturnData": False,
                        "MetricStat": {
                            "Metric": {"Namespace": "Test", "MetricName": "Errors"},
                            "Period": 60,
                            "Stat": "Sum",
                        },
                    },
                ],
            },
        },
        "Outage": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {"AlarmRule": {"Fn::Sub": "ALARM(${Math})"}},
        },
        "Events": {"Type": "AWS::SQS::Queue"},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]},
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Events", "Arn"]}}],
            },
        },
    }


def test_alarm_changes_state_and_tells_event_bridge(emulator: Emulator) -> None:
    ids = emulator.deploy("alarms", alarms())
    cloudwatch, sqs = emulator.client("cloudwatch"), emulator.client("sqs")

    math = cloudwatch.describe_alarms(AlarmNames=[ids["Math"]])["MetricAlarms"][0]
    assert [metric["Id"] for metric in math["Metrics"]] == ["rate", "errors"]
    cloudwatch.set_alarm_state(AlarmName=ids["Math"], StateValue="ALARM", StateReason="test")

    received = sqs.receive_message(QueueUrl=ids["Events"], MaxNumberOfMessages=10)["Messages"]
    details = [json.loads(message["Body"])["detail"] for message in received]
    in_alarm = {detail["alarmName"] for detail in details if detail["state"]["value"] == "ALARM"}
    assert in_alarm == {ids["Math"], ids["Outage"]}


def test_alarm_watches_the_metric_of_its_dimensions_only(emulator: Emulator) -> None:
    ids = emulator.deploy("pool-alarm", {"Pool": alarms()["Pool"]})
    cloudwatch = emulator.client("cloudwatch")

    def state_after(pool: str) -> str:
        datum = {"MetricName": "Threads", "Value": 9, "Dimensions": [{"Name": "Pool", "Value": pool}]}
        cloudwatch.put_metric_data(Namespace="Test", MetricData=[datum])
        alarm = cloudwatch.describe_alarms(AlarmNames=[ids["Pool"]])["MetricAlarms"][0]
        return str(alarm["StateValue"])

    assert state_after("pool-2") == "INSUFFICIENT_DATA"
    assert state_after("pool-1") == "ALARM"


def service(minimum: int) -> Resources:
    return {
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "emulator-cluster"}},
        "Providers": {
            "Type": "AWS::ECS::ClusterCapacityProviderAssociations",
            "Properties": {
                "Cluster": {"Ref": "Cluster"},
                "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
                "DefaultCapacityProviderStrategy": [],
            },
        },
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "emulator-task",
                "ContainerDefinitions": [
                    {
                        "Name": "web",
                        "Image": "web:1",
                        "Secrets": [{"Name": "CRON_SECRET", "ValueFrom": "arn:secret"}],
                        "HealthCheck": {"Command": ["CMD", "true"]},
                    }
                ],
            },
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "Properties": {
                "ServiceName": "emulator-service",
                "Cluster": {"Ref": "Cluster"},
                "TaskDefinition": {"Ref": "Task"},
            },
        },
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "DependsOn": "Service",
            "Properties": {
                "MinCapacity": minimum,
                "MaxCapacity": 10,
                "ResourceId": "service/emulator-cluster/emulator-service",
                "ScalableDimension": "ecs:service:DesiredCount",
                "ServiceNamespace": "ecs",
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling"},
        },
    }


def test_service_runs_as_many_tasks_as_its_scaling_asks(emulator: Emulator) -> None:
    ecs = emulator.client("ecs")

    def tasks() -> set[str]:
        return set(ecs.list_tasks(cluster="emulator-cluster", desiredStatus="RUNNING")["taskArns"])

    for minimum in (2, 3):
        emulator.deploy("service", service(minimum))
        assert len(tasks()) == minimum

    before = tasks()
    forced = ecs.update_service(cluster="emulator-cluster", service="emulator-service", forceNewDeployment=True)
    assert forced["service"]["taskDefinition"].endswith("emulator-task:1")
    assert len(tasks()) == 3
    assert not before & tasks()
    definition = ecs.describe_task_definition(taskDefinition="emulator-task")["taskDefinition"]
    assert definition["containerDefinitions"][0]["secrets"] == [{"name": "CRON_SECRET", "valueFrom": "arn:secret"}]
    cluster = ecs.describe_clusters(clusters=["emulator-cluster"])["clusters"][0]
    assert cluster["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    recorded = [json.loads(line) for line in (emulator.folder / "placeholders.jsonl").read_text().splitlines()]
    assert {
        "region": "us-east-1",
        "type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "logical_id": "Policy",
        "stack": "service",
    } in recorded


def test_two_regions_live_side_by_side(emulator: Emulator) -> None:
    resources = {"Role": function([])["Role"]}
    resources["Alias"] = {
        "Type": "AWS::Route53::RecordSet",
        "Properties": {
            "Name": "side.pardon.example.com",
            "HostedZoneId": "ZREHEARSAL",
            "Type": "A",
            "TTL": "60",
            "ResourceRecords": ["192.0.2.1"],
            "SetIdentifier": {"Ref": "AWS::Region"},
            "Weight": 1,
        },
    }
    here, there = (emulator.deploy("side", resources, region) for region in ("us-east-1", "us-west-2"))

    assert here["Role"] != there["Role"]
    roles = {role["RoleName"] for role in emulator.client("iam").list_roles()["Roles"]}
    assert {here["Role"], there["Role"]} <= roles
    records = emulator.client("route53").list_resource_record_sets(HostedZoneId="ZREHEARSAL")["ResourceRecordSets"]
    assert {record["SetIdentifier"] for record in records if "SetIdentifier" in record} == {"us-east-1", "us-west-2"}


def test_failed_creation_is_rolled_back_and_may_be_repeated(emulator: Emulator) -> None:
    bucket = {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "RetainExceptOnCreate",
        "Properties": {"BucketName": "emulator-kept"},
    }
    bad = {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "DependsOn": "Bucket",
        "Properties": {"GroupId": "sg-missing", "IpProtocol": "tcp"},
    }
    with pytest.raises(WaiterError):
        emulator.deploy("half", {"Bucket": bucket, "Bad": bad})

    stack = emulator.client("cloudformation").describe_stacks(StackName="half")["Stacks"][0]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    emulator.delete("half")
    assert emulator.deploy("half", {"Bucket": bucket}) == {"Bucket": "emulator-kept"}


def test_taken_port_is_refused_in_one_line(emulator: Emulator, tmp_path: Path) -> None:
    ended = subprocess.run(
        command(emulator.port, tmp_path), cwd=ROOT, capture_output=True, text=True, check=False, timeout=10
    )

    assert ended.returncode == 1
    assert (
        ended.stderr
        == f"emulator: port {emulator.port} is taken: another program listens on 127.0.0.1:{emulator.port}\n"
    )


@pytest.mark.parametrize("killed", ["parent", "emulator"])
def test_nothing_stays_when_a_process_is_killed(killed: str, tmp_path: Path) -> None:
    port = free_port()
    starts_and_waits = f"import subprocess; subprocess.run({command(port, tmp_path)!r})"
    parent = subprocess.Popen([sys.executable, "-c", starts_and_waits], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: answers(port), 15)
        started = psutil.Process(parent.pid).children()[0]
        emulator = Emulator(port, tmp_path, parent)
        busy = emulator.deploy("busy", function([]))["Function"]
        emulator.client("lambda").invoke(FunctionName=busy, InvocationType="Event", Payload='{"sleep_seconds": 60}')
        worker = eventually(started.children)[0]

        os.kill(parent.pid if killed == "parent" else started.pid, signal.SIGKILL)

        eventually(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
        eventually(lambda: not started.is_running() or started.status() == psutil.STATUS_ZOMBIE)
    finally:
        parent.kill()
        parent.wait()
