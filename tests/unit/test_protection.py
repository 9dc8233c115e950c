"""Which stacks are protected, and what the stack policy denies."""

import json

import pytest

from ops_lambdas.protection import report
from ops_lambdas.protection.core import Outcome, Stack, is_policy, policy, unsettled

DONE = Outcome((), (), (), ())

# In AWS: when it runs in production.
SCHEDULES = {"protection": "rate(15 minutes)"}


def publish_every_metric(environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard."""
    report.publish_unprotected(environment, DONE)


@pytest.mark.parametrize(
    ("status", "is_settled"),
    [
        ("CREATE_COMPLETE", True),
        ("UPDATE_COMPLETE", True),
        ("UPDATE_ROLLBACK_COMPLETE", True),
        ("CREATE_IN_PROGRESS", False),
        ("UPDATE_IN_PROGRESS", False),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False),
        ("REVIEW_IN_PROGRESS", False),
        ("ROLLBACK_COMPLETE", False),
        ("ROLLBACK_FAILED", False),
        ("CREATE_FAILED", False),
        ("UPDATE_ROLLBACK_FAILED", False),
        ("DELETE_COMPLETE", False),
        ("DELETE_FAILED", False),
    ],
)
def test_only_a_stack_that_was_created_is_protected(status: str, is_settled: bool) -> None:
    assert Stack("one", status, is_protected=False).is_settled is is_settled


def test_stacks_that_are_left_alone_are_named_with_their_status() -> None:
    stacks = (Stack("one", "CREATE_COMPLETE", True), Stack("two", "ROLLBACK_COMPLETE", False))
    assert unsettled(("one", "two", "three"), stacks) == ("two: ROLLBACK_COMPLETE", "three: does not exist")


def test_the_policy_denies_replacing_and_deleting_what_is_kept_and_nothing_else() -> None:
    allow, deny = json.loads(policy(["Key", "Bucket"], is_protected=True))["Statement"]
    assert (allow["Effect"], allow["Action"], allow["Resource"]) == ("Allow", "Update:*", "*")
    assert deny["Action"] == ["Update:Replace", "Update:Delete"]
    assert deny["Resource"] == ["LogicalResourceId/Bucket", "LogicalResourceId/Key"]


def test_a_stack_without_a_policy_is_like_one_that_allows_everything() -> None:
    open_, kept = (policy(["Key"], is_protected=value) for value in (False, True))
    assert is_policy(None, open_)
    assert is_policy("", open_)
    assert not is_policy(None, kept)
    assert not is_policy(policy(["Other"], is_protected=True), kept)
    assert is_policy(json.dumps(json.loads(kept), indent=2), kept)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (DONE, "as configured"),
        (Outcome(("a",), (), (), ("s",)), "as configured"),
        (Outcome((), ("a",), (), ()), "waiting"),
        (Outcome((), ("a",), ("b",), ()), "incomplete"),
    ],
)
def test_the_state_says_whether_everything_is_as_configured(outcome: Outcome, state: str) -> None:
    assert report.result("production", outcome, is_protected=True)["state"] == state


def test_what_is_waiting_or_failed_counts_as_unprotected(capsys: pytest.CaptureFixture[str]) -> None:
    report.publish_unprotected("production", Outcome(("a",), ("b",), ("c", "d"), ("s",)))
    assert json.loads(capsys.readouterr().out)["UnprotectedResources"] == [3.0]
