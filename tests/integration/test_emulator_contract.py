"""The emulator uses private names of MiniStack: each exists and has the expected form.

An upgrade of MiniStack that breaks one fails here, with its name.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal import ROOT
from tests.integration import emulator_names
from tests.integration.emulator_names import CALLED, EC2_ACTIONS, KEYWORDS, STORES


def find(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def used(path: Path) -> Iterator[tuple[str, str]]:
    """Module and private name, of each that a file takes from MiniStack."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    modules = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ministack")
        for alias in node.names
    }
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr


def test_every_private_name_that_is_used_is_here() -> None:
    here = Path(__file__).read_text() + Path(emulator_names.__file__).read_text()
    missing = {
        f"{module}:{name}"
        for path in (ROOT / "rehearsal" / "emulator").rglob("*.py")
        for module, name in used(path)
        if name.startswith("_") and f'"{module}:{name}"' not in here and f'"{name}"' not in here
    }
    assert not missing, f"CALLED, KEYWORDS or STORES must have {', '.join(sorted(missing))}"


@pytest.mark.parametrize("name", CALLED)
def test_function_takes_the_arguments(name: str) -> None:
    inspect.signature(find(name)).bind(*CALLED[name])


@pytest.mark.parametrize("name", KEYWORDS)
def test_function_takes_the_keywords(name: str) -> None:
    inspect.signature(find(name)).bind(**dict.fromkeys(KEYWORDS[name]))


@pytest.mark.parametrize("name", STORES)
def test_store_is_a_mapping(name: str) -> None:
    store = find(name)
    assert all(hasattr(store, method) for method in ("__getitem__", "__setitem__", "get", "pop", "items"))


@pytest.mark.parametrize("action", EC2_ACTIONS)
def test_ec2_action_takes_a_query(action: str) -> None:
    inspect.signature(find("ministack.services.ec2:_ACTION_MAP")[action]).bind({"Name": ["value"]})


@pytest.mark.parametrize(
    "wrapped",
    ["AWS::RDS::DBInstance", "AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SecretsManager::Secret"],
)
def test_wrapped_handler_has_its_parts(wrapped: str) -> None:
    handler = find("ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS")[wrapped]
    inspect.signature(handler["create"]).bind("Logical", {}, "stack")
    inspect.signature(handler["update"]).bind("id", {}, {}, "stack", "Logical")
    inspect.signature(handler["delete"]).bind("id", {})
    assert handler["update_with_logical_id"] is True


def test_automatic_name_ends_in_a_hash_of_13_characters() -> None:
    name = find("ministack.services.cloudformation.provisioners:_physical_name")("stack", "Logical", max_len=40)
    assert len(name.rsplit("-", 1)[1]) == 13


def test_worker_script_runs_under_the_interpreter_it_comes_with() -> None:
    _, script = find("ministack.core.lambda_runtime:_detect_runtime_binary")("python3.14")
    assert "sys.stdin.readline()" in script
    compile(script, "worker", "exec")


def test_alarm_is_evaluated_over_the_module_s_metrics() -> None:
    assert {"_metrics", "_dispatch_alarm_actions"} <= set(
        find("ministack.services.cloudwatch:_evaluate_alarm").__code__.co_names
    )


def test_metric_alarm_record_has_the_fields_that_metric_math_replaces() -> None:
    record = find("ministack.services.cloudformation.provisioners:_cw_metric_alarm_record")
    alarm = record(
        "name", {"MetricName": "m", "Namespace": "n", "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    )
    replaced = {"MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"}
    assert replaced | {"AlarmName", "AlarmArn", "StateValue"} <= alarm.keys()


def test_asgi_application_and_its_switch_for_policies_are_there() -> None:
    assert inspect.iscoroutinefunction(find("ministack.app:app"))
    assert find("ministack.app:AUTH") is False  # unless the environment sets it before the import


def test_scheduler_sweeps_as_often_as_its_setting_says() -> None:
    assert "_SCHEDULE_TICK_INTERVAL" in find("ministack.services.scheduler:_ticker_loop").__code__.co_names


def test_custom_resource_waits_for_its_token_s_event_and_raises_the_errors_that_are_reworded() -> None:
    invoke = find("ministack.services.cloudformation.custom_resource:invoke_custom_resource")
    assert {"register_token", "wait", "TimeoutError", "RuntimeError"} <= set(invoke.__code__.co_names)


def test_service_is_found_by_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(find("ministack.core.router:SERVICE_PATTERNS"), "new", {"target_prefixes": ["NewService"]})
    detect = find("ministack.core.router:detect_service")
    assert detect("POST", "/", {"x-amz-target": "NewService.GetCost"}, {}) == "new"


def test_running_task_has_the_fields_that_its_address_is_written_to() -> None:
    names = find("ministack.services.ecs:_run_task").__code__.co_consts
    assert {"_network_mode", "_subnet", "attachments", "containers", "lastStatus"} <= set(flatten(names))


def flatten(constants: Any) -> list[Any]:
    """The constants of a function, those of its tuples included."""
    return [one for item in constants for one in (flatten(item) if isinstance(item, tuple) else [item])]
