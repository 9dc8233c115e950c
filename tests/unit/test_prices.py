"""Prices of templates: quantities by hand, and what is not known is named instead of free."""

from typing import Any

import pytest

from prices import resources
from prices.estimate import Estimate, estimate
from prices.items import ITEMS, item
from prices.schedules import runs_a_month, share_of_time_on
from prices.table import Prices, UnpricedError, list_prices, rows

FARGATE, SPOT = {"CapacityProvider": "FARGATE", "Weight": 1}, {"CapacityProvider": "FARGATE_SPOT", "Weight": 3}
STOP = {"Schedule": "cron(0 20 * * ? *)", "ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 0}}
START = {
    "Schedule": "cron(0 7 ? * MON,TUE,WED,THU,FRI *)",
    "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2},
}


def resource(type_: str, metadata: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{type_}", "Properties": properties, "Metadata": metadata or {}}


def priced(prices: Prices | None = None, /, **of_resources: dict[str, Any]) -> Estimate:
    return estimate({"service": {"Resources": of_resources}}, prices or list_prices("us-east-1"))


def service(*strategy: dict[str, Any], architecture: str = "X86_64") -> dict[str, dict[str, Any]]:
    platform = {"CpuArchitecture": architecture}
    return {
        "Task": resource("ECS::TaskDefinition", Cpu="2048", Memory="8192", RuntimePlatform=platform),
        "Service": resource(
            "ECS::Service", TaskDefinition={"Ref": "Task"}, CapacityProviderStrategy=list(strategy or [FARGATE])
        ),
        "Target": resource("ApplicationAutoScaling::ScalableTarget", MinCapacity=3, MaxCapacity=10),
    }


def usd(one: Estimate, item_: str, tasks: float = 0) -> float:
    return round(sum(each.usd(tasks) for each in one.lines if each.line.charge.item == item_), 4)


def test_ten_lines_by_hand() -> None:
    """730 hours a month, with the prices of us-east-1 written out."""
    function = "arn:aws:lambda:us-east-1:000000000000:function:p-pool-health"
    one = priced(
        **service(),
        Nat1=resource("EC2::NatGateway"),
        Nat2=resource("EC2::NatGateway"),
        Balancer=resource("ElasticLoadBalancingV2::LoadBalancer", Scheme="internet-facing", Subnets=["a", "b"]),
        Primary=resource("RDS::DBInstance", DBInstanceClass="db.t4g.medium", MultiAZ=True, AllocatedStorage="20"),
        Replica=resource("RDS::DBInstance", DBInstanceClass="db.t4g.medium", SourceDBInstanceIdentifier="x"),
        Alarm=resource("CloudWatch::Alarm", Metrics=[{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a / b"}]),
        Simple=resource("CloudWatch::Alarm", MetricName="Errors"),
        Function=resource("Lambda::Function", {"PublishedMetrics": 12}, FunctionName="p-pool-health", MemorySize=256),
        Schedule=resource("Scheduler::Schedule", ScheduleExpression="rate(5 minutes)", Target={"Arn": function}),
    )
    assert (one.min_tasks, one.max_tasks) == (3, 10)
    assert usd(one, "Fargate vCPU", 3) == round(3 * 2 * 730 * 0.04048, 4) == 177.3024
    assert usd(one, "Fargate memory", 10) == round(10 * 8 * 730 * 0.004445, 4) == 259.588
    assert usd(one, "NAT gateway") == 65.7
    assert usd(one, "load balancer") == 16.425
    assert usd(one, "public IPv4 address") == 7.3
    assert usd(one, "db.t4g.medium Multi-AZ") == 94.9
    assert usd(one, "db.t4g.medium") == 47.45
    assert usd(one, "gp3 storage Multi-AZ") + usd(one, "gp3 storage") == pytest.approx(4.6 + 2.3)
    assert usd(one, "alarm metric") == 0.3
    assert usd(one, "custom metric") == 3.6
    assert usd(one, "function time") == round(8760 * 0.25 * 0.0000133334, 4) == 0.0292


def test_a_metric_is_charged_for_the_hours_in_which_it_is_published() -> None:
    one = priced(
        Function=resource("Lambda::Function", {"PublishedMetrics": 24}, FunctionName="p-cost-report"),
        Daily=resource(
            "Scheduler::Schedule",
            ScheduleExpression="cron(0 8 * * ? *)",
            Target={"Arn": "arn:aws:lambda:us-east-1:000000000000:function:p-cost-report"},
        ),
    )
    assert usd(one, "custom metric") == pytest.approx(24 * 0.30 / 24)


def test_tasks_are_shared_between_fargate_and_spot_by_weight() -> None:
    one = priced(**service(FARGATE, SPOT))
    assert usd(one, "Fargate vCPU", 4) == round(2 * 730 * 0.04048, 4)
    assert usd(one, "Fargate Spot vCPU", 4) == round(3 * 2 * 730 * 0.01334053, 4)


def test_arm64_saves_a_fifth() -> None:
    x86, arm = priced(**service()), priced(**service(architecture="ARM64"))
    at_rest = [usd(one, f"Fargate{kind} vCPU", 3) for one, kind in ((x86, ""), (arm, " arm64"))]
    assert at_rest[1] / at_rest[0] == pytest.approx(0.8, abs=0.001)


def test_totals_are_the_sum_of_services_and_grow_with_tasks() -> None:
    one = priced(**service())
    for tasks in (3, 10):
        assert sum(one.by_service(tasks).values()) == pytest.approx(one.usd(tasks))
    assert next(iter(one.by_service(3))) == "Amazon Elastic Container Service"
    assert one.usd(10) > one.usd(3)


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("rate(1 minute)", 43800),
        ("rate(30 minutes)", 1460),
        ("rate(1 hour)", 730),
        ("cron(0 8 * * ? *)", 365 / 12),
        ("cron(30 8 ? * MON *)", 365 / 12 / 7),
    ],
)
def test_runs_of_a_schedule(expression: str, runs: float) -> None:
    assert runs_a_month(expression) == pytest.approx(runs)


def test_a_schedule_that_is_not_understood_is_named() -> None:
    with pytest.raises(UnpricedError, match=r"how often 'at\(2026-01-01T00:00:00\)' fires"):
        runs_a_month("at(2026-01-01T00:00:00)")


def test_off_hours_rest() -> None:
    assert share_of_time_on([]) == 1
    assert share_of_time_on([STOP, START]) == pytest.approx(5 * 13 / (7 * 24))


def test_a_type_that_is_not_known_is_named_with_its_resource() -> None:
    with pytest.raises(UnpricedError, match=r"what AWS::EC2::Instance \(service/Bastion\) costs is not known"):
        priced(Bastion=resource("EC2::Instance"))


def test_an_interface_endpoint_is_not_free() -> None:
    with pytest.raises(UnpricedError, match="interface endpoint service/Endpoint"):
        priced(Endpoint=resource("EC2::VPCEndpoint", VpcEndpointType="Interface"))


def test_a_price_that_is_missing_is_named_with_what_to_do() -> None:
    with pytest.raises(UnpricedError, match=r"no price of 'db\.m8g\.large' in us-east-1.*make prices"):
        priced(Database=resource("RDS::DBInstance", DBInstanceClass="db.m8g.large", AllocatedStorage="20"))
    with pytest.raises(UnpricedError, match="in eu-north-1"):
        priced(list_prices("eu-north-1"), Nat=resource("EC2::NatGateway"))


def test_the_table_has_each_price_once_with_date_and_source() -> None:
    keys = [(row["region"], row["item"]) for row in rows()]
    assert len(set(keys)) == len(keys)
    for row in rows():
        assert item(row["item"]).unit
        assert float(row["usd"]) > 0
        assert row["date"] >= "2026"
        assert row["source"].startswith("https://") or row["source"] == "Price List API"


def test_what_may_be_charged_has_a_price_in_both_regions() -> None:
    """Except arm64 on Spot, whose price no source had."""
    for region in ("us-east-1", "us-west-2"):
        known = {row["item"] for row in rows() if row["region"] == region}
        assert set(ITEMS) - known == {"Fargate Spot arm64 vCPU", "Fargate Spot arm64 memory"}


def test_no_type_is_both_free_and_charged() -> None:
    assert not resources.FREE & set(resources.CHARGES)
