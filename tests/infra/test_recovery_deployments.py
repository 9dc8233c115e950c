"""The deployments of a recovery: what the site needs is not changed by what comes later; and how long they take."""

from typing import Any

import pytest

from benchmarks import creation_times
from benchmarks.creation_times import HIGH, LOW, MIDDLE
from benchmarks.recovery import BACKUPS, MAX_OTHER_MINUTES, POINTS, REPLICA, Model, Strategy, recover
from benchmarks.recovery_path import read_assembly
from config import PRODUCTION, environment
from procedures.recover.deployments import REST, SITE, WHOLE
from tests.infra.conftest import Deployment, synthesize

OF_THE_SITE = ("network", "registry", "logs", "secrets", "service")


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    chosen = environment("production", region=PRODUCTION.recovery_region, database=SITE.database)
    return synthesize(chosen, tmp_path_factory.mktemp("single") / "cdk.out")


@pytest.fixture(scope="module")
def whole(deployments: dict[tuple[str, str], Deployment]) -> Deployment:
    return deployments["production", PRODUCTION.recovery_region]


@pytest.fixture(scope="module")
def models(single: Deployment, whole: Deployment, standbys: dict[str, Deployment]) -> dict[str, Model]:
    """By strategy."""
    standby, one, all_of = (read_assembly(each.folder) for each in (standbys["production"], single, whole))

    def model(strategy: Strategy) -> Model:
        times = creation_times.read(is_promoted=strategy is REPLICA)
        deployed = {SITE: one, REST: one, WHOLE: all_of}
        recoveries = {point: recover(standby, deployed, times, point) for point in POINTS}
        return Model(strategy=strategy, recoveries=recoveries, lost=times.step(f"recovery point from {strategy.name}"))

    return {strategy.name: model(strategy) for strategy in (BACKUPS, REPLICA)}


def test_first_deployment_makes_no_second_database_and_the_last_changes_nothing_of_the_site(
    single: Deployment, whole: Deployment
) -> None:
    def differing(layer: str) -> dict[str, Any]:
        before, after = (each.templates[layer]["Resources"] for each in (single, whole))
        assert before.keys() <= after.keys()
        return {name: one["Type"] for name, one in after.items() if before.get(name) != one}

    (instance,) = single.properties("AWS::RDS::DBInstance")
    assert instance["MultiAZ"] is False
    assert [layer for layer in OF_THE_SITE if differing(layer)] == []
    assert sorted(differing("data").values()) == ["AWS::RDS::DBInstance"] * 2
    assert differing("operations") == {}


def test_commands_name_the_site_s_stack_and_the_single_database_first() -> None:
    there = environment("production", region=PRODUCTION.recovery_region, image_tag="v7")
    context = ["-c", "environment=production", "-c", "region=us-west-2", "-c", "image_tag=v7"]
    options = ["--require-approval", "never", "--method", "direct", "--concurrency", "8", *context]
    assert SITE.command(there) == ["cdk", "deploy", "pardon-production-service", *options, "-c", "database=single"]
    assert REST.command(there) == ["cdk", "deploy", "--all", *options, "-c", "database=single"]
    assert WHOLE.command(there) == ["cdk", "deploy", "--all", *options]


@pytest.mark.parametrize("strategy", [BACKUPS, REPLICA])
def test_site_serves_in_time_in_the_middle_of_the_ranges(models: dict[str, Model], strategy: Strategy) -> None:
    serves, lost, other = models[strategy.name].limits()
    assert (serves.bound, lost.bound, other.bound) == (strategy.max_minutes, strategy.max_lost_minutes, 3)
    assert all(limit.is_within_bound for limit in (serves, lost, other)), (serves, lost, other)
    assert serves.low < serves.middle < serves.high


def test_database_is_the_only_long_part_of_the_way(models: dict[str, Model]) -> None:
    middle = models["backups"].recoveries[MIDDLE]
    longest = max(middle.steps, key=lambda step: step.minutes(MIDDLE))
    assert longest.is_of_database
    assert all(step.is_of_database or step.minutes(MIDDLE) <= MAX_OTHER_MINUTES for step in middle.steps)
    assert sum(step.minutes(MIDDLE) for step in middle.steps) == pytest.approx(middle.serves)


def test_site_serves_before_the_rest_is_deployed(models: dict[str, Model]) -> None:
    for point in (LOW, MIDDLE, HIGH):
        found = models["backups"].recoveries[point]
        assert found.serves < found.is_watched < found.is_whole
        assert found.spans["pardon-production-monitoring"].begin > found.spans["pardon-production-service"].end


def test_all_at_once_would_be_too_late(
    whole: Deployment, standbys: dict[str, Deployment], models: dict[str, Model]
) -> None:
    """What the order of the deployments is worth: the same model, of one deployment of everything."""
    all_of = dict.fromkeys((SITE, REST, WHOLE), read_assembly(whole.folder))
    at_once = recover(read_assembly(standbys["production"].folder), all_of, creation_times.read(), MIDDLE)
    assert at_once.serves > BACKUPS.max_minutes > models["backups"].recoveries[MIDDLE].serves
