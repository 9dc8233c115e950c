"""Importing a check's handler in a fresh interpreter, as a cold start does, against importing boto3 alone."""

import os
import py_compile
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.comparison import Comparison, SideError, Size
from constructs.functions.lambda_package import LambdaPackage

MAX_RATIO = 1.4
MAX_MEGABYTES = 2.5
# boto3 and what it depends on, as in AWS's Python runtime.
_RUNTIME = ("boto3", "botocore", "s3transfer", "urllib3", "jmespath", "dateutil")


@contextmanager
def cold_import(check: str) -> Iterator[Comparison]:
    """The asset as Lambda unpacks it, read-only, before the runtime's own boto3 on the path.

    It has this Python's bytecode, as the deployed asset has the runtime's when the runtime's Python built it.
    Importing only uses the processor, so processor time is measured: wall-clock time includes other processes,
    which is too much noise at a fifth of a second.
    """
    with TemporaryDirectory() as name:
        task, runtime = Path(name) / "task", Path(name) / "runtime"
        _unpack(task)
        _install(runtime)
        yield Comparison(
            name=f"cold import of {check} / of boto3, processor time",
            ours=lambda: _import(f"ops_lambdas.{check}.handler", task, runtime),
            baseline=lambda: _import("boto3", runtime),
            bound=MAX_RATIO,
            rounds=15,
            clock=_processor_seconds,
        )


def asset_size() -> Size:
    """The checks' asset with bytecode, which is the larger one."""
    with TemporaryDirectory() as name:
        path, _ = LambdaPackage(output=Path(name), has_bytecode=True).build()
        return Size(name="asset of the checks, MB zipped", megabytes=path.stat().st_size / 1e6, bound=MAX_MEGABYTES)


def _unpack(task: Path) -> None:
    path, _ = LambdaPackage(output=task.parent, has_bytecode=True).build()
    with zipfile.ZipFile(path) as archive:
        archive.extractall(task)
    for entry in (*task.rglob("*"), task):
        if entry.is_file():
            entry.chmod(0o444)


def _install(runtime: Path) -> None:
    """Put boto3 and its dependencies into a separate folder, with their bytecode."""
    runtime.mkdir()
    site = Path(str(metadata.distribution("boto3").locate_file("")))
    for name in _RUNTIME:
        (runtime / name).symlink_to(site / name)
    py_compile.compile(str(shutil.copy2(site / "six.py", runtime)), doraise=True)


def _processor_seconds() -> float:
    """Return the processor time of our processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _import(module: str, *path: Path) -> None:
    script = f"import sys; sys.path[:0] = {[str(folder) for folder in path]}; import {module}"
    # Alone with the standard library and the path given; nothing writes bytecode.
    command = [sys.executable, "-I", "-S", "-B", "-c", script]
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    result = subprocess.run(command, env=kept, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SideError(f"{module} cannot be imported:\n{result.stderr}")
