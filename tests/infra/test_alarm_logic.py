"""When alarms fire and when not: their expressions and rules, evaluated over series and states."""

import re
from typing import Any

import pytest
from ministack.services import cloudwatch as emulated

from config import ENVIRONMENTS
from names import CHECKS
from tests.infra.alarms import alarms, arn_name, composites
from tests.infra.conftest import Deployment
from tests.infra.metric_math import Series, evaluate, fires

GIB = 1024**3
NONE: Series = [None] * 5
FALLING = [(12 - hour * 0.25) * GIB for hour in range(13)]


def _five(value: float | None) -> Series:
    return [value] * 5


def _hours(*gib: float) -> Series:
    return [value * GIB for value in gib]


CASES: dict[str, dict[str, tuple[dict[str, Series], bool]]] = {
    # alarm: what happens → (series by id, whether it fires)
    "p2-error-rate": {
        "all is well": ({"requests": _five(300), "targets": _five(0), "balancer": _five(0)}, False),
        "no error, so no datum of errors": ({"requests": _five(300), "targets": NONE, "balancer": NONE}, False),
        "nobody is there": ({"requests": NONE, "targets": NONE, "balancer": NONE}, False),
        "exactly 5 %": ({"requests": _five(100), "targets": _five(5), "balancer": NONE}, False),
        "6 %": ({"requests": _five(100), "targets": _five(6), "balancer": NONE}, True),
        "6 % in tasks and load balancer": ({"requests": _five(100), "targets": _five(3), "balancer": _five(4)}, True),
        "every request of too few": ({"requests": _five(19), "targets": _five(19), "balancer": NONE}, False),
        "every request of just enough": ({"requests": _five(20), "targets": _five(20), "balancer": NONE}, True),
        "no task to choose, only the balancer's": ({"requests": NONE, "targets": NONE, "balancer": _five(50)}, True),
        "two bad minutes": (
            {"requests": _five(100), "targets": [0, 90, 0, 90, 0], "balancer": NONE},
            False,
        ),
        "three bad minutes of five": (
            {"requests": _five(100), "targets": [90, None, 90, 0, 90], "balancer": NONE},
            True,
        ),
    },
    "p3-errors-slow-burn": {
        "1 % of an hour": ({"requests": [1000], "targets": [10], "balancer": [None]}, False),
        "2 % of an hour": ({"requests": [1000], "targets": [20], "balancer": [None]}, True),
        "few requests": ({"requests": [150], "targets": [30], "balancer": [None]}, False),
    },
    "p4-errors-logged": {
        "nothing is logged": ({"lines": [None] * 3, "deployments": [1] * 3}, False),
        "as many as usual": ({"lines": [20] * 3, "deployments": [1] * 3}, False),
        "more in two of three periods": ({"lines": [21, None, 21], "deployments": [1] * 3}, True),
        "more once": ({"lines": [None, 500, None], "deployments": [1] * 3}, False),
        "more during a deployment": ({"lines": [500] * 3, "deployments": [1, 2, 2]}, False),
        "more, and nobody knows of a deployment": ({"lines": [21] * 3, "deployments": [None] * 3}, True),
    },
    "p3-cpu-high": {
        # Five samples of each task in five minutes.
        "busy, and room to scale": ({"samples": [45] * 3, "used": [95] * 3}, False),
        "busy at the maximum": ({"samples": [50] * 3, "used": [71] * 3}, True),
        "busy at the maximum, two samples late": ({"samples": [48] * 3, "used": [71] * 3}, True),
        "at the target at the maximum": ({"samples": [50] * 3, "used": [70] * 3}, False),
        "at the maximum just now": ({"samples": [45, 45, 50], "used": [95] * 3}, False),
        "no data of ECS": ({"samples": [None] * 3, "used": [None] * 3}, False),
    },
    "p3-memory-high": {
        "full at the maximum": ({"samples": [50] * 3, "used": [81] * 3}, True),
        "full, and room to scale": ({"samples": [15] * 3, "used": [99] * 3}, False),
    },
    "p3-latency-high": {
        "slow": ({"requests": [20] * 2, "p95": [5.1] * 2}, True),
        "at the limit": ({"requests": [20] * 2, "p95": [5] * 2}, False),
        "slow, and then hardly anybody is there": ({"requests": [500, 19], "p95": [9, 9]}, False),
        "slow, and then nobody is there": ({"requests": [500, None], "p95": [9, None]}, False),
    },
    "p3-latency-slow-burn": {
        "slow for an hour": ({"requests": [20], "p95": [3.1]}, True),
        "few requests": ({"requests": [19], "p95": [60]}, False),
        "no request": ({"requests": [None], "p95": [None]}, False),
    },
    "p3-database-cpu-credits-low": {
        "full": ({"credits": [576] * 7}, False),
        "new, earning its first ones": ({"credits": [0, 2, 4, 6, 8, 10, 12]}, False),
        "an hour of full load is left": ({"credits": [132, 130, 128, 126, 124, 122, 120]}, False),
        "less is left, and it falls": ({"credits": [119, 117, 115, 113, 111, 109, 107]}, True),
        "used up": ({"credits": [0] * 7}, True),
        "recovering": ({"credits": [90, 80, 70, 60, 62, 64, 66]}, False),
        "no data of RDS": ({"credits": [None] * 7}, False),
    },
    "p2-database-storage-running-out": {
        "nothing grows": ({"free": [12 * GIB] * 13}, False),
        "6 GiB a day with 9 left": ({"free": FALLING}, True),
        "6 GiB a day with 30 left": ({"free": [value + 21 * GIB for value in FALLING]}, False),
        "one steep hour": ({"free": _hours(*[12] * 6, *[10] * 7)}, False),
        "RDS grew the storage, and it fills on": ({"free": [*FALLING[:12], FALLING[11] + 2 * GIB]}, True),
        "no data of RDS": ({"free": [None] * 13}, False),
    },
    "p2-database-replica-lag": {
        "in step": ({"lag": _five(0)}, False),
        "idle, five minutes": ({"lag": _five(300)}, False),
        "behind": ({"lag": _five(601)}, True),
        "stopped replicating": ({"lag": _five(-1)}, True),
        "missing data": ({"lag": NONE}, True),
    },
}

# Alarms that every deployment sets off, so that one suppresses them.
SET_OFF_BY_DEPLOYMENTS = {"p2-unhealthy-targets", "p3-latency-high", "p3-container-missing"}
SET_OFF_BY_OUTAGES = {"p2-error-rate"}
SET_OFF_BY_THE_DATABASE = {
    *("p2-database-unreadable", "p2-database-replica-lag", "p4-site-not-ok", "p4-check-not-running"),
}


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, cases in CASES.items() for case in cases])
def test_expression_fires_when_it_should(production: Deployment, name: str, case: str) -> None:
    series, is_fired = CASES[name][case]
    alarm = alarms(production)[f"pardon-production-{name}"]
    assert {query["Id"] for query in alarm["Metrics"] if "MetricStat" in query} == set(series)
    assert fires(alarm, series) is is_fired


def test_every_expression_is_evaluated_here(production: Deployment) -> None:
    by_expression = {
        name.removeprefix("pardon-production-") for name, alarm in alarms(production).items() if "Metrics" in alarm
    }
    differing = ", ".join(sorted(by_expression ^ CASES.keys()))
    assert by_expression == CASES.keys(), f"CASES must have each alarm with an expression, see {differing}"


@pytest.mark.parametrize(
    ("name", "values", "is_fired"),
    [
        ("p1-no-healthy-target", [1, 0, 0], True),
        ("p1-no-healthy-target", [0, 0, 1], False),
        ("p1-no-healthy-target", [None, None], True),
        ("p1-no-running-task", [0, 0, None], True),
        ("p1-load-balancer-errors", [11, 11, 10], False),
        ("p1-load-balancer-errors", [11, 11, 11], True),
        ("p1-load-balancer-errors", [None, None, None], False),
        ("p1-site-unreachable", [0, 0, 0], True),
        ("p1-site-unreachable", [None, None, None], False),
        ("p1-site-unreachable", [0, 0, 1], False),
        ("p1-all-pools-unhealthy", [1, 1], True),
        ("p1-all-pools-unhealthy", [0, 1], False),
        ("p2-database-missing-data", [5, None, None, None, None, None], True),
        ("p2-database-missing-data", [5, None, None, None, 1], False),
        ("p2-database-connections-high", [360] * 5, False),
        ("p2-database-connections-high", [361] * 5, True),
        ("p4-pool-health-not-running", [1, None], False),
        ("p4-pool-health-not-running", [None, None], True),
        ("p4-pool-health-failed", [0], False),
        ("p4-pool-health-failed", [None], False),
        ("p4-pool-health-failed", [1], True),
        ("p3-container-missing", [0], False),
        ("p3-container-missing", [1], True),
        ("p3-weekly-reset-overdue", [1], True),
        ("p4-threads-api-missing", [3], True),  # in two hours: four runs, or a little less
        ("p4-threads-api-missing", [2], False),
        ("p4-threads-api-missing", [None], False),
        ("p2-database-transaction-ids", [1_000_000_001], True),
        ("p3-database-memory-low", [0.04 * 4 * GIB] * 3, True),
        ("p3-database-memory-low", [0.06 * 4 * GIB] * 3, False),
        ("p4-cost-forecast", [730], False),
        ("p4-cost-forecast", [730.01], True),
        ("p4-cost-above-list-price", [0], False),
        ("p4-cost-above-list-price", [1], True),
    ],
)
def test_metric_fires_when_it_should(production: Deployment, name: str, values: Series, is_fired: bool) -> None:
    assert fires(alarms(production)[f"pardon-production-{name}"], {"metric": values}) is is_fired


@pytest.mark.parametrize("expression", ["SUM(m)", "ANOMALY_DETECTION_BAND(m)", "m and m", "m ** 2"])
def test_evaluator_refuses_what_it_does_not_know(expression: str) -> None:
    with pytest.raises(NotImplementedError):
        evaluate(expression, {"m": [1.0]}, 60)


def _state(monkeypatch: pytest.MonkeyPatch, rule: str, in_alarm: set[str]) -> bool:
    """Evaluate an AlarmRule with the emulator's parser."""
    states = {name: "ALARM" if name in in_alarm else "OK" for name in re.findall(r'"([^"]+)"', rule)}
    assert in_alarm <= set(states), "these are in the rule"
    monkeypatch.setattr(emulated, "_rule_alarm_state", states.__getitem__)
    return bool(emulated._rule_true(emulated._parse_alarm_rule(rule)))


def test_outage_is_any_alarm_of_p1(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = deployment.environment.prefix
    rule = composites(deployment)[f"{prefix}-p1-outage"]["AlarmRule"]
    children = {name for name in alarms(deployment) if name.startswith(f"{prefix}-p1-")}
    assert children
    assert not _state(monkeypatch, rule, set())
    assert all(_state(monkeypatch, rule, {child}) for child in children)
    assert _state(monkeypatch, rule, children)


@pytest.mark.parametrize(
    ("in_alarm", "is_suppressed"),
    [
        (set(), False),
        ({"p1-outage"}, True),
        ({"state-deployment"}, True),
        ({"state-deployment", "p4-deployment-overdue"}, False),
        ({"p4-deployment-overdue"}, False),
        ({"p1-outage", "state-deployment", "p4-deployment-overdue"}, True),
    ],
)
def test_deployment_suppresses_until_it_is_overdue(
    production: Deployment, monkeypatch: pytest.MonkeyPatch, in_alarm: set[str], is_suppressed: bool
) -> None:
    rule = composites(production)["pardon-production-state-outage-or-deployment"]["AlarmRule"]
    assert _state(monkeypatch, rule, {f"pardon-production-{name}" for name in in_alarm}) is is_suppressed


@pytest.mark.parametrize("in_alarm", ["p1-outage", "p2-database-missing-data"])
def test_a_database_without_data_suppresses_what_it_sets_off(
    production: Deployment, monkeypatch: pytest.MonkeyPatch, in_alarm: str
) -> None:
    rule = composites(production)["pardon-production-state-outage-or-database"]["AlarmRule"]
    assert not _state(monkeypatch, rule, set())
    assert _state(monkeypatch, rule, {f"pardon-production-{in_alarm}"})


def test_composite_alarm_has_the_state_of_its_alarms(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    single = alarms(deployment)
    for name, composite in composites(deployment).items():
        if name.endswith("-notification"):
            alarm = name.removesuffix("-notification")
            prefix = deployment.environment.prefix
            not_running = [f"{prefix}-p4-{check.replace('_', '-')}-not-running" for check in CHECKS]
            assert not _state(monkeypatch, composite["AlarmRule"], set())
            for one in [alarm] if alarm in single else not_running:
                assert _state(monkeypatch, composite["AlarmRule"], {one})
            if alarm in single:
                assert composite["AlarmDescription"] == single[alarm]["AlarmDescription"]


def test_a_composite_alarm_exists_where_something_else_sets_an_alarm_off(
    deployments: dict[tuple[str, str], Deployment],
) -> None:
    for deployment in deployments.values():
        prefix = deployment.environment.prefix
        suppressed: dict[str, set[str]] = {}
        for name, composite in composites(deployment).items():
            if name.endswith("-notification"):
                suppressor = arn_name(deployment, composite["ActionsSuppressor"]).removeprefix(f"{prefix}-")
                alarm = name.removeprefix(f"{prefix}-").removesuffix("-notification")
                suppressed.setdefault(suppressor, set()).add(alarm)
                # That of the checks waits for the first run after a deployment.
                longest = 900 if alarm == "p4-check-not-running" else 300
                assert 0 < composite["ActionsSuppressorWaitPeriod"] <= longest
                assert 0 < composite["ActionsSuppressorExtensionPeriod"] <= 300
        expected = SET_OFF_BY_THE_DATABASE - (
            set() if deployment.environment.has_replica else {"p2-database-replica-lag"}
        )
        assert suppressed == {
            "p1-outage": SET_OFF_BY_OUTAGES,
            "state-outage-or-deployment": SET_OFF_BY_DEPLOYMENTS,
            "state-outage-or-database": expected,
        }


def test_off_hours_are_not_an_outage(deployments: dict[tuple[str, str], Deployment]) -> None:
    for deployment in deployments.values():
        prefix = deployment.environment.prefix
        outage: dict[str, Any] = composites(deployment)[f"{prefix}-p1-outage"]
        if deployment.environment.off_hours is None:
            assert "ActionsSuppressor" not in outage
            continue
        off_hours = alarms(deployment)[arn_name(deployment, outage["ActionsSuppressor"])]
        assert off_hours["MetricName"] == "DesiredTasks"
        assert fires(off_hours, {"desired": [0]})
        assert not fires(off_hours, {"desired": [1]})
        assert not fires(off_hours, {"desired": [None]})


def test_deployment_is_rolled_back_by_two_alarms(deployments: dict[tuple[str, str], Deployment]) -> None:
    for (name, _), deployment in deployments.items():
        prefix = ENVIRONMENTS[name].prefix
        (service,) = deployment.properties("AWS::ECS::Service")
        configured = service["DeploymentConfiguration"].get("Alarms")
        if deployment.environment.off_hours:
            assert configured is None
            continue
        names = [f"{prefix}-p1-no-healthy-target", f"{prefix}-p2-error-rate"]
        assert configured == {"AlarmNames": names, "Enable": True, "Rollback": True}
        # Created after the service, so that they cannot fail its first deployment.
        assert set(names) <= {a["AlarmName"] for a in _of_layer(deployment, "monitoring")}
        assert {a["AlarmName"] for a in _of_layer(deployment, "service")} <= {ENVIRONMENTS[name].names.serving_alarm}


def _of_layer(deployment: Deployment, layer: str) -> list[dict[str, Any]]:
    resources = deployment.templates[layer]["Resources"].values()
    return [r["Properties"] for r in resources if r["Type"] == "AWS::CloudWatch::Alarm"]
