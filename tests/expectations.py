"""What each check's own unit tests, tests/unit/test_<check>.py, expect of it in AWS."""

import importlib
from typing import Any

# What tests/unit/test_<check>.py must have for the tests of all checks.
EXPECTATIONS = {
    "publish_every_metric": "a function of the environment that publishes every metric of the check",
    "SCHEDULES": "its schedules in production, by name without the prefix",
}


def expectation(check: str, name: str, default: Any = None) -> Any:
    """What the unit tests of a check expect of it, e.g. its SCHEDULES; with a default, they may leave it out."""
    module = f"tests.unit.test_{check}"
    needed = f"{module.replace('.', '/')}.py must have {name}: {EXPECTATIONS[name]}"
    try:
        tests = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise AssertionError(needed) from None
    assert default is not None or hasattr(tests, name), needed
    return getattr(tests, name, default)
