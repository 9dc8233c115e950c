"""Application Auto Scaling, which MiniStack lacks: a scalable target that brings its ECS service within its bounds."""

import json
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import error_response_json, json_response
from ministack.services import ecs

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties, answer, put

SERVICE, TARGET = "application-autoscaling", "AnyScaleFrontendService"


def register() -> None:
    """Serve RegisterScalableTarget, as the API and as the resource of a template."""

    async def handle(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: Any) -> Any:
        if not headers.get("x-amz-target", "").endswith(".RegisterScalableTarget"):
            return error_response_json("UnknownOperationException", "This operation is not emulated", 400)
        request = json.loads(body)
        keep_within(request["ResourceId"], int(request["MinCapacity"]), int(request["MaxCapacity"]))
        return json_response({"ScalableTargetARN": f"arn:aws:{SERVICE}:::scalable-target/one"})

    app.SERVICE_HANDLERS[SERVICE] = handle
    router.SERVICE_PATTERNS[SERVICE] = {"target_prefixes": [TARGET]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE


def keep_within(resource: str, minimum: int, maximum: int) -> None:
    """Bring the service within the bounds.

    Source: Application Auto Scaling, RegisterScalableTarget: a capacity outside the bounds is adjusted.
    """
    _, cluster, name = resource.split("/")
    service = ecs._services[f"{cluster}/{name}"]
    wanted = min(max(service["desiredCount"], minimum), maximum)
    if wanted != service["desiredCount"]:
        answer(ecs._update_service({"cluster": cluster, "service": name, "desiredCount": wanted}))


def put_scalable_target(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    keep_within(props["ResourceId"], int(props["MinCapacity"]), int(props["MaxCapacity"]))
    target = f"{props['ResourceId']}|{props['ScalableDimension']}|{props['ServiceNamespace']}"
    return target, {"Id": target}


HANDLERS: dict[str, Handler] = {"AWS::ApplicationAutoScaling::ScalableTarget": put(put_scalable_target)}
