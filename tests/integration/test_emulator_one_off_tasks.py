"""The emulator's one-off tasks: containers one after the other, in one folder, with the rights of the task's role."""

import shlex
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from constructs.dump.transfer_task import AWS_CLI, IMAGES, POSTGRESQL
from rehearsal import ROOT
from tests.integration.emulator_process import Emulator, Resources, eventually, start

GROUP, CLUSTER = "/ecs/one-off", "one-off"
UPLOAD = (ROOT / "constructs" / "dump" / "upload.sh").read_text()
DOWNLOAD = (ROOT / "constructs" / "dump" / "download.sh").read_text()
PUT, READ = (
    {"Action": "s3:PutObject", "Condition": {"StringEquals": {"s3:if-none-match": "*"}}},
    {"Action": "s3:GetObject"},
)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator that runs the containers of tasks."""
    program = shlex.join([sys.executable, "-m", "rehearsal.stand_in.one_off"])
    started = start(tmp_path_factory.mktemp("emulator"), "--task-program", program)
    started.client("ecs").create_cluster(clusterName=CLUSTER)
    yield started
    started.process.terminate()
    started.process.wait(5)


def template(first: tuple[str, str], last: tuple[str, str], statement: dict[str, Any], **bucket: Any) -> Resources:
    """A task of two containers, each an image and a script; its role may do on the bucket what `statement` says."""

    def container(name: str, image: str, script: str) -> dict[str, Any]:
        options = {"awslogs-group": GROUP, "awslogs-stream-prefix": "one-off", "awslogs-region": "us-east-1"}
        return {
            "Name": name,
            "Image": IMAGES[image],
            "EntryPoint": ["sh", "-c"],
            "Command": [script],
            "WorkingDirectory": "/shared",
            "MountPoints": [{"ContainerPath": "/shared", "SourceVolume": "shared", "ReadOnly": False}],
            "Environment": [{"Name": "BUCKET", "Value": {"Ref": "Bucket"}}],
            "LogConfiguration": {"LogDriver": "awslogs", "Options": options},
        }

    allow = {"Effect": "Allow", "Resource": {"Fn::Sub": "${Bucket.Arn}/dumps/*"}, **statement}
    policy = {"PolicyName": "allow", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allow]}}
    after = {"DependsOn": [{"ContainerName": "first", "Condition": "SUCCESS"}]}
    return {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": bucket},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": GROUP}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "Policies": [policy],
            },
        },
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "one-off",
                "TaskRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "Volumes": [{"Name": "shared"}],
                "ContainerDefinitions": [container("first", *first), {**container("last", *last), **after}],
            },
        },
    }


def run(tasks: Emulator, definition: str, key: str) -> tuple[dict[str, int | None], str, str]:
    """Run the task to its end: exit codes by container, why it stopped, and what both logged."""
    ecs, logs = tasks.client("ecs"), tasks.client("logs")
    override = {"name": "last", "environment": [{"name": "KEY", "value": key}]}
    started = ecs.run_task(cluster=CLUSTER, taskDefinition=definition, overrides={"containerOverrides": [override]})
    arn = started["tasks"][0]["taskArn"]

    def stopped() -> Any:
        (task,) = ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"]
        return task if task["lastStatus"] == "STOPPED" else None

    task = eventually(stopped, 30)
    events = logs.filter_log_events(logGroupName=GROUP)["events"]
    own = [one["message"] for one in events if one["logStreamName"].endswith(arn.rpartition("/")[2])]
    return {one["name"]: one.get("exitCode") for one in task["containers"]}, task["stoppedReason"], "\n".join(own)


WRITE = "echo one > database.dump; echo two > rows.csv"


def test_what_the_first_container_wrote_the_second_uploads_once(tasks: Emulator) -> None:
    ids = tasks.deploy("upload", template((POSTGRESQL, WRITE), (AWS_CLI, UPLOAD), PUT))
    codes, reason, log = run(tasks, ids["Task"], "dumps/1")
    assert (codes, reason) == ({"first": 0, "last": 0}, "Essential container in task exited"), log
    s3 = tasks.client("s3")
    body = s3.get_object(Bucket=ids["Bucket"], Key="dumps/1/database.dump")["Body"].read()
    assert body == b"one\n"
    codes, _, log = run(tasks, ids["Task"], "dumps/1")
    assert codes["last"] != 0
    assert "PreconditionFailed" in log
    codes, _, log = run(tasks, ids["Task"], "elsewhere/1")  # the role's policy does not name it
    assert codes["last"] != 0
    assert "AccessDenied" in log
    tasks.delete("upload")


def test_the_role_lets_nothing_replace_an_object(tasks: Emulator) -> None:
    """As `aws s3 cp` would, without the condition."""
    ids = tasks.deploy("replace", template((POSTGRESQL, WRITE), (AWS_CLI, UPLOAD.replace("--no-overwrite", "")), PUT))
    codes, _, log = run(tasks, ids["Task"], "dumps/1")
    assert codes["last"] != 0
    assert "AccessDenied" in log
    tasks.delete("replace")


def test_a_container_does_not_start_after_one_that_failed(tasks: Emulator) -> None:
    ids = tasks.deploy("failing", template((POSTGRESQL, f"{WRITE}; exit 3"), (AWS_CLI, UPLOAD), PUT))
    codes, reason, _ = run(tasks, ids["Task"], "dumps/2")
    assert codes == {"first": 3, "last": None}
    assert "first has not succeeded" in reason
    assert "Contents" not in tasks.client("s3").list_objects_v2(Bucket=ids["Bucket"])
    tasks.delete("failing")


def test_an_object_that_is_not_there_fails_the_download(tasks: Emulator) -> None:
    ids = tasks.deploy("download", template((POSTGRESQL, "true"), (AWS_CLI, DOWNLOAD), READ))
    codes, _, _ = run(tasks, ids["Task"], "dumps/none")
    assert codes["first"] == 0
    assert codes["last"] != 0
    tasks.delete("download")


def test_a_bucket_locks_new_objects_as_its_template_says(tasks: Emulator) -> None:
    locked = {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    options = {"VersioningConfiguration": {"Status": "Enabled"}, "ObjectLockEnabled": True}
    for lock in ({"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **locked}}, {}):
        ids = tasks.deploy("locked", template((POSTGRESQL, WRITE), (AWS_CLI, UPLOAD), PUT, **options, **lock))
        key = f"dumps/{len(lock)}/rows.csv"
        run(tasks, ids["Task"], key.removesuffix("/rows.csv"))
        s3 = tasks.client("s3")
        (version,) = s3.list_object_versions(Bucket=ids["Bucket"], Prefix=key)["Versions"]
        if lock:
            with pytest.raises(ClientError, match="AccessDenied"):
                s3.delete_object(Bucket=ids["Bucket"], Key=key, VersionId=version["VersionId"])
        else:
            s3.delete_object(Bucket=ids["Bucket"], Key=key, VersionId=version["VersionId"])
