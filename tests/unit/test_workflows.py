"""GitHub's workflows: valid, pinned, and with no more permissions than they need."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import ENVIRONMENTS

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
REHEARSED_ACCOUNT = "000000000000"
DEPLOYED = [name for name, environment in ENVIRONMENTS.items() if environment.account != REHEARSED_ACCOUNT]


def jobs(name: str = "review.yml") -> dict[str, Any]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    return dict(workflow["jobs"])


def lint(*files: Path) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("actionlint"))
    # Without the linters that it would use if a machine has them, so that all machines have the same result.
    command = [program, "-no-color", "-shellcheck=", "-pyflakes=", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_finds_no_fault(workflow: Path) -> None:
    result = lint(workflow)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("timeout-minutes: 20", "timeout-minuts: 20", "unexpected key"),
        ("ubuntu-24.04", "ubuntu-4.04", "label"),
        ("matrix.environment", "matrix.stage", 'property "stage" is not defined'),
        ("needs: diff", "needs: dif", 'needs job "dif" which does not exist'),
        ('echo "::notice title=No cdk diff::$REASON"', 'echo "${{ github.head_ref }}"', "potentially untrusted"),
    ],
)
def test_actionlint_sees_a_fault(right: str, wrong: str, fault: str, tmp_path: Path) -> None:
    text = (ROOT / ".github/workflows/review.yml").read_text()
    assert right in text
    broken = tmp_path / "review.yml"
    broken.write_text(text.replace(right, wrong, 1))
    result = lint(broken)
    assert result.returncode == 1
    assert fault in result.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_and_every_job_ends(workflow: Path) -> None:
    lines = [line for line in workflow.read_text().splitlines() if "uses:" in line]
    loose = [line for line in lines if not re.search(r"uses: [\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)]
    assert loose == []
    assert [name for name, job in jobs(workflow.name).items() if "timeout-minutes" not in job] == []


def test_no_job_has_more_permissions_than_it_needs() -> None:
    text = (ROOT / ".github/workflows/review.yml").read_text()
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    assert {name: job["permissions"] for name, job in jobs().items() if "permissions" in job} == {
        "diff": {"contents": "read", "id-token": "write"},
        "comment": {"contents": "read", "pull-requests": "write"},
        "undiffed": {},
    }
    assert "secrets." not in text
    assert "access-key" not in text
    assert "pull_request_target" not in text


def test_each_environment_of_an_account_is_diffed_and_commented() -> None:
    needed = f"review.yml must name {', '.join(DEPLOYED)} in the matrix of diff, and at the end of comment"
    assert jobs()["diff"]["strategy"]["matrix"]["environment"] == DEPLOYED, needed
    command = jobs()["comment"]["steps"][-1]["run"]
    assert command == f"python3 .github/diff_comment.py build/diff {' '.join(DEPLOYED)}", needed


def test_a_fork_is_shown_why_there_is_no_diff() -> None:
    fork = "github.event.pull_request.head.repo.full_name {} github.repository"
    assert fork.format("==") in jobs()["diff"]["if"]
    assert fork.format("!=") in jobs()["undiffed"]["if"]


@pytest.mark.parametrize("status", [0, 2])
def test_the_diff_step_keeps_what_was_printed_and_the_status(status: int, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    make = programs / "make"
    make.write_text(f'#!/bin/sh\necho "$@ in ${{AWS_REGION:-no region}}"\necho trouble >&2\nexit {status}\n')
    make.chmod(0o755)
    step = next(step for step in jobs()["diff"]["steps"] if step.get("id") == "diff")
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "ENVIRONMENT": "staging", "AWS_REGION": "us-east-1"}
    result = subprocess.run(
        ["bash", "-c", step["run"]], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == status
    assert result.stdout == "--silent diff ENV=staging METHOD=template in no region\ntrouble\n"
    folder = tmp_path / "build" / "diff"
    assert (folder / "staging.txt").read_text() == result.stdout
    assert (folder / "staging.status").read_text() == f"{status}\n"
