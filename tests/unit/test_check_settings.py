"""A check's settings: what is allowed, and errors that name field, value and what is allowed."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lambdas.shared.settings import (
    DatabaseSettings,
    Flag,
    InvalidSettingError,
    NoOptions,
    PoolNames,
    SecretArn,
    SiteUrl,
    TaskSettings,
    TopicArn,
    between,
    from_environment,
    from_event,
    one_of,
)


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, TaskSettings):
    secret_arn: SecretArn
    topic_arn: TopicArn
    pools: PoolNames
    site_url: SiteUrl
    metric: Annotated[str, one_of("A", "B")] = "A"


@dataclass(frozen=True, kw_only=True)
class Options:
    dry_run: Flag = False
    age_minutes: Annotated[int, between(60, 600, "minutes")] = 60


ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:pardon-production/cron-secret-AbCdEf"
TOPIC = "arn:aws:sns:us-east-1:123456789012:pardon-production-alarms"
VALID = {
    "ENVIRONMENT": "production",
    "DATABASE_HOST": "db.example.us-east-1.rds.amazonaws.com",
    "DATABASE_PORT": "5432",
    "DATABASE_NAME": "pardon_simulator",
    "DATABASE_USER": "pardon_ops",
    "SECRET_ARN": ARN,
    "TOPIC_ARN": TOPIC,
    "POOLS": "pool-0,pool-1",
    "SITE_URL": "https://pardon.example.com",
    "ECS_CLUSTER": "pardon-production-cluster",
    "ECS_SERVICE": "pardon-production-service",
}


def test_valid_settings_are_read() -> None:
    assert from_environment(Settings, {**VALID, "PATH": "/usr/bin", "METRIC": "B"}) == Settings(
        environment="production",
        database_host="db.example.us-east-1.rds.amazonaws.com",
        database_port=5432,
        database_name="pardon_simulator",
        database_user="pardon_ops",
        secret_arn=ARN,
        topic_arn=TOPIC,
        pools=("pool-0", "pool-1"),
        site_url="https://pardon.example.com",
        ecs_cluster="pardon-production-cluster",
        ecs_service="pardon-production-service",
        coral_port=5555,
        metric="B",
    )


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_arns_of_every_partition_are_allowed(partition: str) -> None:
    arn = ARN.replace("arn:aws:", f"arn:{partition}:")
    assert from_environment(Settings, {**VALID, "SECRET_ARN": arn}).secret_arn == arn


@pytest.mark.parametrize("field", list(VALID))
def test_a_missing_setting_is_named(field: str) -> None:
    with pytest.raises(InvalidSettingError, match=rf"^{field} must be .*, got None$"):
        from_environment(Settings, {name: value for name, value in VALID.items() if name != field})


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("ENVIRONMENT", "", "lower-case letters"),
        ("ENVIRONMENT", "Production", "lower-case letters"),
        ("ENVIRONMENT", "production\n", "lower-case letters"),
        ("ENVIRONMENT", "p" * 33, "at most 32"),
        ("DATABASE_HOST", "https://db.example.com", "a host name"),
        ("DATABASE_HOST", "-db", "a host name"),
        ("DATABASE_PORT", "0", "1 to 65535"),
        ("DATABASE_PORT", "65536", "1 to 65535"),
        ("DATABASE_PORT", "٣", "1 to 65535"),
        ("DATABASE_NAME", 'x"; DROP', "lower-case letters, digits and underscores"),
        ("DATABASE_USER", "Pardon", "lower-case letters, digits and underscores"),
        ("DATABASE_USER", "p" * 64, "1 to 63"),
        ("SECRET_ARN", "pardon-production/cron-secret", "ARN of a Secrets Manager secret"),
        ("SECRET_ARN", ARN.replace("123456789012", "12345678901"), "ARN of a Secrets Manager secret"),
        ("TOPIC_ARN", ARN, "ARN of an SNS topic"),
        ("TOPIC_ARN", TOPIC + ":subscription", "ARN of an SNS topic"),
        ("SITE_URL", "pardon.example.com", "https:// or http://"),
        ("SITE_URL", "https://pardon.example.com/", "nothing after it"),
        ("SITE_URL", "https://user@pardon.example.com", "nothing after it"),
        ("ECS_CLUSTER", "arn:aws:ecs", "the name of a resource"),
        ("METRIC", "C", "A or B"),
        ("POOLS", "", "comma-separated pool names"),
        ("POOLS", "pool-0,", "comma-separated pool names"),
        ("POOLS", "pool-0, pool-1", "comma-separated pool names"),
        ("POOLS", "pool-0,pool-0", "different comma-separated pool names"),
        ("POOLS", "p" * 65, "comma-separated pool names"),
        ("POOLS", ",".join(f"pool-{number}" for number in range(51)), "1 to 50"),
    ],
)
def test_a_bad_setting_names_field_value_and_what_is_allowed(field: str, value: str, allowed: str) -> None:
    with pytest.raises(InvalidSettingError, match=allowed) as caught:
        from_environment(Settings, {**VALID, field: value})
    assert str(caught.value).startswith(f"{field} must be ")
    assert str(caught.value).endswith(f", got {value!r}")


def test_fifty_pools_with_the_longest_names_are_allowed() -> None:
    names = [f"{number:064}" for number in range(50)]
    assert from_environment(Settings, {**VALID, "POOLS": ",".join(names)}).pools == tuple(names)


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        {"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"},
        {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    ],
)
def test_a_schedule_gives_no_options(event: object) -> None:
    assert from_event(Options, event) == Options(dry_run=False, age_minutes=60)


ENVELOPE = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "account": "000000000000",
    "time": "2026-11-26T03:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}


@pytest.mark.parametrize("source", ["aws.scheduler", "aws.events"])
def test_an_option_beside_the_envelope_of_a_schedule_is_honoured_or_refused(source: str) -> None:
    event = {**ENVELOPE, "source": source}
    assert from_event(Options, event) == Options(dry_run=False, age_minutes=60)
    assert from_event(Options, {**event, "dry_run": True}) == Options(dry_run=True, age_minutes=60)
    assert from_event(Options, {**event, "age_minutes": 61}).age_minutes == 61
    for misspelt in ("dryrun", "Dry_run", "dry-run", "age", "details"):
        with pytest.raises(InvalidSettingError, match=f"event must be .*'{misspelt}': True"):
            from_event(Options, {**event, misspelt: True})
    for detail in ({"dry_run": True}, [0], "dry_run", 1):
        with pytest.raises(InvalidSettingError, match="detail must be empty, options stand beside it"):
            from_event(Options, {**event, "detail": detail})


@pytest.mark.parametrize("age_minutes", [60, 600])
def test_options_within_bounds_are_read(age_minutes: int) -> None:
    read = from_event(Options, {"dry_run": True, "age_minutes": age_minutes})
    assert read == Options(dry_run=True, age_minutes=age_minutes)


@pytest.mark.parametrize(
    ("event", "declared", "message"),
    [
        ({"dryrun": True}, Options, r"event must be an object with age_minutes, dry_run, got \{'dryrun': True\}"),
        ({"key1": "value1"}, NoOptions, r"event must be an object with no field at all, got \{'key1': 'value1'\}"),
        ({"source": "aws.scheduler", "dry_run": True}, Options, "event must be an object with age_minutes, dry_run"),
        ([1], NoOptions, r"event must be a JSON object, got \[1\]"),
        ([], NoOptions, r"event must be a JSON object, got \[\]"),
        ("pool-0", NoOptions, "event must be a JSON object, got 'pool-0'"),
        (0, NoOptions, "event must be a JSON object, got 0"),
        ({"dry_run": "true"}, Options, "dry_run must be true or false, got 'true'"),
        ({"dry_run": None}, Options, "dry_run must be true or false, got None"),
        ({"age_minutes": 59}, Options, "age_minutes must be a whole number from 60 to 600 minutes, got 59"),
        ({"age_minutes": 601}, Options, "age_minutes must be .*, got 601"),
        ({"age_minutes": 60.5}, Options, "age_minutes must be .*, got 60.5"),
        ({"age_minutes": True}, Options, "age_minutes must be .*, got True"),
    ],
)
def test_a_bad_event_is_refused(event: object, declared: type, message: str) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        from_event(declared, event)


@settings(deadline=None)
@given(st.text("abpool-0123,._ ß\n", max_size=30))
def test_any_text_for_the_pools_is_either_read_whole_or_refused(text: str) -> None:
    try:
        pools = from_environment(Settings, {**VALID, "POOLS": text}).pools
    except InvalidSettingError:
        return
    assert ",".join(pools) == text
    assert all(pools)
