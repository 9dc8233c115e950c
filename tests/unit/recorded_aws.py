"""AWS as a table of answers, by operation: clients of botocore that send nothing."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from environment import Environment
from procedures.findings import Aws, Finding
from procedures.preflight.delegation import NoDnsError
from procedures.preflight.deployment import Deployment
from procedures.verify.deployed import Deployed

Answer = Mapping[str, Any] | str | Callable[[Mapping[str, Any]], Any]
# What AWS answers in an empty account. A string is the code of an error.
EMPTY: dict[str, Answer] = {"ListStackResources": "ValidationError"}


def no_dns(_zone: str) -> frozenset[str]:
    """A machine without DNS."""
    raise NoDnsError("no server answers")


class _Recording(Aws):
    """Calls are answered by a table: by operation, an answer, an error's code, or a function."""

    _answers: Mapping[str, Answer]
    _calls: list[Any]

    def _client(self, service: str, region: str | None = None) -> Any:
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client(service, region_name=region or self.environment.region, **credentials)
        client.meta.events.register("provide-client-params", lambda params, **_: self._calls.append(params))
        client.meta.events.register("before-call", self._answer)
        return client

    def _answer(self, model: Any, **_: Any) -> tuple[Any, Any]:
        answer = self._answers[model.name]
        if callable(answer):
            answer = answer(self._calls[-1])
        if isinstance(answer, str):
            error = {"Code": answer, "Message": f"{answer}: it does not exist"}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {}}
        return SimpleNamespace(status_code=200), {**answer, "ResponseMetadata": {}}


class Recorded(_Recording, Deployment):
    """A deployment whose calls are answered by a table."""

    def __init__(self, environment: Environment, assembly: Path, answers: Mapping[str, Answer], **more: Any) -> None:
        super().__init__(environment, assembly, **({"name_servers": no_dns} | more))
        self._answers, self._calls = EMPTY | dict(answers), []


class RecordedDeployed(_Recording, Deployed):
    """What is deployed, as a table answers; its stacks were changed at CHANGED."""

    def __init__(self, environment: Environment, answers: Mapping[str, Answer], **more: Any) -> None:
        super().__init__(environment, **more)
        self._answers, self._calls = _DEPLOYED | dict(answers), []


CHANGED = datetime(2026, 11, 26, 3, tzinfo=UTC)


def _stack(request: Mapping[str, Any]) -> dict[str, Any]:
    outputs = [{"OutputKey": "SiteUrl", "OutputValue": "http://site.example.com"}]
    described = {"StackName": request["StackName"], "StackStatus": "UPDATE_COMPLETE", "CreationTime": CHANGED}
    return {"Stacks": [{**described, "Outputs": outputs}]}


_DEPLOYED: dict[str, Answer] = {"DescribeStacks": _stack, "ListStackResources": {"StackResourceSummaries": []}}


def one(findings: Any) -> Finding:
    """The only finding."""
    (finding,) = findings
    assert isinstance(finding, Finding)
    return finding
