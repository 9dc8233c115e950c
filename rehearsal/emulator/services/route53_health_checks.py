"""Route 53 health checks in templates: made by MiniStack's own Route 53, which does not look at the site.

Each change replaces the check; on AWS a change of its type does.
"""

from xml.sax.saxutils import escape

from ministack.core.responses import new_uuid
from ministack.services import route53

from rehearsal.emulator.services.cloudformation_handler import (
    Attributes,
    Handler,
    Properties,
    answer,
    element,
    resource,
)


def create(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    config = "".join(f"<{key}>{escape(_text(value))}</{key}>" for key, value in props["HealthCheckConfig"].items())
    body = (
        f"<CreateHealthCheckRequest><CallerReference>{new_uuid()}</CallerReference>"
        f"<HealthCheckConfig>{config}</HealthCheckConfig></CreateHealthCheckRequest>"
    )
    id_ = element(answer(route53._create_health_check(body.encode())), "Id")
    return id_, {"HealthCheckId": id_}


def delete(physical_id: str, _props: Properties) -> None:
    answer(route53._delete_health_check(physical_id))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


HANDLERS: dict[str, Handler] = {"AWS::Route53::HealthCheck": resource(create, delete)}
