"""A bad value is refused by name, before it is used."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import config
from application import CONTAINERS, CORAL_SERVER, WEB
from aws_limits import regions
from config import DEVELOPMENT, ENVIRONMENTS, PRODUCTION, environment
from environment import Environment
from environment_parts import CostBand, OffHours
from validation import ConfigurationError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("name", "Production", "lower-case letters"),
        ("account", "64008011293", "12 digits"),
        ("account", 640080112933, "of type str"),
        ("home_region", "us-east-9", "one of af-south-1"),
        ("region", "moon-base-1", "one of af-south-1"),
        ("recovery_region", "us-east-1", "a region other than home_region (us-east-1)"),
        ("domain", "pardonsimulator", "a lower-case domain name"),
        ("domain", "https://pardonsimulator.com", "a lower-case domain name"),
        ("domain", "pardon_simulator.com", "a lower-case domain name"),
        ("hosted_zone_id", "hostedzone/Z1", "Z and up to 31"),
        ("alarm_emails", ("operator",), "a tuple of addresses"),
        ("alarm_emails", "operator@example.com", "of type"),
        ("alarm_emails", ("a@example.com", "a@example.com"), "without repetition"),
        ("runbook_url", "http://example.com/runbook.md", "an https:// URL without '#'"),
        ("runbook_url", "https://example.com/runbook.md#", "an https:// URL without '#'"),
        ("runbook_url", "https://", "an https:// URL without '#'"),
        ("runbook_url", "", "an https:// URL without '#'"),
        ("runbook_url", f"https://example.com/{'a' * 181}", "at most 200 characters"),
        ("wallets", {"sbf": "1" * 32}, "addresses by owner, one of white-house, cz"),
        ("wallets", {"cz": "0" * 32}, "Solana addresses of 32 to 44"),
        ("wallets", {"cz": "1" * 31}, "Solana addresses of 32 to 44"),
        ("wallets", {"cz": ""}, "Solana addresses of 32 to 44"),
        ("wallets", {"cz": 7}, "Solana addresses of 32 to 44"),
        ("wallets", ("cz",), "of type"),
        ("max_error_lines", 0, "from 1 to 100000"),
        ("vpc_cidr", "10.0.0.0/8", "a private IPv4 network from /16 to /24"),
        ("vpc_cidr", "10.0.0.1/16", "a private IPv4 network"),
        ("vpc_cidr", "8.8.0.0/16", "a private IPv4 network"),
        ("vpc_cidr", "ten", "a private IPv4 network"),
        ("nat_gateways", 0, "from 1 to 2"),
        ("nat_gateways", 3, "from 1 to 2"),
        ("image_tag", "", "1 to 128"),
        ("image_tag", "-v1", "1 to 128"),
        ("image_tag", "v 1", "1 to 128"),
        ("image_tag", "candidate-7", "1 to 128"),
        ("image_tag", "v" * 129, "1 to 128"),
        ("architecture", "amd64", "one of X86_64, ARM64"),
        ("task_cpu", 1000, "one of 256, 512"),
        ("task_memory_mib", 3072, "from 4096 to 16384 in steps of 1024 when task_cpu is 2048"),
        ("task_memory_mib", 4096, "at least what the containers reserve (5120)"),
        ("pools", (), "one of ('production-main',), ('pool-0', 'pool-1', 'pool-2', 'pool-3', 'pool-4')"),
        ("pools", ("pool-0", "pool-1"), "one of ('production-main',), ('pool-0'"),
        ("min_tasks", 0, "from 1 to 100"),
        ("min_tasks", True, "a whole number"),
        ("max_tasks", 2, "at least min_tasks (3)"),
        ("cpu_target_percent", 0, "from 10 to 95"),
        ("memory_target_percent", 100, "from 10 to 95"),
        ("fargate_weight", 0, "above 0 when spot_weight is 0"),
        ("spot_weight", 1, "0 in a protected environment"),
        ("off_hours", OffHours(stop_hour=20, start_hour=7), "None in a protected environment"),
        ("database_class", "t4g.medium", "an RDS class"),
        ("database_class", "db.t4g.huge", "one of db.t3.medium"),
        ("storage_gib", 19, "from 20 to 65536"),
        ("connection_limit", 0, "from 1 to 18 when max_tasks is 10 and database_class db.t4g.medium"),
        ("connection_limit", 19, "from 1 to 18 when max_tasks is 10 and database_class db.t4g.medium"),
        ("max_storage_gib", 21, "at least 10 % above storage_gib (20)"),
        ("backup_days", 0, "from 1 to 35"),
        ("backup_days", 36, "from 1 to 35"),
        ("log_retention_days", 42, "one of 1, 3, 5"),
        ("cost_bands", (CostBand(service="A", min_usd=1, max_usd=2),) * 2, "one band for a service"),
        ("cost_ceiling_usd", 0, "a whole number from 1 to 1000000"),
        ("cost_tolerance_percent", 0, "a whole number from 1 to 1000"),
        ("cost_tolerance_usd", -5, "a whole number from 1 to 100000"),
    ],
)
def test_bad_value_is_named_with_what_is_allowed(field: str, value: Any, allowed: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        replace(PRODUCTION, **{field: value})
    message = str(refusal.value)
    assert message.startswith(f"environment {value if field == 'name' else 'production'}: {field} must be ")
    assert allowed in message
    assert "\n" not in message
    shown = repr(value) if field != "task_memory_mib" else str(value)
    assert shown in message


@pytest.mark.parametrize(
    ("containers", "message"),
    [
        ((CORAL_SERVER,), "exactly one with is_load_balanced"),
        ((CORAL_SERVER, WEB, replace(WEB, name="web2")), "exactly one with is_load_balanced"),
        ((CORAL_SERVER, replace(WEB, health_path=None)), "exactly one with is_load_balanced"),
        ((WEB, CORAL_SERVER), "starts_after of container web must name containers listed before it"),
        ((CORAL_SERVER, CORAL_SERVER, WEB), "got 'coral-server' twice"),
        ((CORAL_SERVER, replace(WEB, memory_mib=256)), "memory_mib of container web must be"),
        ((CORAL_SERVER, replace(WEB, secrets={"KEY": "unknown"})), "must name secrets of the application"),
    ],
)
def test_containers_that_make_no_task_are_refused(containers: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replace(PRODUCTION, containers=containers)


def test_site_may_be_hosted_elsewhere() -> None:
    coral = replace(CORAL_SERVER, is_load_balanced=True)
    elsewhere = replace(PRODUCTION, containers=(coral, *(c for c in CONTAINERS[1:-1])))
    assert elsewhere.load_balanced.port == 5555


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stop_hour": 24, "start_hour": 7}, "stop_hour must be a whole number from 0 to 23, got 24"),
        ({"stop_hour": 7, "start_hour": 7}, r"start_hour must be other than stop_hour \(7\)"),
        ({"stop_hour": 20, "start_hour": 7, "start_days": ()}, "start_days must be some of MON"),
        ({"stop_hour": 20, "start_hour": 7, "start_days": ("Monday",)}, "start_days must be some of MON"),
        ({"stop_hour": 20, "start_hour": 7, "time_zone": "Mars/Olympus"}, "time_zone must be an IANA time zone"),
    ],
)
def test_off_hours_that_never_end_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        OffHours(**values)


@pytest.mark.parametrize("band", [(-1, 5), (6, 5)])
def test_cost_band_upside_down_is_refused(band: tuple[float, float]) -> None:
    with pytest.raises(ConfigurationError, match="_usd must be at least"):
        CostBand(service="RDS", min_usd=band[0], max_usd=band[1])


def test_another_region_keeps_the_rest() -> None:
    elsewhere = environment("production", region="eu-west-1", image_tag="v2")
    assert replace(elsewhere, region="us-east-1", image_tag=PRODUCTION.image_tag) == PRODUCTION
    assert elsewhere.dashboard_name == "pardon-production-eu-west-1"
    assert PRODUCTION.dashboard_name == "pardon-production"


def test_every_region_that_is_allowed_can_be_trusted() -> None:
    assert {"us-east-1", "us-west-2", "eu-central-1", "ap-southeast-2"} <= set(regions())


def test_only_unprotected_environments_use_spot_or_off_hours() -> None:
    assert PRODUCTION.is_protected
    assert DEVELOPMENT.off_hours is not None
    assert [e.name for e in ENVIRONMENTS.values() if e.is_protected and (e.spot_weight or e.off_hours)] == []


def test_rehearsal_is_production_but_for_what_the_emulator_cannot_do() -> None:
    rehearsal = ENVIRONMENTS["rehearsal"]
    different = {f for f in vars(PRODUCTION) if getattr(PRODUCTION, f) != getattr(rehearsal, f)}
    assert different == {
        "name",
        "account",
        "domain",
        "hosted_zone_id",
        "standby_load_balancer",
        "alarm_emails",
        "runbook_url",
        "wallets",
        "is_protected",
        "thread_grace_seconds",
    }


def _app(folder: Path, *, context: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "CDK_OUTDIR": str(folder / "cdk.out")}
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        env={**clean, "CDK_CONTEXT_JSON": context, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("context", "variables", "message"),
    [
        ("{}", {}, f"environment must be one of {', '.join(ENVIRONMENTS)}, got None"),
        ('{"environment": "prod"}', {}, "got 'prod'"),
        ('{"environment": "production", "region": "mars"}', {}, "region must be one of"),
        ('{"environment": "staging"}', {"AWS_REGION": "mars"}, "region must be one of"),
        (
            '{"environment": "production"}',
            {"AWS_REGION": "eu-west-1"},
            "AWS_REGION=eu-west-1 is not its home region; choose the region with REGION=us-east-1 or REGION=eu-west-1",
        ),
        ('{"environment": "production staging"}', {}, "got 'production staging'"),
        ('{"environment": "production", "image_tag": "a b"}', {}, "image_tag must be"),
    ],
)
def test_bad_choice_ends_with_one_line_and_nothing_synthesized(
    tmp_path: Path, context: str, variables: dict[str, str], message: str
) -> None:
    ended = _app(tmp_path, context=context, **variables)
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("configuration: ")
    assert message in line
    assert not list(tmp_path.glob("cdk.out/*.json"))


def test_a_protected_environment_whose_alarms_reach_nobody_says_so_and_is_built(tmp_path: Path) -> None:
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    context = {**flags, "environment": "production", "aws:cdk:bundling-stacks": []}
    ended = _app(tmp_path, context=json.dumps(context))
    assert ended.returncode == 0, ended.stderr
    assert "production: nobody is told of an alarm, alarm_emails in config.py is empty" in ended.stderr.splitlines()
    assert list(tmp_path.glob("cdk.out/*.template.json"))


def test_bad_value_in_the_file_ends_with_one_line(tmp_path: Path) -> None:
    for name in (
        "app.py",
        "application.py",
        "aws_limits.py",
        "environment.py",
        "environment_checks.py",
        "environment_parts.py",
        "names.py",
        "start_command.py",
        "validation.py",
    ):
        (tmp_path / name).write_text((ROOT / name).read_text())
    shared = tmp_path / "ops_lambdas" / "shared"
    shared.mkdir(parents=True)
    bundle = "ops_lambdas/shared/rds-ca-bundle.pem"
    (tmp_path / bundle).write_text((ROOT / bundle).read_text())
    (tmp_path / "config.py").write_text((ROOT / "config.py").read_text().replace('"640080112933"', '"none"'))
    ended = subprocess.run(
        [sys.executable, str(tmp_path / "app.py")],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "configuration: environment production: account must be 12 digits, got 'none'\n"


@pytest.mark.parametrize(
    ("database_class", "max_connections"),
    [("db.t4g.medium", 450), ("db.m7g.large", 901), ("db.r7g.xlarge", 3604), ("db.r7g.2xlarge", 5000)],
)
def test_connections_are_what_rds_allows_by_default(database_class: str, max_connections: int) -> None:
    assert replace(PRODUCTION, database_class=database_class).database.max_connections == max_connections


def test_every_environment_of_the_file_can_be_chosen() -> None:
    made = {constant: value for constant, value in vars(config).items() if isinstance(value, Environment)}
    needed = f"ENVIRONMENTS in config.py must have {', '.join(made)}, each with its own name"
    assert sorted(e.name for e in made.values()) == sorted(ENVIRONMENTS), needed


def test_readme_names_every_environment() -> None:
    columns = f"| | {' | '.join(ENVIRONMENTS)} |"
    assert columns in (ROOT / "README.md").read_text().splitlines(), f"README.md must have a table of {columns}"


def test_single_database_is_the_instance_alone_and_takes_no_other_word() -> None:
    single, whole = environment("production", database="single"), environment("production")
    assert (whole.is_multi_az, whole.has_replica) == (True, True)
    assert single == replace(whole, is_multi_az=False, has_replica=False)
    for word in ("1", "true", ""):
        with pytest.raises(ConfigurationError, match=f"database must be single, or not given, got {word!r}"):
            environment("production", database=word)


def test_standby_is_in_the_recovery_region_and_takes_no_other_word() -> None:
    assert environment("production", standby="true").region == "us-west-2"
    with pytest.raises(ConfigurationError, match="region must be us-west-2 or us-east-1, with recovery"):
        environment("production", standby="true", region="eu-west-1")
    for word in ("1", "yes", "false", ""):
        with pytest.raises(ConfigurationError, match=f"standby must be true, or not given, got {word!r}"):
            environment("production", standby=word)
