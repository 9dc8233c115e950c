"""The checks' locks: each check has one, and the name of a check is all that it depends on."""

import re
from pathlib import Path

import pytest

from ops_lambdas.shared.lock import lock_key

FOLDERS = [path.parent for path in sorted((Path(__file__).parents[2] / "ops_lambdas").glob("*/handler.py"))]


def test_all_checks_have_different_locks() -> None:
    assert FOLDERS
    assert len({lock_key(folder.name) for folder in FOLDERS}) == len(FOLDERS)


@pytest.mark.parametrize(
    ("check", "key"),
    [("", -(2**31)), ("pool_health", -1689101171), ("session_cleanup", 1485878915), ("thread_cleanup", -67969904)],
)
def test_a_lock_never_changes(check: str, key: int) -> None:
    assert lock_key(check) == key


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_check_takes_its_own_lock_and_connects_under_its_own_name(folder: Path) -> None:
    named = r'(?:lock|lock_key|application_name)(?:\(|=)"(\w+)"'
    names = {name for path in folder.glob("*.py") for name in re.findall(named, path.read_text())}
    assert names <= {folder.name}
