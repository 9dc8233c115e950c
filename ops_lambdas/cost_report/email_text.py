"""The report as a plain-text email: amounts before names, so that columns line up in any font."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal

from ops_lambdas.cost_report.core import BandJudgement, Change, Period, Report
from ops_lambdas.cost_report.explorer import TagState
from ops_lambdas.shared.bounds import cut
from ops_lambdas.shared.topic import MAX_SUBJECT_LENGTH

Form = Literal["short", "long"]

_SHORT_SERVICES, _LONG_SERVICES = 5, 100
_SHOWN_INVALID = 5
_MAX_NAME = 200
_FORECAST_REASONS = {
    "too_little_history": "none yet, AWS has too little history",
    "refused": "none, AWS refused the request",
    "invalid": "none, AWS's answer is not valid",
}
_BAND_WORDS = {
    "above": "ABOVE its maximum",
    "forecast_above": "forecast to be ABOVE its maximum",
    "not_above": "within its maximum",
    "no_cost": "no cost with this name",
    "not_compared": "not compared",
}


def subject(environment: str, report: Report) -> str:
    """Return the email's subject: total, forecast, and bands exceeded."""
    month = f"{report.periods.reported.start:%B %Y}"
    parts = [f"Costs of {environment}, {month}: {_money(report.costs.total)} {report.costs.currency}"]
    if report.total_forecast is not None:
        parts.append(f"forecast {_money(report.total_forecast)}")
    if report.above:
        names = ", ".join(one.band.service for one in report.above)
        parts.append(f"ABOVE: {names}")
    return _subject("; ".join(parts))


def text(environment: str, report: Report, *, form: Form, metric: str, scope: str) -> str:
    """Return the email's text.

    Args:
        scope: a sentence that names whose costs these are.
    """
    costs = report.costs
    is_complete = report.periods.forecast is None
    lines = [
        f"Costs of {environment}, {_days(report.periods.reported)}{', the whole month' if is_complete else ''}",
        f"{metric} in {costs.currency}. {scope}",
        "",
        f"{_money(costs.total):>12}  {'in total' if is_complete else 'so far'}",
        *_forecast(report),
        *_comparison(report),
        "",
        *_bands(report, form),
        "",
        *_services(report, form),
    ]
    if form == "long":
        lines += _history(report)
    if report.invalid:
        lines += ["", f"Left out, {len(report.invalid)} in all:", *report.invalid[:_SHOWN_INVALID]]
    if costs.is_estimated:
        lines += [
            "",
            "These numbers are AWS's estimates: the last day or two may still rise. The bill becomes final later.",
        ]
    return "\n".join(lines) + "\n"


def scope(tag: TagState, key: str, environment: str) -> str:
    """Return the sentence that names whose costs these are."""
    if tag == "active":
        return f"Only costs tagged {key}={environment}; costs without tags, such as tax and support, are not included."
    if tag == "inactive":
        return f"The whole account: the cost-allocation tag {key} is not activated (Billing, Cost allocation tags)."
    return f"The whole account: only the organization's paying account knows whether the tag {key} is activated."


def no_data_subject(environment: str) -> str:
    """Return the subject of a report without numbers."""
    return _subject(f"Costs of {environment}: no data yet")


def no_data_text(environment: str, period: Period, *, scope: str) -> str:
    """Return the text of a report without numbers."""
    return (
        f"Cost Explorer has no costs of {environment} for {_days(period)}. {scope}\n\n"
        "This does not mean zero. A new account, or a tag activated recently, shows its first costs after a day.\n"
    )


def _forecast(report: Report) -> list[str]:
    if report.total_forecast is not None:
        rest = f"{_money(report.costs.total)} so far and {_money(report.forecast.rest)} to come"
        return [f"{_money(report.total_forecast):>12}  forecast by AWS for the whole month ({rest})"]
    reason = _FORECAST_REASONS.get(report.forecast.state)
    return [f"{'-':>12}  forecast: {reason}"] if reason else []


def _comparison(report: Report) -> list[str]:
    if report.change is None:
        return [f"{'-':>12}  no data for the previous month to compare with"]
    compared, comparable = report.periods.compared, report.periods.comparable
    against = (
        "" if comparable == report.periods.reported else f", against {_money(report.change.now)} in {_days(comparable)}"
    )
    return [f"{_money(report.change.before):>12}  in {_days(compared)}{against}: {_changed(report.change)}"]


def _bands(report: Report, form: Form) -> Iterable[str]:
    if not report.bands:
        return ["No bands are configured."]
    if all(one.state == "not_compared" for one in report.bands):
        return [f"Bands are in USD, not compared with {report.costs.currency}."]
    if form == "long":
        return ["Bands for a whole month, in USD:", *map(_band, report.bands)]
    if report.above:
        return ["Above the band:", *map(_band, report.above)]
    return ["Nothing is above its band."]


def _band(one: BandJudgement) -> str:
    limits = f"{_money(one.band.min_usd)} to {_money(one.band.max_usd)}"
    return f"{_money(one.cost):>12}  {one.band.service}: {_BAND_WORDS[one.state]} ({limits})"


def _services(report: Report, form: Form) -> Iterable[str]:
    shown = report.services[: _LONG_SERVICES if form == "long" else _SHORT_SERVICES]
    yield "By service:" if form == "long" else "Most expensive:"
    for one in shown:
        change = f"  ({_changed(one.change)})" if one.change and form == "long" else ""
        yield f"{_money(one.cost):>12}  {cut(one.service, _MAX_NAME)}{change}"
    others = report.services[len(shown) :]
    if others:
        yield f"{_money(sum((one.cost for one in others), Decimal(0))):>12}  {len(others)} others"


def _history(report: Report) -> Iterable[str]:
    if report.history:
        yield ""
        yield "Earlier months:"
        for month, amount in report.history:
            yield f"{_money(amount):>12}  {month:%B %Y}"


def _changed(change: Change) -> str:
    amount = _money(change.amount, sign="+")
    return amount if change.percent is None or amount == "0.00" else f"{amount}, {_rounded(change.percent, 1, '+')} %"


def _money(amount: Decimal, *, sign: str = "") -> str:
    return _rounded(amount, 2, sign)


def _rounded(number: Decimal, digits: int, sign: str) -> str:
    """Return the rounded number; without a sign when it is zero."""
    is_zero = not round(number, digits)
    return f"{Decimal(0):.{digits}f}" if is_zero else f"{number:{sign},.{digits}f}"


def _days(period: Period) -> str:
    if period.days == 1:
        return _day(period.start)
    return f"{period.start.day} to {_day(period.last)} ({period.days} days)"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _subject(line: str) -> str:
    """Return what SNS accepts as a subject: printable ASCII of bounded length."""
    ascii_line = "".join(character if " " <= character <= "~" else "?" for character in line)
    is_short = len(ascii_line) <= MAX_SUBJECT_LENGTH
    return ascii_line if is_short else f"{ascii_line[: MAX_SUBJECT_LENGTH - 3]}..."
