"""The emulator as CloudFormation and its users see it: a real process, templates deployed with boto3."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import WaiterError

from rehearsal.postgresql.server import Postgres
from tests.integration.emulator_process import Emulator, eventually, function, invoke
from tests.integration.emulator_templates import alarms, database, network, scheduled, service


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
    behind = datetime.now(UTC) - instances[ids["Database"]]["LatestRestorableTime"]
    assert behind < timedelta(seconds=5), "it moves on after the creation"
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


def test_topic_tells_its_key(emulator: Emulator) -> None:
    for key in ("alias/one", "alias/two"):
        ids = emulator.deploy("topic", {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": key}}})
        attributes = emulator.client("sns").get_topic_attributes(TopicArn=ids["Topic"])["Attributes"]
        assert attributes["KmsMasterKeyId"] == key


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
    emulator.delete("service")


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


def test_schedule_that_is_moved_to_now_runs_now(emulator: Emulator) -> None:
    ids = emulator.deploy("scheduled", scheduled())
    scheduler, sqs = emulator.client("scheduler"), emulator.client("sqs")
    time.sleep(1)  # the scheduler has seen it as it was
    deployed = scheduler.get_schedule(Name=ids["Schedule"])

    scheduler.update_schedule(
        Name=ids["Schedule"],
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        **{key: deployed[key] for key in ("Target", "FlexibleTimeWindow")},
    )

    assert eventually(lambda: sqs.receive_message(QueueUrl=ids["Queue"]).get("Messages"))
