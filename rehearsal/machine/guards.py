"""The environment of everything that a rehearsal runs: nothing of the user's, so nothing reaches a real account.

It is built from scratch. Credentials are dummies, every proxy is an address that does not answer, the home is the
run's own folder (no profiles, no tokens, no configuration of git, npm or CDK), and metadata services are
switched off.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from rehearsal import ROOT

PROGRAMS = Path(sys.executable).parent  # of the virtual environment: python3, node, aws
DEAD_PROXY = "http://127.0.0.1:9"
ACCESS_KEY = "test"
# All that is taken from the user's environment: what describes the terminal.
_TERMINAL = ("TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "LC_ALL", "LC_CTYPE", "LANG", "TZ")


def _jsii_cache() -> Path:
    """Where jsii keeps its unpacked packages; shared by all runs, as unpacking aws-cdk-lib takes seconds."""
    chosen = os.environ.get("JSII_RUNTIME_PACKAGE_CACHE_ROOT")
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home fails for a user without a name and HOME
    if chosen or not home.is_absolute() or not os.access(home, os.W_OK):
        return Path(chosen or ROOT / "build" / "jsii-cache")
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "com.amazonaws.jsii" / "package-cache"
    return home / ".cache" / "aws" / "jsii" / "package-cache"


_JSII_CACHE = _jsii_cache()  # now, before this process gives up the user's environment


def environment(home: Path, *, region: str, port: int) -> dict[str, str]:
    """Build the environment of the rehearsal's programs.

    Args:
        home: folder of the run; AWS's tools look for their files there.
        region: in which they work.
        port: of the emulator on this machine.
    """
    path = [PROGRAMS, ROOT / "node_modules" / ".bin", "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "PATH": os.pathsep.join(map(str, path)),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        "AWS_CONFIG_FILE": str(home / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "HTTP_PROXY": DEAD_PROXY,
        "HTTPS_PROXY": DEAD_PROXY,
        "NO_PROXY": "localhost,127.0.0.1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(_JSII_CACHE),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
        "IOT_MTLS_ENABLED": "0",
        "PIP_NO_INDEX": "1",
        "npm_config_offline": "true",
    }


def terminal(user: Mapping[str, str]) -> dict[str, str]:
    """Take from the user's environment what describes the terminal."""
    return {name: user[name] for name in _TERMINAL if name in user}


def take_over(guarded: Mapping[str, str]) -> None:
    """Replace this process's own environment too, as boto3 in it reads profiles and keys from there."""
    kept = terminal(os.environ)
    os.environ.clear()
    os.environ.update({**guarded, **kept})
    if "NO_COLOR" not in kept:
        del os.environ["NO_COLOR"]
