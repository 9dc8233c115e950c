"""The model of a recovery: small graphs with known paths, and what the table refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import creation_times
from benchmarks.creation_times import BASES, COLUMNS, HIGH, LOW, MIDDLE, CreationTimes, Step, UnknownTimeError
from benchmarks.recovery_path import Assembly, path, read_assembly, references, schedule, stack_path

NOTHING: dict[str, Any] = {"Resources": {}}


def step(name: str, low: float, high: float | None = None) -> Step:
    return Step(name=name, low=low, high=low if high is None else high, basis="assumed", source="here")


def table(*steps: Step) -> CreationTimes:
    own = (
        step("cdk deploy: begin of a stack", 1),
        step("cdk deploy: end of a stack", 0),
        step("cdk deploy: nothing to change", 0.5),
    )
    return CreationTimes({one.name: one for one in (*own, *steps)})


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": resources}


def resource(type_: str, *after: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties, "DependsOn": list(after)}


TIMES = table(step("Short", 1), step("Long", 5), step("Wide", 0, 10), step("Short changed", 2))


def names(steps: tuple[Step, ...]) -> list[str]:
    return [one.name for one in steps if not one.name.startswith("cdk")]


def test_path_of_a_stack_is_the_longest_way_through_what_refers_to_each_other() -> None:
    made = template(
        a=resource("Short"),
        b=resource("Long", "a"),
        c=resource("Short", Arn={"Fn::GetAtt": ["b", "Arn"]}),
        d=resource("Short", Name={"Fn::Join": ["", ["x", {"Ref": "a"}]]}),
    )
    assert names(stack_path(made, NOTHING, TIMES, MIDDLE)) == ["Short", "Long", "Short"]


@pytest.mark.parametrize(
    ("point", "expected"), [(LOW, ["Short", "Long"]), (MIDDLE, ["Short", "Long"]), (HIGH, ["Wide"])]
)
def test_path_depends_on_the_point_of_the_ranges(point: float, expected: list[str]) -> None:
    made = template(a=resource("Short"), b=resource("Long", "a"), w=resource("Wide"))
    assert names(stack_path(made, NOTHING, TIMES, point)) == expected


def test_what_is_there_takes_no_time_but_is_waited_behind() -> None:
    made = template(new=resource("Long"), there=resource("Unknown", "new"), last=resource("Short", "there"))
    assert names(stack_path(made, template(there=resource("Unknown")), TIMES, MIDDLE)) == ["Long", "Short"]


def test_stack_as_it_was_is_only_compared() -> None:
    made = template(a=resource("Unknown"))
    (only,) = stack_path(made, made, TIMES, MIDDLE)
    assert only.name == "cdk deploy: nothing to change"


def test_change_takes_what_the_table_says_of_a_change() -> None:
    before, after = template(a=resource("Short", Size=1)), template(a=resource("Short", Size=2))
    assert names(stack_path(after, before, TIMES, MIDDLE)) == ["Short changed"]


@pytest.mark.parametrize(
    ("before", "missing"),
    [(NOTHING, "AWS::New::Type"), (template(a=resource("AWS::New::Type", Size=1)), "AWS::New::Type changed")],
)
def test_type_without_a_row_is_refused_by_its_name(before: dict[str, Any], missing: str) -> None:
    with pytest.raises(UnknownTimeError, match=rf"creation_times.csv has no row '{missing}'$"):
        stack_path(template(a=resource("AWS::New::Type", Size=2)), before, TIMES, MIDDLE)


def assembly(**depends_on: tuple[str, ...]) -> Assembly:
    """Stacks of one resource: "long" and others that begin with it take 5 minutes, the others 1; each 1 before."""
    made = {name: template(a=resource("Long" if name.startswith("long") else "Short")) for name in depends_on}
    return Assembly(templates=made, depends_on=depends_on)


EMPTY = Assembly(templates={}, depends_on={})


def test_stacks_are_deployed_at_once_unless_one_depends_on_the_other() -> None:
    all_of = assembly(long=(), short=(), last=("long", "short"), aside=("short",))
    spans = schedule(all_of, EMPTY, TIMES, MIDDLE, stacks=all_of.templates.keys(), begin=10)
    times = {name: (span.begin, span.end) for name, span in spans.items()}
    assert times == {"long": (10, 16), "short": (10, 12), "aside": (12, 14), "last": (16, 18)}
    assert [span.stack for span in path(spans, "last")] == ["long", "last"]


def test_no_more_stacks_are_deployed_at_once_than_the_cdk_deploys() -> None:
    all_of = assembly(long=(), long_too=(), short=())
    spans = schedule(all_of, EMPTY, TIMES, MIDDLE, stacks=all_of.templates.keys(), concurrency=2)
    assert (spans["short"].begin, spans["short"].after) == (6, "long")


def test_stack_is_deployed_with_those_that_it_depends_on() -> None:
    all_of = assembly(a=(), b=("a",), c=("b",), d=("c",))
    assert all_of.with_dependencies("c") == {"a", "b", "c"}


def test_assembly_is_read_from_its_manifest(tmp_path: Path) -> None:
    stack = {
        "type": "aws:cloudformation:stack",
        "properties": {"templateFile": "one.json"},
        "dependencies": ["assets", "two"],
    }
    artifacts = {
        "one": stack,
        "two": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "two.json"}},
        "assets": {"type": "cdk:asset-manifest"},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(json.dumps(template(of={"Type": name})))
    found = read_assembly(tmp_path)
    assert found.depends_on == {"one": ["two"], "two": []}
    assert found.templates["two"] == template(of={"Type": "two"})


def test_references_of_every_form_are_found() -> None:
    form = {
        "DependsOn": "a",
        "Properties": [
            {"Fn::GetAtt": "b.Arn"},
            {"Fn::Sub": "${c.Arn}-${d}"},
            {"Fn::Sub": ["${x}", {"x": {"Ref": "e"}}]},
        ],
        "Containers": [{"DependsOn": [{"ContainerName": "no resource"}]}],
    }
    assert set(references(form)) == {"a", "b", "c", "d", "e", "x"}


INSTANCE = "AWS::RDS::DBInstance"


@pytest.mark.parametrize(
    ("properties", "is_promoted", "expected"),
    [
        ({}, False, ["restored", "transaction logs", "settings and reboot"]),
        ({"MultiAZ": True}, False, ["restored", "transaction logs", "converted to Multi-AZ", "settings and reboot"]),
        ({"MultiAZ": True}, True, ["promoted"]),
        ({"SourceDBInstanceIdentifier": "its source"}, True, ["read replica", "settings and reboot"]),
    ],
)
def test_instance_is_restored_or_promoted_and_its_replica_made(
    properties: dict[str, Any], is_promoted: bool, expected: list[str]
) -> None:
    times = creation_times.read(is_promoted=is_promoted)
    found = times.creation(template(a=resource(INSTANCE, **properties)), "a")
    assert [one.name for one in found] == [f"{INSTANCE} {name}" for name in expected]
    assert all(one.is_of_database for one in found)


def test_task_is_healthy_as_soon_as_its_checks_say_so() -> None:
    containers = [
        {"Name": "server", "HealthCheck": {"Interval": 30, "StartPeriod": 60}},
        {"Name": "web", "DependsOn": [{"ContainerName": "server", "Condition": "HEALTHY"}]},
    ]
    balanced = {"ContainerName": "web", "TargetGroupArn": {"Ref": "targets"}}
    made = template(
        task=resource("AWS::ECS::TaskDefinition", ContainerDefinitions=containers),
        targets=resource("TargetGroup", HealthCheckIntervalSeconds=30, HealthyThresholdCount=2),
        service=resource("AWS::ECS::Service", TaskDefinition={"Ref": "task"}, LoadBalancers=[balanced]),
    )
    _, server, targets, _ = creation_times.read().creation(made, "service")
    assert (server.name, server.low, server.high, server.basis) == (
        "AWS::ECS::Service server healthy",
        0.5,
        1.5,
        "computed",
    )
    assert (targets.low, targets.high) == (0.5, 1.5)


def test_every_row_has_a_range_a_basis_and_a_source() -> None:
    creation_times.read()
    assert creation_times.TABLE.read_text().splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize(
    "row",
    ["x,2,1,assumed,here,", "x,-1,1,assumed,here,", "x,1,2,guessed,here,", "x,1,2,assumed,,", "y,1,2,assumed,here,"],
)
def test_row_that_is_wrong_is_refused(row: str, tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("\n".join((",".join(COLUMNS), "y,1,2,assumed,here,", row)))
    with pytest.raises(ValueError, match=f"times.csv: a row must be .*{', '.join(BASES)} and a source, got"):
        creation_times.read(path=tmp_path / "times.csv")
