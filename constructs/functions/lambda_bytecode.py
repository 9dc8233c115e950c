"""Bytecode of an asset's sources. A Lambda cannot write its own; without it, each cold start compiles them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

# Where Lambda unpacks an asset: what tracebacks show.
_TASK = "/var/task"


def bytecode(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Compile the sources among an asset's files with this Python.

    Another Python ignores the files, because of their names. Python does not compare them with their sources,
    which are beside them and change only with them.

    Returns: the files to add, e.g. `a/__pycache__/b.cpython-314.pyc` for `a/b.py`.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        sources = sorted(path for path in contents if path.endswith(".py"))
        for source in sources:
            target = folder / source
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(contents[source])
        # In its own process, with a fixed hash seed: bytecode contains the order of sets.
        command = [sys.executable, "-S", "-s", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        subprocess.run(  # noqa: S603 - this Python, on files that we wrote
            [*command, "-s", name, "-p", _TASK, name],
            env=environment | {"PYTHONHASHSEED": "0"},
            cwd=folder,
            check=True,
        )
        names = [_compiled_name(source) for source in sources]
        return {name: (folder / name).read_bytes() for name in names}


def _compiled_name(source: str) -> str:
    path = PurePosixPath(source)
    return (path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc").as_posix()
