"""Agents that started before their prompts were in the bucket: they come up without a deployment."""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from rehearsal import ROOT
from rehearsal.machine.processes import Process, start
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.stand_in.refusals import PROMPTS
from rehearsal.steps import document_commands, set_up_application
from start_command import UP_SINCE

_START_SCRIPT = "/app/fetch-and-start.sh"
_SECONDS = 60
_VALUE = """ a "quoted" 'value' with \\ and $HOME, %s and {braces}\tand blanks at both ends """


def prove(run: Run, region: Region, step: Step) -> None:
    """Run the agents' commands of the deployed task definition, upload prompts by README's command, see them up."""
    _fill_by_hand(run, region)
    set_up_application.fill_secrets(run, region)
    agents = {one["name"]: one for one in _containers(run, region) if one["name"].startswith("agent-")}
    processes = {name: _start(run, region, agent) for name, agent in agents.items()}
    try:
        _upload_late(run, region, processes)
    finally:
        for process in processes.values():
            process.stop()
    step.detail = f"{len(processes)} agents"


def _upload_late(run: Run, region: Region, processes: dict[str, Process]) -> None:
    run.poll(
        lambda: all("starts again" in _log(one) for one in processes.values()) or None,
        timeout_seconds=_SECONDS,
        what="every agent's first start",
    )
    up_early = [name for name, one in processes.items() if "is up" in _log(one)]
    running = all(one.popen.poll() is None for one in processes.values())
    seen = f"{len(processes)} agents retry, {len(up_early)} are up"
    name = "agents whose prompts are missing try again"
    run.report.expect(running and not up_early, region.name, name, seen)

    prompts = run.folder / "prompts" / "current" / "shared"
    prompts.mkdir(parents=True)
    for file in PROMPTS:
        (prompts / f"{file}.txt").write_text(f"The rehearsal's {file}.\n")
    (command,) = (one for one in document_commands.of_document(ROOT / "README.md", region) if "s3 sync" in one)
    document_commands.run_in_shell(run, region, f"cd {run.folder} && {command}")
    run.poll(
        lambda: all("is up" in _log(one) for one in processes.values()) or None,
        timeout_seconds=_SECONDS,
        what="every agent is up",
    )
    run.report.expect(True, region.name, "they come up when the prompts do", f"{len(processes)} agents")
    digest = sha256(_VALUE.encode()).hexdigest()
    read = sum(f"its key is {digest}" in _log(one) for one in processes.values())
    name = "a secret with quotes, backslashes and blanks is read as it was typed"
    run.report.expect(read == len(processes), region.name, name, f"by {read} agents")


def _fill_by_hand(run: Run, region: Region) -> None:
    """`make secret` from a pipe, as a password manager would."""
    file = run.folder / "value"
    file.write_text(f"{_VALUE}\n")
    command = f"make secret ENV=rehearsal REGION={region.name} NAME=helius-api-key < {file}"
    document_commands.run_in_shell(run, region, command)


def _containers(run: Run, region: Region) -> list[dict[str, Any]]:
    answer = run.client("ecs", region).describe_task_definition(taskDefinition=NAMES.task_family)
    return list(answer["taskDefinition"]["containerDefinitions"])


def _start(run: Run, region: Region, agent: dict[str, Any]) -> Process:
    """The container's own command and environment, with a stand-in for the image's start script."""
    script = run.folder / "fetch-and-start.sh"
    if not script.exists():
        script.write_text(f"#!/bin/sh\nexec {sys.executable} -m rehearsal.stand_in.start_agent\n")
        script.chmod(0o755)
    own = {_START_SCRIPT: script, UP_SINCE: run.folder / f"{agent['name']}-up-since"}  # the containers share no files
    command: list[str | Path] = [own.get(part, part) for part in agent["command"]]
    variables = {one["name"]: one["value"] for one in agent["environment"]}
    manager = run.client("secretsmanager", region)
    for secret in agent["secrets"]:
        arn, key = secret["valueFrom"].removesuffix("::").rsplit(":", 1)
        variables[secret["name"]] = json.loads(manager.get_secret_value(SecretId=arn)["SecretString"])[key]
    return start(
        agent["name"],
        command,
        log=run.logs / f"{agent['name']}.log",
        environment={**run.environment(region.name), "AWS_ENDPOINT_URL": run.endpoint, **variables},
        folder=ROOT,
    )


def _log(process: Process) -> str:
    return process.log.read_text(errors="replace") if process.log.exists() else ""
