"""Nothing of the user's shell reaches what a rehearsal runs; rehearsals do not disturb each other."""

import os
from pathlib import Path

import pytest

from rehearsal.machine import guards, loopback, workspace
from rehearsal.machine.ports import claim_addresses, free_port

FOREIGN = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
    "AWS_CONFIG_FILE": "/home/user/.aws/config",
    "CDK_DEFAULT_ACCOUNT": "640080112933",
    "HTTPS_PROXY": "http://proxy.example.com:3128",
    "NO_PROXY": "*",
    "PYTHONPATH": "/elsewhere",
    "NODE_OPTIONS": "--require /elsewhere.js",
}


def test_nothing_of_the_users_environment_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    environment = guards.environment(tmp_path, region="us-east-1", port=4566)
    assert not set(FOREIGN.values()) & set(environment.values())
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "CDK_DEFAULT_ACCOUNT", "PYTHONPATH"} & set(environment)
    assert environment["HOME"] == str(tmp_path)
    assert environment["HTTPS_PROXY"] == environment["HTTP_PROXY"] == "http://127.0.0.1:9"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["AWS_ENDPOINT_URL"] == "http://localhost:4566"


def test_the_rehearsals_own_process_is_guarded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = {**FOREIGN, "TERM": "xterm", "NO_COLOR": "1"}
    monkeypatch.setattr(os, "environ", shell)
    guarded = guards.environment(tmp_path, region="us-east-1", port=4566)
    guards.take_over(guarded)
    assert shell == {**guarded, "TERM": "xterm", "NO_COLOR": "1"}


def test_a_terminal_with_colours_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = {"TERM": "xterm-256color"}
    monkeypatch.setattr(os, "environ", shell)
    guards.take_over(guards.environment(tmp_path, region="us-east-1", port=4566))
    assert "NO_COLOR" not in shell
    assert shell["TERM"] == "xterm-256color"


def test_http_goes_to_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        loopback.get("http://pardonsimulator.com/api/cron/pool-health")


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(loopback.NoAnswerError, match="no answer from http"):
        loopback.get(f"http://127.0.0.1:{free_port()}/health", timeout_seconds=1)


def test_two_runs_have_different_addresses() -> None:
    blocks = [claim_addresses() for _ in range(2)]
    assert not set(blocks[0].hosts(10)) & set(blocks[1].hosts(10))
    assert not set(blocks[0].hosts(3)) & set(blocks[0].hosts(3, skip=3))
    for block in blocks:
        block.release()


def test_the_folder_of_a_killed_run_is_removed_by_the_next(tmp_path: Path) -> None:
    living, killed = workspace.make(tmp_path), workspace.make(tmp_path)
    os.close(killed.lock)  # as the kernel does with the files of a killed process
    following = workspace.make(tmp_path)
    assert living.folder.exists()
    assert not killed.folder.exists()
    for one in (living, following):
        one.remove()
    assert list(tmp_path.iterdir()) == []
