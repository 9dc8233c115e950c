"""RDS: a change of a parameter that waits for a restart, and the restart. MiniStack applies it at once."""

from typing import Any

from ministack.services import rds


def register() -> None:
    """Keep `ParameterApplyStatus` of the instances as RDS does.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html
    """
    modify, reboot = rds._ACTION_MAP["ModifyDBParameterGroup"], rds._ACTION_MAP["RebootDBInstance"]

    def modify_and_wait(parameters: Any) -> Any:
        answer = modify(parameters)
        if answer[0] == 200 and "pending-reboot" in str(parameters):
            mark("pending-reboot", group=rds._p(parameters, "DBParameterGroupName"))
        return answer

    def reboot_and_apply(parameters: Any) -> Any:
        answer = reboot(parameters)
        if answer[0] == 200:
            mark("in-sync", instance=rds._p(parameters, "DBInstanceIdentifier"))
        return answer

    rds._ACTION_MAP |= {"ModifyDBParameterGroup": modify_and_wait, "RebootDBInstance": reboot_and_apply}


def mark(status: str, *, group: str | None = None, instance: str | None = None) -> None:
    """Set the status of one instance's groups, or of one group at every instance."""
    for identifier, one in rds._instances.items():
        for used in one.get("DBParameterGroups", ()):
            if instance == identifier or used["DBParameterGroupName"] == group:
                used["ParameterApplyStatus"] = status
