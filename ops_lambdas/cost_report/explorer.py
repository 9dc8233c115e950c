"""Requests to Cost Explorer. Each costs $0.01, so they are counted and bounded."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ops_lambdas.cost_report.core import Band, CostDataError, Costs, Forecast, Period, Periods, Report, assess
from ops_lambdas.shared.bounds import shown
from ops_lambdas.shared.connecting import in_time

# The only region of Cost Explorer. https://docs.aws.amazon.com/general/latest/gr/billing.html
_REGION = "us-east-1"
_CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "max_attempts": 4})
# A short report needs four requests, a long one five, and one more after a shorter month; the rest is for
# further pages. An account with some dozens of services has one page.
MAX_REQUESTS = 15
_MAX_AMOUNT = 10**12
# What reading an answer of another shape than the documented one raises.
_UNEXPECTED = (LookupError, TypeError, AttributeError)

TagState = Literal["active", "inactive", "unknown"]


class CostExplorerError(RuntimeError):
    """Cost Explorer could not be queried; names the operation and why."""


class CostExplorer:
    """One account's costs, filtered by a tag once `filter_by_tag` has found it active.

    Args:
        metric: "UnblendedCost" or "AmortizedCost".
        seconds: for all requests together.
    Attributes: requests, how many were sent (a retried one counts once).
    """

    def __init__(self, metric: str, *, seconds: float) -> None:
        self.requests = 0
        self._until = time.monotonic() + seconds
        self._metric = metric
        self._filter: dict[str, Any] = {}
        self._client = boto3.client("ce", region_name=_REGION, config=_CONFIG)

    def filter_by_tag(self, key: str, value: str) -> TagState:
        """Find out whether a cost-allocation tag is active, and if so, filter by it from now on.

        Returns:
            "unknown" in an account of an organization, where only the paying account may list tags.

        Raises:
            CostExplorerError: it cannot be asked.
        """
        try:
            answer = self._request("list_cost_allocation_tags", Status="Active", TagKeys=[key])
        except CostExplorerError as error:
            # https://github.com/hashicorp/terraform-provider-aws/issues/37636
            if "Linked account" in str(error):
                return "unknown"
            raise
        if not any(tag.get("TagKey") == key for tag in answer.get("CostAllocationTags", ())):
            return "inactive"
        self._filter = {"Filter": {"Tags": {"Key": key, "Values": [value], "MatchOptions": ["EQUALS"]}}}
        return "active"

    def costs(self, period: Period) -> Costs | None:
        """Return a period's costs by service, of one month at most; None when there are none (yet).

        A service whose amount is not valid is left out, and named.

        Raises:
            CostExplorerError: it cannot be asked.
            CostDataError: its numbers are in several currencies, or none is valid.
        """
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        units, invalid = _Units(), list[str]()
        is_estimated = False
        try:
            for result in self._results(period, GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}]):
                is_estimated = is_estimated or bool(result.get("Estimated", False))
                for group in result.get("Groups", []):
                    try:
                        service, amount = str(group["Keys"][0]), units.amount(group["Metrics"][self._metric])
                        amounts[service] += amount
                    except (*_UNEXPECTED, _InvalidAmountError) as error:
                        invalid.append(f"{shown(group)}: {_named(error)}")
        except _NoDataError:
            return None
        if invalid and not amounts:
            raise CostDataError(f"no amount is valid, e.g. {invalid[0]}")
        return Costs(units.currency, dict(amounts), is_estimated, tuple(invalid)) if amounts else None

    def months(self, period: Period) -> tuple[tuple[date, Decimal], ...]:
        """Return the total of each whole month that has data, oldest first; raises as `costs`."""
        units = _Units()
        months = []
        try:
            for result in self._results(period):
                if self._metric in result.get("Total", {}):
                    with suppress(*_UNEXPECTED, _InvalidAmountError):  # a month less, as one without data
                        amount = units.amount(result["Total"][self._metric])
                        months.append((date.fromisoformat(result["TimePeriod"]["Start"]), amount))
        except _NoDataError:
            return ()
        # Cost Explorer returns zero for months before the account existed, or before the tag was active.
        while months and months[0][1] == 0:
            del months[0]
        return tuple(months)

    def forecast(self, period: Period, currency: str) -> Forecast:
        """Return what Cost Explorer expects a period to cost, or why it has no forecast.

        Raises:
            CostExplorerError: it cannot be asked.
        """
        metric = {"UnblendedCost": "UNBLENDED_COST", "AmortizedCost": "AMORTIZED_COST"}[self._metric]
        try:
            # By day: a monthly forecast is refused for a period of a single day.
            answer = self._request(
                "get_cost_forecast", TimePeriod=_dates(period), Metric=metric, Granularity="DAILY", **self._filter
            )
        except _NoDataError as error:
            return Forecast("too_little_history", detail=str(error))
        except _RefusedError as error:
            return Forecast("refused", detail=str(error))
        units = _Units()
        try:
            rest = units.amount(answer["Total"])
        except (*_UNEXPECTED, _InvalidAmountError) as error:
            return Forecast("invalid", detail=_named(error))
        if rest and units.currency != currency:
            return Forecast("invalid", detail=f"costs are in {currency}, their forecast in {units.currency}")
        return Forecast("forecast", rest)

    def _results(self, period: Period, **arguments: Any) -> Iterator[Mapping[str, Any]]:
        arguments |= {"TimePeriod": _dates(period), "Granularity": "MONTHLY", "Metrics": [self._metric]}
        while True:
            answer = self._request("get_cost_and_usage", **arguments, **self._filter)
            if not isinstance(answer.get("ResultsByTime"), list):
                raise CostExplorerError(f"get_cost_and_usage answered without ResultsByTime: {shown(answer)}")
            yield from answer["ResultsByTime"]
            if not answer.get("NextPageToken"):
                return
            arguments["NextPageToken"] = answer["NextPageToken"]

    def _request(self, operation: str, **arguments: Any) -> Any:
        if self.requests >= MAX_REQUESTS:
            raise CostExplorerError(f"more than {MAX_REQUESTS} requests would be needed, at $0.01 each")
        self.requests += 1
        try:
            return in_time(lambda: getattr(self._client, operation)(**arguments), self._until - time.monotonic())
        except TimeoutError as error:
            raise CostExplorerError(f"Cost Explorer was too slow: {error} for {operation}") from error
        except self._client.exceptions.DataUnavailableException as error:
            raise _NoDataError(str(error)) from error
        except ClientError as error:
            is_invalid = error.response["Error"].get("Code") == "ValidationException"
            raise (_RefusedError if is_invalid else CostExplorerError)(str(error)) from error
        except (BotoCoreError, ResponseParserError) as error:
            raise CostExplorerError(f"Cost Explorer cannot be reached: {error}") from error


def gather(explorer: CostExplorer, periods: Periods, bands: Iterable[Band], *, with_history: bool) -> Report | None:
    """Request everything that a report contains; None when the reported days have no data.

    Raises:
        CostExplorerError, CostDataError: the report cannot be completed.
    """
    costs = explorer.costs(periods.reported)
    if costs is None:
        return None
    is_comparable = periods.comparable == periods.reported
    forecast = Forecast("month_complete")
    if periods.forecast:
        forecast = explorer.forecast(periods.forecast, costs.currency)
    return assess(
        periods,
        costs,
        compared=explorer.costs(periods.compared),
        comparable=costs if is_comparable else explorer.costs(periods.comparable) or Costs(costs.currency, {}),
        forecast=forecast,
        bands=bands,
        history=explorer.months(periods.history) if with_history else (),
    )


class _NoDataError(CostExplorerError):
    """Cost Explorer has no data for the request."""


class _RefusedError(CostExplorerError):
    """Cost Explorer found the request invalid."""


class _InvalidAmountError(ValueError):
    """An amount is not a number of money."""


def _named(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


class _Units:
    """Reads amounts, and requires one currency; an amount of zero may have any."""

    def __init__(self) -> None:
        self._units: set[str] = set()
        self._of_zeros: set[str] = set()

    @property
    def currency(self) -> str:
        return min(self._units or self._of_zeros, default="USD")

    def amount(self, value: Mapping[str, str]) -> Decimal:
        try:
            amount = Decimal(value["Amount"])
        except InvalidOperation:
            raise _InvalidAmountError(f"an amount must be a number, got {shown(value['Amount'])}") from None
        if not (amount.is_finite() and abs(amount) < _MAX_AMOUNT):
            raise _InvalidAmountError(f"an amount must be a number, got {shown(value['Amount'])}")
        (self._units if amount else self._of_zeros).add(value["Unit"])
        if len(self._units) > 1:
            raise CostDataError(f"amounts are in several currencies: {', '.join(sorted(self._units))}")
        return amount


def _dates(period: Period) -> dict[str, str]:
    return {"Start": period.start.isoformat(), "End": period.end.isoformat()}
