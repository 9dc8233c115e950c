"""What `make` hands on: each variable as one word, whatever is in it; and nothing is lost when a program fails."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOUCHED = ["--old-file", ".venv/.ready"]


def commands(*arguments: str) -> str:
    made = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *TOUCHED, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout


@pytest.mark.parametrize("value", ["production staging", "it's", 'a "b"', "$HOME", "; false", "*", "v 2"])
def test_a_variable_is_one_word(value: str) -> None:
    made = commands("diff", f"ENV={value.replace('$', '$$')}", f"IMAGE_TAG={value.replace('$', '$$')}")
    shown = subprocess.run(
        ["bash", "-c", f"cdk() {{ printf '%s\\n' \"$@\"; }}; {made}"], capture_output=True, text=True, check=True
    )
    words = shown.stdout.splitlines()
    assert [word for word in words if "=" in word] == [f"environment={value}", f"image_tag={value}"]


def test_without_a_variable_there_is_no_word() -> None:
    assert commands("synth", "ENV=production").count("-c ") == 1
    assert "--region" not in commands("verify", "ENV=production")


def test_why_setting_up_failed_is_shown(tmp_path: Path) -> None:
    for name in ("requirements.lock", "package.json", "package-lock.json", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, text in (
        ("python3", "exit 0"),
        ("pip", "exit 0"),
        ("npm", "echo npm error the reason; exit 1"),
    ):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    made = subprocess.run(["make", "setup"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert "npm error the reason" in made.stderr


@pytest.mark.parametrize("program", ["echo half; exit 1", "echo no certificate"])
def test_the_authorities_stay_when_the_program_that_makes_them_fails(tmp_path: Path, program: str) -> None:
    bundle = tmp_path / "ops_lambdas" / "shared" / "rds-ca-bundle.pem"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("kept")
    shutil.copy(ROOT / "Makefile", tmp_path)
    node = tmp_path / ".venv" / "bin" / "node"
    node.parent.mkdir(parents=True)
    node.write_text(f"#!/bin/sh\n{program}\n")
    node.chmod(0o755)
    command = ["make", *TOUCHED, "ca-bundle"]
    environment = {"PATH": os.environ["PATH"]}
    (tmp_path / ".venv" / ".ready").touch()
    for name in ("requirements.lock", "package.json", "package-lock.json"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    made = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert bundle.read_text() == "kept"
