"""A running emulator for the tests: started as the rehearsal does, used with boto3."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from rehearsal import ROOT
from rehearsal.machine.ports import free_port

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
        return client(self.port, service, region)

    def deploy(self, stack: str, resources: Resources, region: str = "us-east-1") -> dict[str, str]:
        """Create or update a stack; return the physical ids by logical id."""
        cloudformation = self.client("cloudformation", region)
        arguments = {
            "StackName": stack,
            "TemplateBody": json.dumps({"Resources": resources}, ensure_ascii=False),
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        try:
            cloudformation.update_stack(**arguments)
            waiter = "stack_update_complete"
        except ClientError:
            cloudformation.create_stack(**arguments)
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
        """Wait as briefly as a local server allows; the error shows why a resource failed."""
        limits = {"Delay": 0.02, "MaxAttempts": 500}
        try:
            cloudformation.get_waiter(waiter).wait(StackName=stack, WaiterConfig=limits)
        except WaiterError as error:
            for event in cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
                if event["ResourceStatus"].endswith("_FAILED"):
                    error.add_note(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}")
            raise


@cache
def client(port: int, service: str, region: str) -> Any:
    """A client with a root-like key; making one takes longer than most calls."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=f"http://localhost:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


def command(port: int, folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "rehearsal.emulator", "--port", str(port), "--folder", str(folder), *more]


def eventually(condition: Callable[[], Any], seconds: float = 5) -> Any:
    """Wait until the condition is truthy and return its value."""
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


def emails(emulator: Emulator, topic: str) -> list[dict[str, str]]:
    """The emails that a topic has sent, one for each subscriber."""
    lines = (emulator.folder / "emails.jsonl").read_text().splitlines()
    return [email for email in map(json.loads, lines) if email["topic"] == topic]


def confirm(emulator: Emulator, topic: str, address: str) -> str:
    """Confirm a subscription as the owner of the address would; return its ARN."""
    asked = [json.loads(line) for line in (emulator.folder / "confirmations.jsonl").read_text().splitlines()]
    (token,) = (one["token"] for one in asked if (one["to"], one["topic"]) == (address, topic))
    return str(emulator.client("sns").confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"])


def start(folder: Path, *more: str) -> Emulator:
    port = free_port()
    process = subprocess.Popen(command(port, folder, *more), cwd=ROOT, stdout=subprocess.DEVNULL)
    eventually(lambda: answers(port), 15)
    return Emulator(port, folder, process)


def function(role_statements: list[dict[str, Any]], code: str = HANDLER) -> Resources:
    """A Lambda of that code with a role that allows what the statements allow."""
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
                "Code": {"ZipFile": code},
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
