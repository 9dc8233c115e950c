"""Run the deployed cost_report on both of its schedules, and read the emails."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from config import REHEARSAL
from prices.items import HOURS
from prices.table import UnpricedError
from rehearsal.report.facts import CheckRun
from rehearsal.run import Region, Run
from rehearsal.steps.fire_schedule import Metric, expect_metrics, fire
from rehearsal.steps.inbox import Inbox
from rehearsal.steps.price_deployed import priced

_TASKS = 3.0


def prove(run: Run, region: Region) -> list[CheckRun]:
    """Run the daily report, then the weekly one, as if three tasks had run yesterday."""
    run.client("cloudwatch", region).put_metric_data(
        Namespace="PardonSimulator",
        MetricData=[
            {
                "MetricName": "DesiredTasks",
                "Dimensions": [{"Name": "Environment", "Value": REHEARSAL.name}],
                "Timestamp": datetime.now(UTC).replace(hour=0, minute=0) - timedelta(hours=12),
                "Value": _TASKS,
            }
        ],
    )
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
    shown = [band["service"] for band in result["bands"]] if form == "long" else result["above_list_price"]
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
    if _compared(run, region, schedule, result):
        expected["ServicesAboveListPrice", ""] = len(result["above_list_price"])
    if result["forecast"] is not None:
        expected["ForecastCost", ""] = float(result["forecast"])
    expect_metrics(run, region, outcome, expected)
    above = len(result["above_list_price"])
    lines = emails[0].message.count("\n")
    did = f"{total:,.2f} {result['currency']} this month, {result['list_price']} by list price, {above} services above"
    return outcome.reported(region, f"{did}: {lines} lines emailed to {len(emails)}")


def _compared(run: Run, region: Region, schedule: str, result: dict[str, Any]) -> bool:
    """Check the comparison with list prices; whether there are any of this region."""
    name = f"cost_report, {schedule}: costs are compared with the list price of what is deployed"
    try:
        price = priced(run, region)
    except UnpricedError as error:
        run.report.expect(result["not_compared"] == str(error), region.name, name, f"not compared: {error}")
        return False
    days = date.fromisoformat(result["end"]) - date.fromisoformat(result["start"])
    is_so = abs(float(result["list_price"] or 0) - days.days * 24 / HOURS * price.usd(_TASKS)) < 0.02
    above = ", ".join(result["above_list_price"]) or "none"
    seen = f"{result['list_price']} at {result['average_tasks']} tasks; {result['not_compared']}above: {above}"
    run.report.expect(is_so, region.name, name, seen)
    return True


def _in_cost_explorer(run: Run, region: Region, result: dict[str, Any]) -> float:
    """Ask Cost Explorer for the reported days' costs of what has the environment's tag."""
    answer = run.client("ce", region).get_cost_and_usage(
        TimePeriod={"Start": result["start"], "End": result["end"]},
        Granularity="MONTHLY",
        Metrics=[REHEARSAL.cost_metric],
        Filter={"Tags": {"Key": "Environment", "Values": [REHEARSAL.name]}},
    )
    return sum(float(one["Total"][REHEARSAL.cost_metric]["Amount"]) for one in answer["ResultsByTime"])
