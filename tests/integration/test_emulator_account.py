"""What exists once in an account: the stack deploys, and the emulated AWS refuses a second of what AWS refuses."""

from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from botocore.exceptions import WaiterError

from config import REHEARSAL
from stacks.whole_account import NAME, AccountStack
from tests.integration.emulator_process import Emulator

BY_SERVICE = {
    "Type": "AWS::CE::AnomalyMonitor",
    "Properties": {"MonitorName": "all", "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE"},
}
REPLICATION = {"Type": "AWS::ECR::ReplicationConfiguration", "Properties": {"ReplicationConfiguration": {"Rules": []}}}


def template(folder: Path) -> dict[str, Any]:
    app = cdk.App(outdir=str(folder))
    AccountStack(app, [REHEARSAL])
    resources: dict[str, Any] = app.synth().get_stack_by_name(NAME).template["Resources"]
    return {id_: one for id_, one in resources.items() if one["Type"] != "AWS::CDK::Metadata"}


def test_the_account_stack_watches_the_ceiling(emulator: Emulator, tmp_path: Path) -> None:
    resources = template(tmp_path)
    emulator.deploy("account", resources)
    budgets = emulator.client("budgets")
    of = {"AccountId": REHEARSAL.account, "BudgetName": REHEARSAL.prefix}
    budget = budgets.describe_budget(**of)["Budget"]
    assert budget["BudgetLimit"] == {"Amount": "730", "Unit": "USD"}
    notifications = budgets.describe_notifications_for_budget(**of)["Notifications"]
    assert {one["NotificationType"] for one in notifications} == {"ACTUAL", "FORECASTED"}
    again = {id_: one for id_, one in resources.items() if one["Type"] != REPLICATION["Type"]}
    with pytest.raises(WaiterError, match="the budget already exists"):
        emulator.deploy("account-again", again)
    emulator.delete("account")


@pytest.mark.parametrize(
    ("one", "reason"), [(BY_SERVICE, "Limit exceeded on dimensional"), (REPLICATION, "AlreadyExists")]
)
def test_a_second_one_is_refused_until_the_first_is_gone(emulator: Emulator, one: dict[str, Any], reason: str) -> None:
    emulator.deploy("first", {"One": one})
    with pytest.raises(WaiterError, match=reason):
        emulator.deploy("second", {"One": one})
    emulator.delete("first")
    emulator.delete("second")
    emulator.deploy("third", {"One": one})
    emulator.delete("third")
