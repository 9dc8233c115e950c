"""The account's stack: a budget and a monitor for each environment, of its tag, told to its topic."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from cdk_nag import AwsSolutionsChecks

from config import DEVELOPMENT, PRODUCTION, REHEARSAL, STAGING
from environment import Environment
from stacks.whole_account import NAME, AccountStack
from tests.infra.conftest import CONTEXT
from validation import ConfigurationError


def synthesized(folder: Path, *environments: Environment) -> dict[str, list[dict[str, Any]]]:
    """Properties of the resources, by type."""
    app = cdk.App(context=CONTEXT, outdir=str(folder))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
    AccountStack(app, environments)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in app.synth().get_stack_by_name(NAME).template["Resources"].values():
        found.setdefault(one["Type"], []).append(one.get("Properties", {}))
    return found


def test_each_environment_has_a_budget_at_its_ceiling_and_a_monitor_of_its_tag(tmp_path: Path) -> None:
    found = synthesized(tmp_path, PRODUCTION, STAGING, DEVELOPMENT)
    limits = {
        one["Budget"]["BudgetName"]: (one["Budget"]["BudgetLimit"]["Amount"], one["Budget"]["CostFilters"])
        for one in found["AWS::Budgets::Budget"]
    }
    assert limits["pardon-production"] == (730, {"TagKeyValue": ["user:Environment$production"]})
    assert {name: amount for name, (amount, _) in limits.items()} == {
        "pardon-production": 730,
        "pardon-staging": 240,
        "pardon-development": 190,
    }
    for budget in found["AWS::Budgets::Budget"]:
        kinds = {one["Notification"]["NotificationType"] for one in budget["NotificationsWithSubscribers"]}
        assert kinds == {"ACTUAL", "FORECASTED"}
        (subscriber,) = budget["NotificationsWithSubscribers"][0]["Subscribers"]
        assert f"{budget['Budget']['BudgetName']}-alarms" in json.dumps(subscriber["Address"])
    for monitor in found["AWS::CE::AnomalyMonitor"]:
        # Of monitors over all services an account may have only one.
        assert monitor["MonitorType"] == "CUSTOM"
        tags = json.loads(monitor["MonitorSpecification"])["Tags"]
        assert tags == {"Key": "Environment", "Values": [monitor["MonitorName"].removeprefix("pardon-")]}
    assert {one["Frequency"] for one in found["AWS::CE::AnomalySubscription"]} == {"IMMEDIATE"}


def test_without_a_ceiling_there_is_no_budget(tmp_path: Path) -> None:
    found = synthesized(tmp_path, replace(STAGING, cost_ceiling_usd=None))
    assert "AWS::Budgets::Budget" not in found
    assert found["AWS::CE::AnomalyMonitor"]


def test_images_of_what_is_recovered_elsewhere_are_replicated_there(tmp_path: Path) -> None:
    found = synthesized(tmp_path, PRODUCTION, STAGING)
    ((rule,),) = (one["ReplicationConfiguration"]["Rules"] for one in found["AWS::ECR::ReplicationConfiguration"])
    assert rule["Destinations"] == [{"Region": "us-west-2", "RegistryId": PRODUCTION.account}]
    assert rule["RepositoryFilters"] == [{"Filter": "pardon-production/", "FilterType": "PREFIX_MATCH"}]


def test_without_recovery_no_image_is_replicated(tmp_path: Path) -> None:
    assert "AWS::ECR::ReplicationConfiguration" not in synthesized(tmp_path, STAGING)


def test_images_of_two_home_regions_are_refused() -> None:
    other = replace(PRODUCTION, name="other", home_region="eu-west-1", region="eu-west-1")
    with pytest.raises(ConfigurationError, match="got us-east-1 of production and eu-west-1 of other"):
        AccountStack(cdk.App(), [PRODUCTION, other])


def test_environments_of_two_accounts_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="production of 640080112933 and rehearsal of 000000000000"):
        AccountStack(cdk.App(), [PRODUCTION, REHEARSAL])


def test_an_environment_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="account_of must name each environment once, got production, staging"):
        AccountStack(cdk.App(), [PRODUCTION, STAGING, PRODUCTION])
