"""Renewing the list prices: what the Price List is asked, and which of its products is taken."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from prices.table import TABLE
from procedures.prices import PriceError, Renewed, look_up, main, renew, wanted, write


def product(usage_type: str, *tiers: str, **attributes: str) -> str:
    dimensions = {str(number): {"pricePerUnit": {"USD": usd}} for number, usd in enumerate(tiers)}
    terms = {"OnDemand": {"term": {"priceDimensions": dimensions}}, "Reserved": {}}
    return json.dumps({"product": {"attributes": {"usagetype": usage_type, **attributes}}, "terms": terms})


@pytest.fixture
def pricing() -> Iterator[tuple[Any, Stubber]]:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("pricing", **keys)
    with Stubber(client) as stubber:
        yield client, stubber


def answers(stubber: Stubber, *products: str, asked: Any = ANY) -> None:
    expected = {"ServiceCode": ANY, "Filters": asked}
    stubber.add_response("get_products", {"PriceList": list(products), "FormatVersion": "aws_v1"}, expected)


def test_the_regions_product_of_the_usage_type_is_taken(pricing: tuple[Any, Stubber]) -> None:
    client, stubber = pricing
    region = {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-west-2"}
    answers(
        stubber,
        product("USW2-NatGateway-Bytes", "0.5"),
        product("USW2-NatGateway-Hours", "0.0450000000"),
        asked=[region],
    )
    assert look_up(client, "us-west-2", "NAT gateway") == 0.045


def test_of_tiers_the_first_paid_one_is_taken(pricing: tuple[Any, Stubber]) -> None:
    client, stubber = pricing
    answers(stubber, product("CW:MetricMonitorUsage", "0.0", "0.30", "0.10", "0.02"))
    assert look_up(client, "us-east-1", "custom metric") == 0.30


def test_an_instance_is_of_our_engine(pricing: tuple[Any, Stubber]) -> None:
    client, stubber = pricing
    engine = {"Type": "TERM_MATCH", "Field": "databaseEngine", "Value": "PostgreSQL"}
    answers(stubber, product("Multi-AZUsage:db.m8g.large", "0.356"), asked=[ANY, engine])
    assert look_up(client, "us-east-1", "db.m8g.large Multi-AZ") == 0.356


def test_a_global_service_has_one_price(pricing: tuple[Any, Stubber]) -> None:
    client, stubber = pricing
    answers(stubber)
    answers(stubber, product("Global-Health-Check-AWS", "0.50"), asked=[])
    assert look_up(client, "us-west-2", "health check") == 0.50


@pytest.mark.parametrize(
    ("products", "reason"),
    [
        ([], r"secret in us-east-1: the Price List has no AWSSecretsManager"),
        (["0.40", "0.50"], r"secret in us-east-1: the Price List has several prices, 0\.4, 0\.5"),
    ],
)
def test_not_exactly_one_price_is_named(pricing: tuple[Any, Stubber], products: list[str], reason: str) -> None:
    client, stubber = pricing
    for _ in range(2):
        answers(stubber, *(product("USE1-AWSSecretsManager-Secrets", usd) for usd in products))
    with pytest.raises(PriceError, match=reason):
        look_up(client, "us-east-1", "secret")


def test_a_price_of_another_product_is_not_taken_over(pricing: tuple[Any, Stubber]) -> None:
    client, stubber = pricing
    answers(stubber, product("USE1-AWSSecretsManager-Secrets", "0.42"))
    answers(stubber, product("NatGateway-Hours", "45"))
    renewed, failed = renew(client, [("us-east-1", "secret"), ("us-east-1", "NAT gateway")])
    assert renewed == [Renewed("us-east-1", "secret", 0.4, 0.42)]
    assert failed == ["NAT gateway in us-east-1: 45 is not like 0.045 in the table; change it by hand if it is right"]


def test_the_table_keeps_what_was_not_renewed(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    write([Renewed("us-east-1", "secret", 0.4, 0.42), Renewed("eu-west-1", "key", None, 1.0)], file, "2027-01-02")
    before, after = TABLE.read_text().splitlines(), file.read_text().splitlines()
    assert len(after) == len(before) + 1
    assert "us-east-1,secret,0.42,2027-01-02,Price List API" in after
    assert "eu-west-1,key,1,2027-01-02,Price List API" in after
    assert len(set(before) - set(after)) == 1


def test_what_is_asked_for() -> None:
    everything = wanted(None, None)
    assert ("us-west-2", "db.t4g.medium Multi-AZ") in everything
    assert wanted("eu-west-1", "key") == [("eu-west-1", "key")]
    assert {region for region, _ in wanted(None, "key")} == {region for region, _ in everything}
    assert ("eu-west-1", "NAT gateway") in wanted("eu-west-1", None)


def test_an_unknown_item_is_refused_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--item", "nat"]) == 2
    assert "--item must be one of" in capsys.readouterr().err
