"""AWS Backup: the selection of a plan, which MiniStack's CloudFormation does not know."""

import json

from ministack.services import backup

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties, answer, resource


def create_selection(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    plan = props["BackupPlanId"]
    made = json.loads(answer(backup._create_selection(plan, {"BackupSelection": props["BackupSelection"]})))
    id_ = str(made["SelectionId"])
    return f"{id_}_{plan}", {"Id": f"{id_}_{plan}", "SelectionId": id_, "BackupPlanId": plan}


def delete_selection(physical_id: str, _props: Properties) -> None:
    id_, _, plan = physical_id.partition("_")
    backup._delete_selection(plan, id_)


HANDLERS: dict[str, Handler] = {"AWS::Backup::BackupSelection": resource(create_selection, delete_selection)}
