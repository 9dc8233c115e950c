"""The critical path of deployments: through the resources of a stack, and from stack to stack as the CDK deploys them.

CloudFormation starts a resource when those that it refers to are complete; it may start some earlier, which is not
counted on. The CDK starts a stack when those that it depends on are deployed.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from benchmarks.creation_times import CreationTimes, Step, Template

CONCURRENCY = 8  # of `cdk deploy` in a recovery
_EMPTY: Template = {"Resources": {}}


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """What `cdk deploy` deploys.

    Attributes:
        templates: by stack.
        depends_on: by stack, the stacks that it is deployed after.
    """

    templates: Mapping[str, Template]
    depends_on: Mapping[str, Collection[str]]

    def with_dependencies(self, stack: str) -> set[str]:
        """The stacks that `cdk deploy STACK` deploys: it, and those that it comes after."""
        return {stack}.union(*(self.with_dependencies(one) for one in self.depends_on[stack]))


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stack in time.

    Attributes:
        begin, end: in minutes.
        steps: of its own longest path.
        after: the stack that it waited for; None: it began at once.
    """

    stack: str
    begin: float
    end: float
    steps: tuple[Step, ...]
    after: str | None


def read_assembly(folder: Path) -> Assembly:
    """The cloud assembly in a folder."""
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    stacks = {name: one for name, one in artifacts.items() if one["type"] == "aws:cloudformation:stack"}
    return Assembly(
        templates={
            name: json.loads((folder / one["properties"]["templateFile"]).read_text()) for name, one in stacks.items()
        },
        depends_on={name: [of for of in one.get("dependencies", ()) if of in stacks] for name, one in stacks.items()},
    )


def schedule(
    deployed: Assembly,
    before: Assembly,
    times: CreationTimes,
    point: float,
    *,
    stacks: Collection[str],
    begin: float = 0,
    concurrency: int = CONCURRENCY,
) -> dict[str, Span]:
    """When each of `stacks` is deployed, in a region that has what `before` has.

    Args:
        point: of every range.
        concurrency: so many stacks are deployed at once, at most.

    Raises:
        UnknownTimeError: the table does not have what is created or changed.
    """
    order = TopologicalSorter({one: [of for of in deployed.depends_on[one] if of in stacks] for one in stacks})
    order.prepare()
    spans: dict[str, Span] = {}
    ready: list[str] = []
    running: list[Span] = []
    now, last = begin, None
    while order.is_active():
        ready += sorted(order.get_ready())
        while ready and len(running) < concurrency:
            stack = ready.pop(0)
            steps = stack_path(deployed.templates[stack], before.templates.get(stack, _EMPTY), times, point)
            end = now + _total(steps, point)
            running.append(Span(stack=stack, begin=now, end=end, steps=steps, after=last))
        running.sort(key=lambda span: span.end)
        done = running.pop(0)
        spans[done.stack] = done
        order.done(done.stack)
        now, last = done.end, done.stack
    return spans


def path(spans: Mapping[str, Span], stack: str) -> list[Span]:
    """The stacks that decide when `stack` is deployed, in order."""
    span: Span | None = spans[stack]
    found: list[Span] = []
    while span is not None:
        found.append(span)
        span = spans[span.after] if span.after is not None else None
    return found[::-1]


def stack_path(template: Template, before: Template, times: CreationTimes, point: float) -> tuple[Step, ...]:
    """The longest path through the deployment of a stack.

    Raises:
        UnknownTimeError: the table does not have what is created or changed.
    """
    if template == before:
        return (times.step("cdk deploy: nothing to change"),)
    resources = template["Resources"]
    graph = {name: set(references(resource)) & resources.keys() for name, resource in resources.items()}
    longest: dict[str, tuple[Step, ...]] = {}
    for name in TopologicalSorter(graph).static_order():
        earlier = _longest((longest[one] for one in graph[name]), point)
        longest[name] = (*earlier, *_own(template, before, name, times))
    path = _longest(longest.values(), point)
    return (times.step("cdk deploy: begin of a stack"), *path, times.step("cdk deploy: end of a stack"))


def _own(template: Template, before: Template, name: str, times: CreationTimes) -> tuple[Step, ...]:
    there, resource = before["Resources"].get(name), template["Resources"][name]
    if there is None:
        return times.creation(template, name)
    old, new = (one.get("Properties", {}) for one in (there, resource))
    return () if old == new else times.change(resource["Type"], old, new)


def _longest(paths: Any, point: float) -> tuple[Step, ...]:
    longest: tuple[Step, ...] = max(paths, key=lambda steps: _total(steps, point), default=())
    return longest


def _total(steps: Sequence[Step], point: float) -> float:
    return sum(step.minutes(point) for step in steps)


def references(value: Any) -> Iterator[str]:
    """Names that a part of a template refers to: of resources, and of parameters and conditions."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if key == "Ref":
                yield one
            elif key == "Fn::GetAtt":
                yield one[0] if isinstance(one, list) else one.partition(".")[0]
            elif key == "DependsOn":  # of a resource; ECS has one of containers, too
                yield from (name for name in ([one] if isinstance(one, str) else one) if isinstance(name, str))
            elif key == "Fn::Sub":
                text, values = one if isinstance(one, list) else (one, {})
                yield from re.findall(r"\$\{(\w+)", text)
                yield from references(values)
            else:
                yield from references(one)
