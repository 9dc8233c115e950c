"""When a changed secret has the tasks replaced."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lambdas.secret_deployment import core, report
from ops_lambdas.secret_deployment.core import QUIET, ChangedSecret, Decision, Service, changed_since, decide

SCHEDULES = {"secret-deployment": "rate(5 minutes)"}
DEPLOYED = datetime(2026, 11, 1, 12, 0, 0, 400_000, tzinfo=UTC)
NOW = DEPLOYED + timedelta(days=1)
SERVICE = Service(desired=3, deployed=DEPLOYED, is_deploying=False)
CRON = ChangedSecret("pardon-rehearsal/cron-secret", NOW - 2 * QUIET)
URL = ChangedSecret("pardon-rehearsal/database-url", NOW - QUIET)


def publish_every_metric(_environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard: it has none."""


def test_tasks_are_replaced_once_when_the_last_of_several_changes_is_five_minutes_ago() -> None:
    decision = decide(SERVICE, [CRON, URL], NOW, is_outage=False)
    assert (decision.state, decision.secrets) == ("due", (CRON.name, URL.name))
    waiting = decide(SERVICE, [CRON, URL], NOW - timedelta(seconds=1), is_outage=False)
    assert (waiting.state, waiting.reason) == ("waiting", "the last change was 299 s ago, more may follow")


@pytest.mark.parametrize(
    ("service", "is_outage", "state", "reason"),
    [
        (Service(3, DEPLOYED, is_deploying=True), False, "waiting", "a deployment is under way"),
        (SERVICE, True, "waiting", "the site is down"),
        (Service(0, DEPLOYED, is_deploying=False), False, "up_to_date", "no task runs"),
    ],
)
def test_nothing_is_deployed_beside_another_deployment_in_an_outage_or_at_rest(
    service: Service, is_outage: bool, state: str, reason: str
) -> None:
    decision = decide(service, [CRON], NOW, is_outage=is_outage)
    assert decision.state == state
    assert decision.reason.startswith(reason)
    assert decision.secrets == (CRON.name,)


def test_without_a_change_nothing_is_due_in_any_state() -> None:
    for service in (SERVICE, Service(3, DEPLOYED, is_deploying=True)):
        assert decide(service, [], NOW, is_outage=True).state == "up_to_date"


@given(st.lists(st.integers(-(10**7), 10**7).map(lambda seconds: DEPLOYED + timedelta(seconds=seconds)), max_size=8))
def test_what_changed_before_the_deployment_is_not_counted_and_what_did_so_after_it_is(times: list[datetime]) -> None:
    secrets = [ChangedSecret(f"secret-{number}", time) for number, time in enumerate(times)]
    changed = changed_since(secrets, DEPLOYED)
    assert {one.name for one in changed} == {one.name for one in secrets if one.changed > DEPLOYED}
    assert list(changed) == sorted(changed, key=lambda one: one.name)


def test_result_says_what_was_started_and_why() -> None:
    decision = Decision("due", "the tasks still have the values from before", (CRON.name,))
    assert report.result("rehearsal", decision) == {
        "state": "started",
        "environment": "rehearsal",
        "reason": "the tasks still have the values from before",
        "secrets": [CRON.name],
    }
    assert report.result("rehearsal", core.Decision("waiting", "a deployment is under way"))["state"] == "waiting"
