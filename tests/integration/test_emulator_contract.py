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

# Function: arguments it is called with.
CALLED: dict[str, tuple[Any, ...]] = {
    "ministack.core.iam_evaluator:_resolve_condition_key": ("aws:SecureTransport", None),
    "ministack.core.iam_evaluator:_gather_role_policies": ("role", "000000000000"),
    "ministack.core.iam_evaluator:evaluate": (None, [], []),
    "ministack.core.iam_evaluator:fnmatch_iam": ("s3:GetObject", "s3:*"),
    "ministack.core.iam_evaluator:resolve_principal": ("AKIA", "000000000000"),
    "ministack.core.lambda_runtime:_detect_runtime_binary": ("python3.14",),
    "ministack.core.lambda_runtime:reset": (),
    "ministack.core.rds_iam:RdsIamTokenError": ("code",),
    "ministack.core.responses:error_response_json": ("code", "message", 400),
    "ministack.core.responses:get_account_id": (),
    "ministack.core.responses:get_region": (),
    "ministack.core.responses:json_response": ({},),
    "ministack.core.responses:new_uuid": (),
    "ministack.core.responses:now_iso": (),
    "ministack.core.responses:request_scope": ("000000000000", "us-east-1"),
    "ministack.services.alb:_error": ("code", "message", 400),
    "ministack.services.alb:_p": ({}, "LoadBalancerArn"),
    "ministack.services.alb:_parse_targets_param": ({},),
    "ministack.services.alb:_target_group_full_name_from_arn": ("arn",),
    "ministack.services.cloudformation.custom_resource:register_token": ("token",),
    "ministack.services.cloudformation.handlers:_imported_export_names": ({}, "stack"),
    "ministack.services.cloudformation.provisioners:_cw_metric_alarm_record": ("name", {}),
    "ministack.services.cloudformation.provisioners:_ec2_apply_tags": ("eipalloc-1", {}),
    "ministack.services.cloudformation.provisioners:_ec2_sg_permissions": ([{}],),
    "ministack.services.cloudformation.provisioners:_normalize_container_defs": ([{}],),
    "ministack.services.cloudformation.provisioners:_pascal_to_camel": ({},),
    "ministack.services.cloudformation.provisioners:_physical_name": ("stack", "Logical"),
    "ministack.services.cloudformation.provisioners:_rds_db_instance_attrs": ({},),
    "ministack.services.cloudformation.provisioners:_sm_secret_string": ({},),
    "ministack.services.cloudformation.provisioners:_replacing_change": ("AWS::RDS::DBInstance", {}, {}),
    "ministack.services.cloudformation.stacks:_add_event": (
        *("id", "stack", "Logical", "AWS::SNS::Topic", "CREATE_COMPLETE"),
    ),
    "ministack.services.cloudformation.stacks:_delete_resource": ("AWS::SNS::Topic", "id", {}, "stack", "Logical"),
    "ministack.services.cloudformation.stacks:_deploy_stack_async": ("stack", "id", {}, {}, False, []),
    "ministack.services.cloudformation.stacks:_failed_operation": (
        *(True, None, [], None, "Logical", {}, False, {}, {}, False, [], []),
    ),
    "ministack.services.cloudformation.stacks:_provision_resource": ("AWS::SNS::Topic", "Logical", {}, "stack"),
    "ministack.services.cloudformation.stacks:_resolve_stack_outputs": ({}, {}, {}, {}, {}, "stack", "id"),
    "ministack.services.cloudformation.stacks:_roll_back_operation": ("stack", "id", {}, {}),
    "ministack.services.cloudformation.stacks:_update_resource": ("AWS::SNS::Topic", "id", {}, {}, "stack"),
    "ministack.services.cloudwatch:_dims_key": ({},),
    "ministack.services.cloudwatch:_dispatch_alarm_actions": ({}, "OK", "ALARM", "reason"),
    "ministack.services.cloudwatch:_evaluate_alarm": ({},),
    "ministack.services.cloudwatch:_history_entries": (),
    "ministack.services.cloudwatch:_list_metrics": ({}, {}, False, True),
    "ministack.services.cloudwatch:_put_composite_alarm": ({}, {}, False, True),
    "ministack.services.cloudwatch:_put_metric_data": ({}, {}, False, True),
    "ministack.services.cloudwatch:record_metric": ("AWS/SNS", "name", 1, "Count", {}),
    "ministack.services.ecs:_create_service": ({},),
    "ministack.services.ecs:_describe_tasks": ({},),
    "ministack.services.ecs:_put_cluster_capacity_providers": ({},),
    "ministack.services.ecs:_reconcile_service_tasks": ("cluster", "cluster/service"),
    "ministack.services.ecs:_resolve_task": ("task", "cluster"),
    "ministack.services.ecs:_update_service": ({},),
    "ministack.services.eventbridge:_apply_input_transformer": ({}, {}, None),
    "ministack.services.eventbridge:_dispatch_event": ({},),
    "ministack.services.eventbridge:_test_event_pattern": ({},),
    "ministack.services.iam:_error": (404, "code", "message"),
    "ministack.services.iam:_p": ({}, "PolicySourceArn"),
    "ministack.services.iam:_xml": (200, "Response", "<Result/>", "iam"),
    "ministack.services.lambda_svc:_emit_lambda_logs": ({}, "request", "log text", False, 1),
    "ministack.services.lambda_svc:_emit_lambda_metrics": ("name", 1.0, False, False),
    "ministack.services.lambda_svc:_get_account_settings": (),
    "ministack.services.rds:_p": ({}, "DBInstanceIdentifier"),
    "ministack.services.rds:_xml": (200, "Response", "<Result/>"),
    "ministack.services.budgets:_create_budget": ({},),
    "ministack.services.budgets:_delete_budget": ({},),
    "ministack.services.route53:_create_health_check": (b"",),
    "ministack.services.route53:_default_records": ("pardon.example.com.",),
    "ministack.services.route53:_delete_health_check": ("id",),
    "ministack.services.scheduler:_create_schedule": ("name", {}),
    "ministack.services.scheduler:_delete_schedule": ("name", {}),
    "ministack.services.scheduler:_tick_schedules": (),
    "ministack.services.scheduler:_update_schedule": ("name", {}),
    "ministack.services.secretsmanager:_resolve": ("arn",),
    "ministack.services.sns:_error": ("code", "message", 400),
    "ministack.services.sns:_fanout": ("topic", "id", "message", "subject", "", {}),
    "ministack.services.sns:_list_subscriptions_by_topic": ({},),
    "ministack.services.sns:_p": ({}, "Subject"),
    "ministack.services.sns:_publish": ({},),
    "ministack.services.sns:_subscribe": ({},),
    "ministack.services.sns:_topic_by_arn_any_scope": ("topic",),
    "ministack.services.sts:register_session": ("ASIA", {}),
    "ministack.services.cloudwatch_logs:_create_log_stream": ({},),
    "ministack.services.cloudwatch_logs:_put_log_events": ({},),
    "ministack.services.ecs:_run_task": ({},),
    "ministack.services.stepfunctions:_ExecutionError": ("States.TaskFailed", "cause"),
    "ministack.services.stepfunctions:_poll_ecs_tasks": ("cluster", ["task"]),
}

# Function: keywords it is called with.
KEYWORDS: dict[str, tuple[str, ...]] = {
    "ministack.core.iam_evaluator:AuthError": ("code", "message"),
    "ministack.core.iam_evaluator:EvalContext": (
        *("principal_arn", "principal_type", "principal_account", "action"),
        *("resource_arn", "region", "principal_keys", "service_context"),
    ),
    "ministack.core.iam_evaluator:PrincipalInfo": ("arn", "type", "account", "policies", "keys", "limits"),
    "ministack.services.eventbridge:_put_events": ("data", "allow_aws_source"),
    "ministack.core.rds_iam:VerifiedRdsToken": (
        *("access_key_id", "account_id", "principal_arn", "principal_type", "principal_name", "db_user", "expires_at"),
    ),
    "ministack.core.rds_iam:verify_rds_iam_token": ("token", "hostname", "port", "db_user", "region", "account_id"),
}

# Mapping that is read and written by key.
STORES = (
    "ministack.app:SERVICE_HANDLERS",
    "ministack.core.iam_actions:SERVICE_TO_IAM_NAMESPACE",
    "ministack.services.alb:_ACTION_MAP",
    "ministack.services.alb:_lb_attrs",
    "ministack.services.alb:_lbs",
    "ministack.services.alb:_targets",
    "ministack.services.alb:_tgs",
    "ministack.services.cloudformation.handlers:_ACTION_HANDLERS",
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
    "ministack.services.cloudwatch:_alarms",
    "ministack.services.cloudwatch:_composite_alarms",
    "ministack.services.cloudwatch:_dashboards",
    "ministack.services.cloudwatch:_metrics",
    "ministack.services.cloudwatch_logs:_log_groups",
    "ministack.services.ecs:_tags",
    "ministack.services.route53:_health_checks",
    "ministack.services.s3:_buckets",
    "ministack.services.ssm:_parameters",
    "ministack.services.ec2:_ACTION_MAP",
    "ministack.services.ec2:_addresses",
    "ministack.services.ec2:_flow_logs",
    "ministack.services.ec2:_security_groups",
    "ministack.services.ecr:_repositories",
    "ministack.services.ecs:_ACTION_MAP",
    "ministack.services.ecs:_clusters",
    "ministack.services.ecs:_services",
    "ministack.services.ecs:_task_defs",
    "ministack.services.ecs:_tasks",
    "ministack.services.eventbridge:_rules",
    "ministack.services.iam:_IAM_HANDLERS",
    "ministack.services.iam:_roles",
    "ministack.services.kms:_aliases",
    "ministack.services.lambda_svc:_functions",
    "ministack.services.rds:_ACTION_MAP",
    "ministack.services.rds:_instances",
    "ministack.services.route53:_records",
    "ministack.services.route53:_zones",
    "ministack.services.scheduler:_schedule_groups",
    "ministack.services.scheduler:_schedule_last_fired",
    "ministack.services.secretsmanager:_secrets",
    "ministack.services.sns:_topics",
    "ministack.services.sqs:_queue_name_to_url",
    "ministack.services.sqs:_queues",
    "ministack.services.stepfunctions:_executions",
    "ministack.services.stepfunctions:_state_machines",
)

EC2_ACTIONS = (
    "AllocateAddress",
    "CreateFlowLogs",
    "CreateNatGateway",
    "DeleteFlowLogs",
    "DeleteNatGateway",
    "DescribeFlowLogs",
    "ReleaseAddress",
)


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
    here = Path(__file__).read_text()
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
