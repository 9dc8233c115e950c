"""Synthesizing production against an empty application of one stack, by the same CLI and interpreter."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.comparison import Comparison, SideError

ROOT = Path(__file__).parent.parent
# 2.2 to 2.3 with 242 resources, 2.6 to 2.8 with 332.
MAX_RATIO = 3.0
EMPTY_APP = """
import aws_cdk as cdk

app = cdk.App()
stack = cdk.Stack(app, "empty")
cdk.Validations.of(stack).acknowledge(cdk.Acknowledgment(id="CloudFormation-Validate::F0001", reason="empty"))
app.synth()
"""


@contextmanager
def synth() -> Iterator[Comparison]:
    """`cdk synth --strict` of production; as for a user, what earlier runs have cached stays."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app.py").write_text(EMPTY_APP)
        settings = json.loads((ROOT / "cdk.json").read_text())  # the same flags
        (folder / "cdk.json").write_text(json.dumps(settings))
        yield Comparison(
            name="cdk synth of production / of an empty stack",
            ours=lambda: _synthesize(ROOT, folder / "production", "--context", "environment=production"),
            baseline=lambda: _synthesize(folder, folder / "empty"),
            bound=MAX_RATIO,
        )


def _synthesize(application: Path, output: Path, *arguments: str) -> None:
    programs = (Path(sys.executable).parent, ROOT / "node_modules" / ".bin")
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    # Nothing calls AWS or the network: there are no credentials and no notices.
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    offline = {"AWS_EC2_METADATA_DISABLED": "true", "CDK_DISABLE_VERSION_CHECK": "1", "CDK_DISABLE_CLI_TELEMETRY": "1"}
    command = ["cdk", "synth", "--strict", "--quiet", "--no-notices", "--output", str(output), *arguments]
    result = subprocess.run(
        command, cwd=application, env=kept | offline | {"PATH": path}, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise SideError(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")
