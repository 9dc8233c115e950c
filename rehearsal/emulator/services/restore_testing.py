"""AWS Backup's restore testing, which MiniStack lacks: plans and selections as CloudFormation makes them, to be read.

No test runs by itself here.
"""

import re
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid
from ministack.services import backup

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties, put

_plans = AccountRegionScopedDict()  # name -> plan
_selections = AccountRegionScopedDict()  # plan/selection -> selection
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RestoreTestingPlanForCreate.html
_NAME = re.compile(r"[A-Za-z0-9_]{1,50}")


def register() -> None:
    """Answer for what is there."""
    get_plan, get_selection = backup._get_restore_testing_plan, backup._get_restore_testing_selection

    def plan(name: str) -> Any:
        return backup._ok({"RestoreTestingPlan": _plans[name]}) if name in _plans else get_plan(name)

    def selection(plan_name: str, name: str) -> Any:
        key = f"{plan_name}/{name}"
        if key in _selections:
            return backup._ok({"RestoreTestingSelection": _selections[key]})
        return get_selection(plan_name, name)

    def plans(query: Any) -> Any:
        return backup._paginate(list(_plans.values()), query, "RestoreTestingPlans")

    backup._get_restore_testing_plan, backup._get_restore_testing_selection = plan, selection
    backup._list_restore_testing_plans = plans


def create_plan(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    name = _checked(props["RestoreTestingPlanName"])
    before = _plans.get(name, {})
    arn = before.get("RestoreTestingPlanArn") or (
        f"arn:aws:backup:{get_region()}:{get_account_id()}:restore-testing-plan:{name}-{new_uuid()}"
    )
    created = before.get("CreationTime") or backup._epoch()
    _plans[name] = {**props, "RestoreTestingPlanArn": arn, "CreationTime": created}
    return name, {"RestoreTestingPlanArn": arn}


def delete_plan(physical_id: str, _props: Properties) -> None:
    if any(key.startswith(f"{physical_id}/") for key in _selections):
        raise ValueError(f"restore testing plan {physical_id} has selections")
    _plans.pop(physical_id, None)


def create_selection(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    plan, name = props["RestoreTestingPlanName"], _checked(props["RestoreTestingSelectionName"])
    if plan not in _plans:
        raise ValueError(f"there is no restore testing plan {plan}")
    _selections[f"{plan}/{name}"] = {**props, "CreationTime": backup._epoch()}
    return f"{plan}_{name}", {}


def delete_selection(_physical_id: str, props: Properties) -> None:
    _selections.pop(f"{props['RestoreTestingPlanName']}/{props['RestoreTestingSelectionName']}", None)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"1 validation error: {name!r} must have at most 50 alphanumeric characters and underscores")
    return name


HANDLERS: dict[str, Handler] = {
    "AWS::Backup::RestoreTestingPlan": put(create_plan, delete_plan),
    "AWS::Backup::RestoreTestingSelection": put(create_selection, delete_selection),
}
