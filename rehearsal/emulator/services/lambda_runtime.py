"""Lambda as on AWS: an interpreter with boto3 and nothing else, and metrics from log lines.

MiniStack starts a Lambda with its own interpreter, so everything installed beside MiniStack could be
imported and a missing dependency of an asset would go unnoticed.
"""

import json
import queue
import shlex
import ssl
import sys
import time
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime as runtime
from ministack.services import cloudwatch, lambda_svc

from rehearsal.emulator.services.lambda_prelude import END

PRELUDE = Path(__file__).with_name("lambda_prelude.py")
_OUTPUT_SECONDS = 30.0  # of a machine under load
DISTRIBUTIONS = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")


def register(folder: Path, ca_files: dict[str, str], emulator: tuple[str, int], ports: dict[int, int]) -> None:
    """Create the clean interpreter below the folder and have MiniStack use it; turn EMF lines into metrics.

    Each run is counted as on AWS; MiniStack counts only those that are waited for.

    Args:
        ca_files: what a Lambda verifies PostgreSQL with (PGSSLROOTCERT), and beside the system's
            authorities any other server (SSL_CERT_FILE); by region, "" is any region.
        emulator: host and port, where a Lambda resolves names.
        ports: of the tasks, and where their stand-ins have them.
    """
    interpreter, packages = make_runtime(folder)
    settings = (str(packages), ca_files, make_trust(folder, ca_files), emulator, ports)
    prelude = f"{PRELUDE.read_text(encoding='utf-8')}\n\nprepare(*{settings!r})\n"
    detect, emit = runtime._detect_runtime_binary, lambda_svc._emit_lambda_logs
    count = lambda_svc._emit_lambda_metrics

    def detect_clean(name: str) -> tuple[str, str]:
        binary, script = detect(name)
        if not name.startswith("python"):
            return binary, script
        return str(interpreter), prelude + script

    def emit_with_metrics(
        func: Any, request_id: str, log_text: str, error: bool, duration_ms: int, **kwargs: Any
    ) -> None:
        emit(func, request_id, log_text, error, duration_ms, **kwargs)
        name = (func.get("config") or func)["FunctionName"]
        count(name, duration_ms=float(duration_ms), error=error, throttle=False)
        publish_embedded_metrics(log_text)

    def count_throttles(function_name: str, *, throttle: bool, **others: Any) -> None:
        if throttle:
            count(function_name, throttle=True, **others)

    runtime._detect_runtime_binary = detect_clean
    drain = runtime.Worker._drain_stderr_bounded

    def drain_whole(worker: Any, **waits: float) -> str:
        is_python = not isinstance(worker, runtime.ProvidedWorker) and worker.config["Runtime"].startswith("python")
        return whole_output(worker) if is_python else str(drain(worker, **waits))

    runtime.Worker._drain_stderr_bounded = drain_whole
    lambda_svc._emit_lambda_logs = emit_with_metrics
    lambda_svc._emit_lambda_metrics = count_throttles


def whole_output(worker: Any) -> str:
    """Return what a run has written, all of it: until its mark, or until its process has ended.

    MiniStack waits some milliseconds for more, so that a run under load lost its last lines.
    """
    lines: list[str] = []
    until = time.monotonic() + _OUTPUT_SECONDS
    while time.monotonic() < until:
        try:
            line = worker._stderr_queue.get(timeout=0.05)
        except queue.Empty:
            if not worker._stderr_thread.is_alive():
                break
            continue
        if line.endswith(END):
            lines += [line.removesuffix(END)] if line != END else []
            break
        lines.append(line)
    return "\n".join(lines)


def make_runtime(folder: Path) -> tuple[Path, Path]:
    """Write the interpreter's wrapper (no site-packages, no PYTHON* variables) and link its packages."""
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    for name in DISTRIBUTIONS:
        installed = distribution(name)
        for entry in {file.parts[0] for file in installed.files or []} - {"..", "__pycache__"}:
            link = packages / entry
            if not link.exists():
                link.symlink_to(Path(str(installed.locate_file(entry))))
    interpreter = folder / "python"
    base = getattr(sys, "_base_executable", sys.executable)
    interpreter.write_text(f'#!/bin/sh\nexec {shlex.quote(base)} -I -S "$@"\n')
    interpreter.chmod(0o755)
    return interpreter, packages


def make_trust(folder: Path, ca_files: dict[str, str]) -> str:
    """Write the system's authorities and those of all regions into a file."""
    system = ssl.get_default_verify_paths().cafile or str(folder / "packages" / "botocore" / "cacert.pem")
    file = folder / "trust.pem"
    file.write_bytes(b"\n".join(Path(one).read_bytes() for one in (system, *ca_files.values())))
    return str(file)


def publish_embedded_metrics(log_text: str) -> None:
    """Put the metrics of each line in CloudWatch's embedded metric format.

    Source: AWS, "Specification: Embedded metric format". A value may be a number or a list of numbers.
    """
    for line in log_text.splitlines():
        if '"_aws"' not in line or not line.startswith("{"):
            continue
        record = json.loads(line)
        for directive in record["_aws"].get("CloudWatchMetrics", []):
            data = [
                {
                    "MetricName": metric["Name"],
                    "Unit": metric.get("Unit", "None"),
                    "Timestamp": record["_aws"]["Timestamp"] / 1000,
                    "Values": values if isinstance(values := record[metric["Name"]], list) else [values],
                    "Dimensions": [{"Name": name, "Value": str(record[name])} for name in names],
                }
                for metric in directive["Metrics"]
                for names in directive["Dimensions"] or [[]]
            ]
            cloudwatch._put_metric_data({}, {"Namespace": directive["Namespace"], "MetricData": data}, False, True)


def kill_workers() -> None:
    """End every Lambda process."""
    runtime.reset()
