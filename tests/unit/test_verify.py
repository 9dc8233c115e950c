"""Verify tells what holds from what does not, and from what AWS cannot tell yet."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from config import DEVELOPMENT, PRODUCTION
from names import CHECKS
from procedures.findings import Finding, State, exit_code, find, table
from procedures.verify import (
    alarm_states,
    check_runs,
    delivery,
    metric_names,
    permissions,
)
from procedures.verify.__main__ import main
from procedures.verify.arns import Arns, Chosen
from procedures.verify.beliefs import look
from procedures.verify.calls import calls
from procedures.verify.delivery import DeliveryError, deliver
from procedures.verify.metric_names import Metric, drawn, watched
from tests.unit.recorded_aws import CHANGED, RecordedDeployed, one

HOLDS, NOT_YET, FAILS = State.HOLDS, State.NOT_YET, State.FAILS
SOON, LATER = CHANGED + timedelta(minutes=19), CHANGED + timedelta(minutes=21)
BALANCER = (("LoadBalancer", "app/pardon-production/0123456789abcdef"),)


def aws(environment: Any = PRODUCTION, *, now: Any = LATER, **answers: Any) -> RecordedDeployed:
    return RecordedDeployed(environment, answers, now=now)


def listed(*names: str, dimensions: Any = BALANCER) -> dict[str, Any]:
    pairs = [{"Name": name, "Value": value} for name, value in dimensions]
    return {"Metrics": [{"Namespace": "AWS/ApplicationELB", "MetricName": name, "Dimensions": pairs} for name in names]}


def alarm(metric: str) -> dict[str, Any]:
    pairs = [{"Name": name, "Value": value} for name, value in BALANCER]
    named = {"AlarmName": f"pardon-production-p1-{metric}", "Namespace": "AWS/ApplicationELB", "MetricName": metric}
    return {"MetricAlarms": [{**named, "Dimensions": pairs}]}


@pytest.mark.parametrize(
    ("metric", "answer", "now", "state"),
    [
        ("ConsumedLCUs", listed("ConsumedLCUs"), LATER, HOLDS),
        ("ConsumedLCUs", listed(), SOON, NOT_YET),
        ("ConsumedLCUs", listed(), LATER, FAILS),
        ("ConsumedLCUs", listed("ConsumedLCUs", dimensions=(*BALANCER, ("AvailabilityZone", "a"))), LATER, FAILS),
        ("HTTPCode_ELB_5XX_Count", listed("ConsumedLCUs"), LATER, HOLDS),
        ("HTTPCode_ELB_5XX_Count", listed(), LATER, NOT_YET),
        ("HTTPCode_ELB_5XX_Count", listed("ConsumedLCUs", dimensions=()), LATER, NOT_YET),
    ],
    ids=["listed", "new", "not published", "more dimensions", "a sibling proves it", "nothing proves it", "no sibling"],
)
def test_a_metric_is_listed_with_exactly_its_dimensions(metric: str, answer: Any, now: Any, state: State) -> None:
    found = one(metric_names.of_alarms(aws(now=now, DescribeAlarms=alarm(metric), ListMetrics=answer)))
    assert found.state is state
    assert (metric in found.found) is (state is not HOLDS)


def test_metrics_are_read_from_alarms_and_dashboards() -> None:
    stat = {"MetricStat": {"Metric": {"Namespace": "N", "MetricName": "errors", "Dimensions": []}}}
    math = {"AlarmName": "a", "Metrics": [{"Expression": "errors / 2"}, stat]}
    assert list(watched(math)) == [Metric("N", "errors", (), "a")]
    search = (
        """SEARCH('{PardonSimulator,Environment,Pool} MetricName="ActiveThreads" Environment="one"', 'Maximum', 300)"""
    )
    widgets = [
        {"properties": {"title": "t", "metrics": [["N", "m", "B", "2", "A", "1", {"stat": "Sum"}]]}},
        {"properties": {"title": "t", "metrics": [[{"expression": search}], [{"expression": "m1 * 2"}]]}},
        {"properties": {"markdown": "text"}},
    ]
    assert list(drawn({"widgets": widgets})) == [
        Metric("N", "m", (("A", "1"), ("B", "2")), "t"),
        Metric("PardonSimulator", "ActiveThreads", (("Environment", "one"), ("Pool", "*")), "t"),
    ]


def simulated(decision: str) -> Any:
    def answer(request: Any) -> dict[str, Any]:
        (action,), resources = request["ActionNames"], request["ResourceArns"]
        found = [
            {
                "EvalResourceName": arn,
                "EvalResourceDecision": decision,
                "MissingContextValues": ["k"],
            }
            for arn in resources
            if arn != "*"
        ]
        whole = {"EvalActionName": action, "EvalDecision": decision, "MissingContextValues": []}
        return {"EvaluationResults": [{**whole, "ResourceSpecificResults": found}]}

    return answer


def test_a_role_is_asked_about_each_call_and_each_forbidden_one() -> None:
    """With one answer to all, either the calls or the forbidden ones are wrong."""
    resources = [{"ResourceType": "AWS::EC2::FlowLog", "PhysicalResourceId": "fl-1", "LogicalResourceId": "L"}]
    for decision, wrong in (("allowed", "secretsmanager:GetSecretValue"), ("implicitDeny", "logs:PutLogEvents")):
        answers = {
            "ListStackResources": {"StackResourceSummaries": resources},
            "DescribeFlowLogs": {"FlowLogs": [{"DeliverLogsPermissionArn": "arn:aws:iam::1:role/flow"}]},
            "DescribeDBInstances": {"DBInstances": [{"DbiResourceId": "db-1"}]},
            "DescribeKey": {"KeyMetadata": {"KeyId": "1", "Arn": "arn:aws:kms:us-west-2:640080112933:key/1"}},
            "SimulatePrincipalPolicy": simulated(decision),
        }
        (probe,) = (each for each in permissions.probes() if each.__name__ == "flow logs")
        found = one(probe(aws(**answers)))
        assert found.state is FAILS
        assert f"{decision}: {wrong} on arn:" in found.found
        assert "without k" in found.found


def test_every_condition_is_asked_with_another_value_too() -> None:
    arns = Arns(PRODUCTION, Chosen())
    asked = permissions.asked(arns, "session_cleanup")
    cluster = {(each.context, each.is_allowed) for each in asked if each.action == "ecs:ListTasks"}
    key = f"arn:aws:ecs:us-east-1:{PRODUCTION.account}:cluster/pardon-production-cluster"
    assert cluster == {((("ecs:cluster", key),), True), ((("ecs:cluster", f"{key}-other"),), False)}
    allowed = {(each.action, each.resource) for each in calls(arns)["session_cleanup"]}
    assert not [
        each for each in asked if not each.context and not each.is_allowed and (each.action, each.resource) in allowed
    ]


@pytest.mark.parametrize(
    ("environment", "subscriptions", "state"),
    [
        (PRODUCTION, [], FAILS),
        (PRODUCTION, [("one@example.com", "PendingConfirmation")], FAILS),
        (PRODUCTION, [("one@example.com", "arn:aws:sns:::t:1")], HOLDS),
        (replace(PRODUCTION, alarm_emails=("two@example.com",)), [("one@example.com", "arn:aws:sns:::t:1")], NOT_YET),
        (DEVELOPMENT, [], NOT_YET),
    ],
)
def test_somebody_reads_the_alarms_of_a_protected_environment(
    environment: Any, subscriptions: list[tuple[str, str]], state: State
) -> None:
    answer = {"Subscriptions": [{"Endpoint": address, "SubscriptionArn": arn} for address, arn in subscriptions]}
    assert one(alarm_states.subscriptions(aws(environment, ListSubscriptionsByTopic=answer))).state is state


def points(*values: tuple[int, float]) -> dict[str, Any]:
    return {"Datapoints": [{"Timestamp": LATER - timedelta(minutes=ago), "Sum": value} for ago, value in values]}


@pytest.mark.parametrize(
    ("runs", "errors", "now", "state"),
    [
        (points((5, 1)), points((5, 0)), LATER, HOLDS),
        (points((5, 1)), points((5, 1)), LATER, FAILS),
        (points((5, 1), (10, 1)), points((10, 1)), LATER, HOLDS),
        (points((5, 2)), points((5, 1)), LATER, HOLDS),
        (points(), points(), CHANGED + timedelta(minutes=14), NOT_YET),
        (points(), points(), LATER, FAILS),
    ],
    ids=["ran", "failed", "failed before", "retried", "is new", "never ran"],
)
def test_the_last_run_of_a_check_did_not_fail(runs: Any, errors: Any, now: Any, state: State) -> None:
    def answer(request: Any) -> Any:
        return runs if request["MetricName"] == "Invocations" else errors

    found = list(check_runs.last_runs(aws(now=now, DescribeAlarms={"MetricAlarms": []}, GetMetricStatistics=answer)))
    assert {each.state for each in found} == {state}
    assert len(found) == len(CHECKS)


@pytest.mark.parametrize(
    ("kept", "state"),
    [("ParameterNotFound", NOT_YET), ({"arrived": True}, HOLDS), ({"arrived": False}, FAILS)],
)
def test_a_persons_word_about_an_alarms_email_is_kept(kept: Any, state: State) -> None:
    value = {"at": "2026-11-26T03:14:15Z", "by": "arn:aws:sts::1:assumed-role/Admin/operator"}
    answer = kept if isinstance(kept, str) else {"Parameter": {"Value": json.dumps(value | kept)}}
    assert one(delivery.delivered(aws(GetParameter=answer))).state is state


def test_an_alarm_that_cannot_be_set_off_is_an_error_that_names_it() -> None:
    with pytest.raises(DeliveryError, match=r"^pardon-production-p4-secret-old cannot be set to ALARM"):
        deliver(aws(SetAlarmState="ResourceNotFound"), lambda _: "yes", Console(quiet=True))


def test_an_answer_of_another_form_is_a_finding_and_hides_no_other() -> None:
    probes = [delivery.delivered, alarm_states.subscriptions]
    findings = find(probes, aws(GetParameter={}, ListSubscriptionsByTopic={"Subscriptions": []}), Console(quiet=True))
    assert [each.state for each in findings] == [FAILS, FAILS]
    assert "KeyError" in findings[0].found
    assert exit_code(findings) == 1


def test_many_that_hold_are_one_row() -> None:
    findings = [Finding(area="rules", subject=f"r{n}", state=HOLDS, found="ok") for n in range(8)]
    failing = Finding(area="rules", subject="bad", state=FAILS, found="no", mend="do")
    assert table([*findings[:7], failing], "t").row_count == 8
    assert table([*findings, failing], "t").row_count == 2


@pytest.mark.parametrize(
    ("answers", "subject"),
    [
        ({"GetCallerIdentity": {"Account": "111122223333"}}, "credentials"),
        ({"GetCallerIdentity": "ExpiredToken"}, "credentials"),
        ({"DescribeStacks": "ValidationError"}, "pardon-production-network"),
    ],
)
def test_without_the_account_or_a_stack_nothing_else_is_asked(answers: Any, subject: str) -> None:
    found = look(aws(**({"GetCallerIdentity": {"Account": PRODUCTION.account}} | answers)), Console(quiet=True))
    assert (found[0].subject, found[0].state) == (subject, FAILS)
    assert {each.area for each in found} <= {"account", "stacks", "stack states"}


def test_an_unknown_environment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--environment", "nowhere"]) == 1
    assert "production" in capsys.readouterr().err
