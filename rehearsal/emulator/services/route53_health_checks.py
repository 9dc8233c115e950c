"""Route 53 health checks in templates: made by MiniStack's own Route 53, which does not look at what they check.

One of an alarm is unhealthy while the alarm is in ALARM: AWS looks at its metric, which here has no data.

Each change replaces the check; on AWS a change of its type does.
"""

from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id, new_uuid, request_scope
from ministack.services import cloudwatch, route53

from rehearsal.emulator.services.cloudformation_handler import (
    Attributes,
    Handler,
    Properties,
    answer,
    element,
    resource,
)

_ALARMS: dict[str, dict[str, str]] = {}  # what a check looks at, by its id


def is_healthy(check: str) -> bool:
    """Whether a health check is, as far as it looks at an alarm."""
    alarm = _ALARMS.get(check)
    if alarm is None:
        return True
    with request_scope(get_account_id(), alarm["Region"]):
        return (cloudwatch._alarms.get(alarm["Name"]) or {}).get("StateValue") != "ALARM"


def create(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    given = props["HealthCheckConfig"]
    alarm = given.get("AlarmIdentifier")
    if alarm:
        with request_scope(get_account_id(), alarm["Region"]):
            if alarm["Name"] not in cloudwatch._alarms:
                raise ValueError(f"InvalidInput: the alarm {alarm['Name']} in {alarm['Region']} does not exist.")
    values = {key: value for key, value in given.items() if key != "AlarmIdentifier"}
    config = "".join(f"<{key}>{escape(_text(value))}</{key}>" for key, value in values.items())
    body = (
        f"<CreateHealthCheckRequest><CallerReference>{new_uuid()}</CallerReference>"
        f"<HealthCheckConfig>{config}</HealthCheckConfig></CreateHealthCheckRequest>"
    )
    id_ = element(answer(route53._create_health_check(body.encode())), "Id")
    if alarm:
        _ALARMS[id_] = alarm
    return id_, {"HealthCheckId": id_}


def delete(physical_id: str, _props: Properties) -> None:
    answer(route53._delete_health_check(physical_id))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


HANDLERS: dict[str, Handler] = {"AWS::Route53::HealthCheck": resource(create, delete)}
