"""What AWS admits once in an account: a budget of a name, a monitor over all services, a replication of the registry.

Budgets are MiniStack's own. It has neither anomaly monitors nor the registry's replication: these are only counted.
"""

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import budgets

from rehearsal.emulator.services.cloudformation_handler import (
    Attributes,
    Handler,
    Properties,
    answer,
    resource,
)

_dimensional: dict[str, str] = {}  # account → the ARN of its monitor over all services
_replicated: set[tuple[str, str]] = set()  # account and region


def create_budget(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    """On AWS the limit is a text; the template's is a number."""
    budget: dict[str, Any] = {**props["Budget"]}
    budget["BudgetLimit"] = {key: str(value) for key, value in budget["BudgetLimit"].items()}
    answer(
        budgets._create_budget(
            {"Budget": budget, "NotificationsWithSubscribers": props.get("NotificationsWithSubscribers", [])}
        )
    )
    return budget["BudgetName"], {}


def delete_budget(physical_id: str, _props: Properties) -> None:
    """Delete it with its notifications."""
    answer(budgets._delete_budget({"BudgetName": physical_id}))


def create_monitor(logical_id: str, props: Properties, stack: str) -> tuple[str, Attributes]:
    """Refuse a second one over all services."""
    account = get_account_id()
    arn = f"arn:aws:ce::{account}:anomalymonitor/{stack}-{logical_id}"
    if props["MonitorType"] == "DIMENSIONAL" and _dimensional.setdefault(account, arn) != arn:
        raise ValueError("LimitExceededException: Limit exceeded on dimensional spend monitor creation")
    return arn, {"MonitorArn": arn}


def delete_monitor(physical_id: str, _props: Properties) -> None:
    """Let another one be made."""
    account = get_account_id()
    if _dimensional.get(account) == physical_id:
        del _dimensional[account]


def create_replication(_logical_id: str, _props: Properties, _stack: str) -> tuple[str, Attributes]:
    """Refuse a second one of the region's registry."""
    place = get_account_id(), get_region()
    if place in _replicated:
        raise ValueError(f"AlreadyExists: the registry {place[0]} has a replication configuration")
    _replicated.add(place)
    return place[0], {"RegistryId": place[0]}


def delete_replication(_physical_id: str, _props: Properties) -> None:
    """Let another one be made."""
    _replicated.discard((get_account_id(), get_region()))


HANDLERS: dict[str, Handler] = {
    "AWS::Budgets::Budget": resource(create_budget, delete_budget),
    "AWS::CE::AnomalyMonitor": resource(create_monitor, delete_monitor),
    "AWS::ECR::ReplicationConfiguration": resource(create_replication, delete_replication),
}
