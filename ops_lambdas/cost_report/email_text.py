"""The report as a plain-text email: amounts before names, so that columns line up in any font."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from ops_lambdas.cost_report.core import BAND_CURRENCY, TOTAL, BandJudgement, Change, Period, Report
from ops_lambdas.cost_report.explorer import TagState
from ops_lambdas.cost_report.findings import Comparison, CouldGo, ServicePrice
from ops_lambdas.shared.bounds import cut
from ops_lambdas.shared.topic import MAX_SUBJECT_LENGTH

Form = Literal["short", "long"]

_SHORT_SERVICES, _LONG_SERVICES = 5, 100
_SHOWN_INVALID = 5
_MAX_NAME = 200
_MAX_REASON = 300
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


@dataclass(frozen=True)
class Email:
    """The email of a report that has costs.

    Attributes:
        ceiling: of the whole month, in USD; None without one.
    """

    environment: str
    report: Report
    comparison: Comparison
    could_go: CouldGo
    ceiling: Decimal | None

    def subject(self) -> str:
        """Return the email's subject: total, forecast, and what is above its list price or the ceiling."""
        report = self.report
        month = f"{report.periods.reported.start:%B %Y}"
        parts = [f"Costs of {self.environment}, {month}: {_money(report.costs.total)} {report.costs.currency}"]
        if report.total_forecast is not None:
            above = f" above {_money(self.ceiling)}" if self.ceiling is not None and self._is_above_ceiling else ""
            parts.append(f"forecast {_money(report.total_forecast)}{above}")
        if self.comparison.above:
            parts.append(f"ABOVE: {', '.join(one.service for one in self.comparison.above)}")
        return _subject("; ".join(parts))

    def text(self, form: Form, *, metric: str, scope: str) -> str:
        """Return the email's text.

        Args:
            scope: a sentence that names whose costs these are.
        """
        report, costs = self.report, self.report.costs
        is_complete = report.periods.forecast is None
        lines = [
            f"Costs of {self.environment}, {_days(report.periods.reported)}" + ", the whole month" * is_complete,
            f"{metric} in {costs.currency}. {scope}",
            "",
            f"{_money(costs.total):>12}  {'in total' if is_complete else 'so far'}",
            *self._list_price(),
            *_forecast(report),
            *self._ceiling(),
            *_comparison(report),
            "",
            *self._above(),
            "",
            *self._services(form),
        ]
        if form == "long":
            lines += ["", *self._could_go(), "", *self._bands(), *_history(report)]
        if report.invalid:
            lines += ["", f"Left out, {len(report.invalid)} in all:", *report.invalid[:_SHOWN_INVALID]]
        if costs.is_estimated:
            lines += [
                "",
                "These numbers are AWS's estimates: the last day or two may still rise. The bill becomes final later.",
            ]
        return "\n".join(lines) + "\n"

    @property
    def _is_above_ceiling(self) -> bool:
        forecast = self.report.total_forecast
        is_usd = self.report.costs.currency == BAND_CURRENCY
        return is_usd and None not in (forecast, self.ceiling) and forecast > self.ceiling  # type: ignore[operator]

    def _ceiling(self) -> list[str]:
        is_usd = self.report.costs.currency == BAND_CURRENCY
        if self.ceiling is None or self.report.total_forecast is None or not is_usd:
            return []
        word = "BELOW the forecast" if self._is_above_ceiling else "not reached by the forecast"
        return [f"{_money(self.ceiling):>12}  ceiling of the month, {word}"]

    def _list_price(self) -> list[str]:
        if not self.comparison.services:
            return [f"{'-':>12}  list price: not compared, {cut(self.comparison.why_not, _MAX_REASON)}"]
        tasks = f"{self.comparison.tasks:.1f} tasks on average"
        return [f"{_money(self.comparison.list_price):>12}  by list price, what is deployed at {tasks}"]

    def _above(self) -> Iterable[str]:
        if not self.comparison.services:
            return []
        if not self.comparison.above:
            return ["No service is above its list price."]
        return ["ABOVE list price:", *map(_above, self.comparison.above)]

    def _services(self, form: Form) -> Iterable[str]:
        services = self.report.services
        shown = services[: _LONG_SERVICES if form == "long" else _SHORT_SERVICES]
        yield "By service:" if form == "long" else "Most expensive:"
        for one in shown:
            price = self.comparison.of(one.service)
            notes = [f"list price {_money(price.list_price)}"] if price else []
            if one.change and form == "long":
                notes.append(_changed(one.change))
            beside = f"  ({'; '.join(notes)})" if notes else ""
            yield f"{_money(one.cost):>12}  {cut(one.service, _MAX_NAME)}{beside}"
        others = services[len(shown) :]
        if others:
            yield f"{_money(sum((one.cost for one in others), Decimal(0))):>12}  {len(others)} others"

    def _could_go(self) -> Iterable[str]:
        found, unknown = self.could_go.found, self.could_go.unknown
        yield "What could go, in USD a month:" if found else "Nothing was found that could go."
        for one in found:
            yield f"{one.usd:>12,.2f}  {one.what}"
        for reason in unknown:
            yield f"{'-':>12}  not looked at: {cut(reason, _MAX_REASON)}"

    def _bands(self) -> Iterable[str]:
        """The runbook's bands, and what explains the difference: the most expensive items of the list price."""
        bands = self.report.bands
        if not bands:
            return ["No bands are configured."]
        if all(one.state == "not_compared" for one in bands):
            return [f"Bands are in USD, not compared with {self.report.costs.currency}."]
        return ["Bands of the runbook for a whole month, in USD:", *map(self._band, bands)]

    def _band(self, one: BandJudgement) -> str:
        limits = f"{_money(one.band.min_usd)} to {_money(one.band.max_usd)}"
        price = self.comparison.of(one.band.service)
        is_total = one.band.service == TOTAL
        explained = self.comparison.items if is_total else price.items if price else ()
        items = f"; a month's list price: {_items(explained)}" if explained else ""
        return f"{_money(one.cost):>12}  {one.band.service}: {_BAND_WORDS[one.state]} ({limits}{items})"


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


def _above(one: ServicePrice) -> str:
    because = f", for {_items(one.items)} a month" if one.items else ", as nothing of it is deployed"
    return f"{_money(one.cost):>12}  {cut(one.service, _MAX_NAME)}: list price {_money(one.list_price)}{because}"


def _items(items: tuple[tuple[str, Decimal], ...]) -> str:
    return ", ".join(f"{item} {_money(usd)}" for item, usd in items)


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
