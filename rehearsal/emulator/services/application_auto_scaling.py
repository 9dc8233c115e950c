"""Application Auto Scaling: a scalable target that brings its ECS service within its bounds."""

from ministack.services import ecs

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties, answer, put


def put_scalable_target(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    """Bring the service within the target's bounds, as registering a scalable target does.

    Source: Application Auto Scaling, RegisterScalableTarget: a capacity outside the bounds is adjusted.
    """
    _, cluster, name = props["ResourceId"].split("/")
    service = ecs._services[f"{cluster}/{name}"]
    minimum, maximum = int(props["MinCapacity"]), int(props["MaxCapacity"])
    wanted = min(max(service["desiredCount"], minimum), maximum)
    if wanted != service["desiredCount"]:
        answer(ecs._update_service({"cluster": cluster, "service": name, "desiredCount": wanted}))
    target = f"{props['ResourceId']}|{props['ScalableDimension']}|{props['ServiceNamespace']}"
    return target, {"Id": target}


HANDLERS: dict[str, Handler] = {"AWS::ApplicationAutoScaling::ScalableTarget": put(put_scalable_target)}
