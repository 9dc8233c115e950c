"""Every change that the configuration allows can be deployed, and taken back."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import application
from config import REHEARSAL
from environment import Environment
from environment_parts import CostBand, Dumps, OffHours
from rehearsal.changed_app import CHANGES, changed
from tests.infra.conftest import Deployment, synthesize
from tests.infra.refusals import refusals

# Fixed when an environment is created: a change makes another environment, or would replace the VPC.
FIXED = {"name", "account", "home_region", "recovery_region", "region", "is_standby", "vpc_cidr"}
# Values that add and remove no resource that others refer to, changed together.
VALUES: dict[str, Any] = {
    "alarm_emails": ("first@example.com", "second@example.com"),
    "runbook_url": None,
    "wallets": {"cz": "2" * 32},
    "max_error_lines": 7,
    "image_tag": "v2",
    "pools": ("production-main",),
    "thread_grace_seconds": 60,
    "nat_gateways": 1,
    "task_cpu": 4096,
    "task_memory_mib": 16384,
    "architecture": "ARM64",
    "min_tasks": 2,
    "max_tasks": 12,
    "cpu_target_percent": 60,
    "memory_target_percent": 60,
    "fargate_weight": 2,
    "spot_weight": 1,
    "off_hours": OffHours(stop_hour=20, start_hour=7),
    "database_class": "db.m7g.large",
    "storage_gib": 40,
    "max_storage_gib": 200,
    "connection_limit": 5,
    "is_multi_az": False,
    "backup_days": 14,
    "backup_lock_days": 7,
    "snapshot_days": 20,
    "dumps": Dumps(dump_days=30, dump_lock_days=7, is_weekly=False),
    "log_retention_days": 30,
    "cost_metric": "AmortizedCost",
    "cost_bands": (CostBand(service="Total", min_usd=1, max_usd=2),),
    "cost_ceiling_usd": None,
    "cost_tolerance_percent": 30,
    "cost_tolerance_usd": 7,
}
# Changes that do not hide one another are tried together, which saves a synthesis each.
TOGETHER: tuple[tuple[str, ...], ...] = (
    ("values", "without-replica", "without-agent", "without-key"),
    ("without-domain", "without-site", "without-prompts", "without-copies"),
    ("without-zone", "protected"),
)


def vary(names: tuple[str, ...]) -> Environment:
    """The rehearsal's environment with these changes."""
    variant = changed(REHEARSAL, *(name for name in names if name in CHANGES))
    if "values" in names:
        variant = replace(variant, **VALUES)
    return replace(variant, hosted_zone_id=None, standby_load_balancer=False) if "without-zone" in names else variant


@pytest.fixture(scope="module")
def base(deployments: dict[tuple[str, str], Deployment]) -> Deployment:
    """The rehearsal's environment, which has everything."""
    return deployments["rehearsal", REHEARSAL.home_region]


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application's secrets as they were, after a change that takes one away."""
    monkeypatch.setattr(application, "SECRETS", application.SECRETS)


def test_every_change_and_every_field_is_tried() -> None:
    names = {name for together in TOGETHER for name in together}
    assert names == CHANGES.keys() - {"unprotected", "moved"} | {"values", "without-zone"}  # it is; another region
    variants, original = [], application.SECRETS
    for together in TOGETHER:
        variants.append(vary(together))
        application.SECRETS = original
    varied = {
        one.name
        for one in fields(REHEARSAL)
        if any(getattr(variant, one.name) != getattr(REHEARSAL, one.name) for variant in variants)
    }
    assert varied | FIXED == {one.name for one in fields(REHEARSAL)}
    assert not varied & FIXED


@pytest.mark.parametrize("names", TOGETHER, ids=",".join)
def test_changes_can_be_deployed_and_taken_back(names: tuple[str, ...], base: Deployment, tmp_path: Path) -> None:
    variant = synthesize(vary(names), tmp_path / "cdk.out", is_checked=False)
    assert refusals(base, variant) == []
    assert refusals(variant, base) == []


def test_what_is_fixed_would_be_refused(base: Deployment, tmp_path: Path) -> None:
    variant = synthesize(replace(REHEARSAL, vpc_cidr="10.8.0.0/16"), tmp_path / "cdk.out", is_checked=False)
    assert any("network/NetworkVpc" in refusal for refusal in refusals(base, variant))
