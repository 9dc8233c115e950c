"""A check's settings: what is allowed, and errors that name field, value and what is allowed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lambdas.shared.settings import InvalidSettingError, Settings, options

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:pardon-production/database-AbCdEf"
VALID = {"ENVIRONMENT": "production", "DATABASE_SECRET_ARN": ARN, "POOLS": "pool-0,pool-1"}


def test_valid_settings_are_read() -> None:
    read = Settings.from_environment({**VALID, "PATH": "/usr/bin"})
    assert read == Settings(environment="production", database_secret_arn=ARN, pools=("pool-0", "pool-1"))


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_secrets_of_every_partition_are_allowed(partition: str) -> None:
    arn = ARN.replace("arn:aws:", f"arn:{partition}:")
    assert Settings.from_environment({**VALID, "DATABASE_SECRET_ARN": arn}).database_secret_arn == arn


@pytest.mark.parametrize("field", list(VALID))
def test_a_missing_setting_is_named(field: str) -> None:
    with pytest.raises(InvalidSettingError, match=rf"^{field} must be .*, got (None|'')$"):
        Settings.from_environment({name: value for name, value in VALID.items() if name != field})


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("ENVIRONMENT", "", "lower-case letters"),
        ("ENVIRONMENT", "Production", "lower-case letters"),
        ("ENVIRONMENT", "production\n", "lower-case letters"),
        ("ENVIRONMENT", "p" * 33, "at most 32"),
        ("DATABASE_SECRET_ARN", "pardon-production/database", "ARN of a Secrets Manager secret"),
        ("DATABASE_SECRET_ARN", ARN.replace("123456789012", "12345678901"), "ARN of a Secrets Manager secret"),
        ("POOLS", "", "pool names with commas"),
        ("POOLS", "pool-0,", "pool names with commas"),
        ("POOLS", "pool-0, pool-1", "pool names with commas"),
        ("POOLS", "pool-0,pool-0", "different pool names"),
        ("POOLS", "p" * 65, "pool names with commas"),
        ("POOLS", ",".join(f"pool-{number}" for number in range(51)), "1 to 50"),
    ],
)
def test_a_bad_setting_names_field_value_and_what_is_allowed(field: str, value: str, allowed: str) -> None:
    with pytest.raises(InvalidSettingError, match=allowed) as caught:
        Settings.from_environment({**VALID, field: value})
    assert str(caught.value).startswith(f"{field} must be ")
    assert str(caught.value).endswith(f", got {value!r}")


def test_fifty_pools_with_the_longest_names_are_allowed() -> None:
    names = [f"{number:064}" for number in range(50)]
    assert Settings.from_environment({**VALID, "POOLS": ",".join(names)}).pools == tuple(names)


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
    assert options(event) == {}


def test_an_allowed_option_is_returned() -> None:
    assert options({"dry_run": True}, allowed=["dry_run"]) == {"dry_run": True}


@pytest.mark.parametrize(
    ("event", "allowed", "message"),
    [
        ({"dryrun": True}, ["dry_run", "age"], r"event must be an object with age, dry_run, got \{'dryrun': True\}"),
        ({"key1": "value1"}, [], r"event must be an object with no field at all, got \{'key1': 'value1'\}"),
        ({"source": "aws.scheduler", "dry_run": True}, ["dry_run"], "event must be an object with dry_run, got"),
        ([1], [], r"event must be a JSON object, got \[1\]"),
        ("pool-0", [], "event must be a JSON object, got 'pool-0'"),
        (0, [], "event must be a JSON object, got 0"),
    ],
)
def test_an_event_that_is_not_understood_is_refused(event: object, allowed: list[str], message: str) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        options(event, allowed=allowed)


@settings(deadline=None)
@given(st.text("abpool-0123,._ ß\n", max_size=30))
def test_any_text_for_the_pools_is_either_taken_whole_or_refused(text: str) -> None:
    try:
        pools = Settings.from_environment({**VALID, "POOLS": text}).pools
    except InvalidSettingError:
        return
    assert ",".join(pools) == text
    assert all(pools)
