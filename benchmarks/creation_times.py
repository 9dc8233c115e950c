"""How long AWS takes to create a resource, as ranges with their sources: the table creation_times.csv.

Nothing in it was measured in an AWS account. Its column `basis` says what a range rests on: "measured" by us, of our
own code; "documented" by AWS; "reported" by somebody who ran it; "computed" from our own settings; "assumed".
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("creation_times.csv")
COLUMNS = ("step", "low", "high", "basis", "source", "note")
BASES = ("measured", "documented", "reported", "computed", "assumed")
LOW, MIDDLE, HIGH = 0.0, 0.5, 1.0
Template = Mapping[str, Any]


class UnknownTimeError(LookupError):
    """The table has no row for something that is created; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that takes time.

    Attributes:
        low, high: in minutes.
        basis: one of BASES.
        source: a URL, or the file that it comes from.
    """

    name: str
    low: float
    high: float
    basis: str
    source: str

    def minutes(self, point: float) -> float:
        """At a point of the range: LOW, MIDDLE or HIGH."""
        return self.low + (self.high - self.low) * point

    @property
    def is_of_database(self) -> bool:
        """It is of the database's instance, the one long part of a recovery that is not ours to shorten."""
        return self.name.startswith("AWS::RDS::DBInstance")


class CreationTimes:
    """The table.

    Args:
        is_promoted: the database is a replica that is promoted, instead of one that is restored.
    """

    def __init__(self, rows: Mapping[str, Step], *, is_promoted: bool = False) -> None:
        self._rows = rows
        self._is_promoted = is_promoted

    def step(self, name: str) -> Step:
        """A row.

        Raises:
            UnknownTimeError: there is none.
        """
        try:
            return self._rows[name]
        except KeyError:
            raise UnknownTimeError(f"benchmarks/{TABLE.name} has no row {name!r}") from None

    def creation(self, template: Template, logical_id: str) -> tuple[Step, ...]:
        """What the creation of a resource takes, one after the other.

        Raises:
            UnknownTimeError: a row is missing.
        """
        resource = template["Resources"][logical_id]
        type_, properties = resource["Type"], resource.get("Properties", {})
        if type_ == "AWS::ECS::Service":
            started, steady = (self.step(f"{type_} {name}") for name in ("task started", "steady"))
            return (started, *healthy(template, properties), steady)
        return tuple(self.step(name) for name in self._names(type_, properties))

    def change(self, type_: str, before: Template, after: Template) -> tuple[Step, ...]:
        """What the change of a resource takes.

        Args:
            before, after: its properties.

        Raises:
            UnknownTimeError: a row is missing.
        """
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        is_converted = type_ == "AWS::RDS::DBInstance" and changed == {"MultiAZ"} and after["MultiAZ"]
        return (self.step(f"{type_} {'converted to Multi-AZ' if is_converted else 'changed'}"),)

    def _names(self, type_: str, properties: Mapping[str, Any]) -> tuple[str, ...]:
        if type_ == "AWS::RDS::DBInstance":
            return tuple(f"{type_} {name}" for name in self._instance(properties))
        if type_ == "AWS::Lambda::Function" and "VpcConfig" in properties:
            return (f"{type_} in a VPC",)
        if type_ == "Custom::Migration":
            return (f"{type_} called", "AWS::ECS::Service task started", f"{type_} status")
        return (type_,)

    def _instance(self, properties: Mapping[str, Any]) -> tuple[str, ...]:
        if "SourceDBInstanceIdentifier" in properties:
            return ("read replica", "settings and reboot")
        if self._is_promoted:
            return ("promoted",)  # with its second zone, which a replica may have before
        converted = ("converted to Multi-AZ",) if properties.get("MultiAZ") else ()
        return ("restored", "transaction logs", *converted, "settings and reboot")


def healthy(template: Template, service: Mapping[str, Any]) -> tuple[Step, ...]:
    """How long a started task takes to be healthy behind its load balancer, by our own health checks.

    A container is healthy at the first check after it has come up: its start period at most, one interval at least. The
    load balancer's checks of a new target begin within one interval, and go on until its threshold.
    """
    resources = template["Resources"]
    definition = resources[service["TaskDefinition"]["Ref"]]["Properties"]
    containers = {one["Name"]: one for one in definition["ContainerDefinitions"]}
    (balanced,) = service["LoadBalancers"]
    group = resources[balanced["TargetGroupArn"]["Ref"]]["Properties"]
    steps = []
    for dependency in containers[balanced["ContainerName"]].get("DependsOn", ()):
        if dependency["Condition"] == "HEALTHY":
            check = containers[dependency["ContainerName"]]["HealthCheck"]
            interval, start = check["Interval"], check.get("StartPeriod", 0)
            steps.append(_computed(f"{dependency['ContainerName']} healthy", interval, start + interval))
    interval, threshold = group["HealthCheckIntervalSeconds"], group["HealthyThresholdCount"]
    steps.append(_computed("targets healthy", interval * (threshold - 1), interval * (threshold + 1)))
    return tuple(steps)


def _computed(name: str, low_seconds: float, high_seconds: float) -> Step:
    return Step(
        name=f"AWS::ECS::Service {name}",
        low=low_seconds / 60,
        high=high_seconds / 60,
        basis="computed",
        source="constructs/service",
    )


def read(*, is_promoted: bool = False, path: Path = TABLE) -> CreationTimes:
    """The table in a file.

    Raises:
        ValueError: a row with a range upside down, an unknown basis, no source, or a step that was there before.
    """
    rows: dict[str, Step] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            step = Step(
                name=row["step"],
                low=float(row["low"]),
                high=float(row["high"]),
                basis=row["basis"],
                source=row["source"],
            )
            if not 0 <= step.low <= step.high or step.basis not in BASES or not step.source or step.name in rows:
                raise ValueError(
                    f"{path.name}: a row must be of a new step, with low <= high, one of {', '.join(BASES)} and a "
                    f"source, got {dict(row)}"
                )
            rows[step.name] = step
    return CreationTimes(rows, is_promoted=is_promoted)
