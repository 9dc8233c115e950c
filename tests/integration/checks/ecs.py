"""The part of ECS that finds a service's tasks: two actions, in pages."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.integration.checks.servers import Exchange, answers

_ARN = "arn:aws:ecs:us-east-1:000000000000:task/pardon-rehearsal-cluster/"


def task(task_id: str, address: str | None, *, status: str = "RUNNING") -> dict[str, Any]:
    """Return a Fargate task in the format of DescribeTasks."""
    details = [
        {"name": "subnetId", "value": "subnet-0"},
        {"name": "networkInterfaceId", "value": "eni-0"},
        *([{"name": "privateIPv4Address", "value": address}] if address is not None else []),
    ]
    attachment = {"id": "a", "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details}
    return {"taskArn": _ARN + task_id, "lastStatus": status, "attachments": [attachment]}


@dataclass
class Ecs:
    """Answers as ECS; a behaviour for `servers.serving`.

    Attributes:
        tasks: what is described.
        gone: ids that are listed and then not found.
        error: a code that each call is refused with.
        calls: the actions and their parameters.
    """

    tasks: list[dict[str, Any]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    page_size: int = 100
    error: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> None:
        action = exchange.request.headers["x-amz-target"].rpartition(".")[2]
        parameters = json.loads(exchange.request.body)
        self.calls.append((action, parameters))
        status, body = (
            (400, {"__type": self.error, "message": "no"}) if self.error else (200, self._do(action, parameters))
        )
        answers(status, body, content_type="application/x-amz-json-1.1")(exchange)

    def _do(self, action: str, parameters: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "ListTasks":
                arns = [*(one["taskArn"] for one in self.tasks), *(_ARN + one for one in self.gone)]
                start = int(parameters.get("nextToken", 0))
                end = start + self.page_size
                token = {"nextToken": str(end)} if end < len(arns) else {}
                return {"taskArns": arns[start:end], **token}
            case "DescribeTasks":
                return self._describe(parameters["tasks"])
        raise AssertionError(action)

    def _describe(self, arns: Iterable[str]) -> dict[str, Any]:
        arns = list(arns)
        assert 1 <= len(arns) <= 100, "ECS takes no others"
        found = {one["taskArn"]: one for one in self.tasks}
        return {
            "tasks": [found[arn] for arn in arns if arn in found],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in found],
        }
