"""Run the deployed cost_report on both of its schedules, and read the emails."""

from typing import Any

from config import REHEARSAL
from rehearsal.report.facts import CheckRun
from rehearsal.run import Region, Run
from rehearsal.steps.fire_schedule import Metric, expect_metrics, fire
from rehearsal.steps.inbox import Inbox

_ABOVE = ("above", "forecast_above")


def prove(run: Run, region: Region) -> list[CheckRun]:
    """Run the daily report, then the weekly one."""
    return [_report(run, region, "daily", "short"), _report(run, region, "weekly", "long")]


def _report(run: Run, region: Region, schedule: str, form: str) -> CheckRun:
    inbox = Inbox(run, region)
    outcome = fire(run, region, "cost_report", schedule)
    result = outcome.result
    emails = [email for email in inbox.read() if email.subject.startswith("Costs of ")]  # not those of alarms

    total, own = float(result["month_to_date"]), _in_cost_explorer(run, region, result)
    is_so = (result["state"], result["form"]) == ("reported", form) and abs(total - own) < 0.01
    seen = f"{total:,.2f} {result['currency']} from {result['start']} on, {own:,.2f} in Cost Explorer"
    run.report.expect(is_so, region.name, f"cost_report, {schedule}: the costs are Cost Explorer's", seen)

    addresses = sorted(REHEARSAL.alarm_emails)
    shown = [band["service"] for band in result["bands"] if form == "long" or band["state"] in _ABOVE]
    bands = {band.service for band in REHEARSAL.cost_bands}
    is_so = (
        sorted(email.to for email in emails) == addresses
        and all(f"{total:,.2f}" in text for email in emails for text in (email.subject, email.message))
        and all(service in email.message for email in emails for service in shown)
        and {band["service"] for band in result["bands"]} == bands
    )
    seen = f"“{emails[0].subject}” to {', '.join(addresses)}" if emails else "no email"
    run.report.expect(is_so, region.name, f"cost_report, {schedule}: the email arrives with total and bands", seen)

    expected: dict[Metric, float] = {("MonthToDateCost", ""): total}
    if result["forecast"] is not None:
        expected["ForecastCost", ""] = float(result["forecast"])
    expect_metrics(run, region, outcome, expected)
    above = sum(band["state"] in _ABOVE for band in result["bands"])
    lines = emails[0].message.count("\n")
    did = f"{total:,.2f} {result['currency']} this month, {above} of {len(bands)} bands exceeded"
    return outcome.reported(region, f"{did}: {lines} lines emailed to {len(emails)}")


def _in_cost_explorer(run: Run, region: Region, result: dict[str, Any]) -> float:
    """Ask Cost Explorer for the reported days' costs of what has the environment's tag."""
    answer = run.client("ce", region).get_cost_and_usage(
        TimePeriod={"Start": result["start"], "End": result["end"]},
        Granularity="MONTHLY",
        Metrics=[REHEARSAL.cost_metric],
        Filter={"Tags": {"Key": "Environment", "Values": [REHEARSAL.name]}},
    )
    return sum(float(one["Total"][REHEARSAL.cost_metric]["Amount"]) for one in answer["ResultsByTime"])
