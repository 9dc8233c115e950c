"""Cost Explorer over sample costs: MiniStack has none.

As on AWS, Start is included and End is not, answers come in pages, the groups of one period may be spread over
several pages, and a filter by a tag that no cost has finds nothing.
"""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import error_response_json, json_response

from rehearsal.emulator.services.cost_explorer_samples import (
    SERVICES,
    TAG_KEY,
    TAG_VALUE,
    UNTAGGED_SHARE,
    Service,
    days_between,
    of_days,
)

SERVICE, TARGET = "ce", "AWSInsightsIndexService"
PAGE_GROUPS = 5
METRICS = ("AmortizedCost", "BlendedCost", "NetAmortizedCost", "NetUnblendedCost", "UnblendedCost")
FORECAST_METRICS = ("AMORTIZED_COST", "BLENDED_COST", "NET_AMORTIZED_COST", "NET_UNBLENDED_COST", "UNBLENDED_COST")

Body = dict[str, Any]
Period = tuple[date, date]


class RefusedError(Exception):
    """The request is refused: code and message."""


def register() -> None:
    """Serve Cost Explorer, and enforce IAM policies on it."""
    app.SERVICE_HANDLERS[SERVICE] = handle
    router.SERVICE_PATTERNS[SERVICE] = {"target_prefixes": [TARGET]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE


async def handle(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: Any) -> Any:
    """Answer a request of the JSON protocol."""
    operation = OPERATIONS.get(headers.get("x-amz-target", "").rpartition(".")[2])
    if operation is None:
        return error_response_json("UnknownOperationException", "This operation is not emulated", 400)
    try:
        return json_response(operation(json.loads(body or b"{}"), datetime.now(UTC).date()))
    except RefusedError as refused:
        code, message = refused.args
        return error_response_json(code, message, 400)


def get_cost_and_usage(request: Body, today: date) -> Body:
    """Costs by period and, grouped, by service."""
    wanted = request.get("Metrics") or []
    if not wanted or not set(wanted) <= set(METRICS):
        raise RefusedError("ValidationException", f"Metrics must be of {', '.join(METRICS)}, got {wanted}")
    groups = request.get("GroupBy") or []
    if groups not in ([], [{"Type": "DIMENSION", "Key": "SERVICE"}]):
        raise RefusedError("ValidationException", f"GroupBy {groups} is not emulated, only DIMENSION SERVICE")
    share = tagged_share(request.get("Filter"))
    found = list(parts(*period(request), request.get("Granularity", "")))
    if not groups:
        return {"ResultsByTime": [total(part, wanted, share, today) for part in found], "DimensionValueAttributes": []}
    lines = [(part, service) for part in found for service in SERVICES if share]
    begin = offset(request.get("NextPageToken"), len(lines))
    page = lines[begin : begin + PAGE_GROUPS]
    results = []
    for part in found:
        own = [service for other, service in page if other == part]
        if own or not begin:
            amounts = [{"Keys": [one.name], "Metrics": metrics([one], part, wanted, share, today)} for one in own]
            results.append({**describe(part, today), "Total": {}, "Groups": amounts})
    answer: Body = {"GroupDefinitions": groups, "ResultsByTime": results, "DimensionValueAttributes": []}
    if begin + PAGE_GROUPS < len(lines):
        answer["NextPageToken"] = base64.b64encode(str(begin + PAGE_GROUPS).encode()).decode()
    return answer


def get_cost_forecast(request: Body, today: date) -> Body:
    """The averages carried on; none where there are no costs."""
    start, end = period(request)
    if request.get("Metric") not in FORECAST_METRICS:
        raise RefusedError("ValidationException", f"Metric must be of {', '.join(FORECAST_METRICS)}")
    if start < today:
        raise RefusedError("ValidationException", f"Start date should not be in the past: {start}, today is {today}")
    share = tagged_share(request.get("Filter"))
    if not share:
        text = "Insufficient amount of historical data available to generate forecast."
        raise RefusedError("DataUnavailableException", text)
    is_amortized = "AMORTIZED" in request["Metric"]
    a_day = sum(one.usd_a_day * (one.amortized_share if is_amortized else 1) for one in SERVICES) * share
    found = [(first, last, a_day * (last - first).days) for first, last in parts(start, end, request["Granularity"])]
    results = [{"TimePeriod": span(first, last), "MeanValue": f"{mean:.10f}"} for first, last, mean in found]
    return {"Total": money(sum(mean for *_, mean in found)), "ForecastResultsByTime": results}


def list_cost_allocation_tags(request: Body, _today: date) -> Body:
    """The one tag that is activated for cost allocation, unless it was deactivated."""
    tag = {"TagKey": TAG_KEY, "Type": "UserDefined", "Status": _statuses[TAG_KEY]}
    keys, status = request.get("TagKeys") or [TAG_KEY], request.get("Status", "Active")
    kind = request.get("Type", "UserDefined")
    is_asked_for = TAG_KEY in keys and status == _statuses[TAG_KEY] and kind == "UserDefined"
    return {"CostAllocationTags": [tag] if is_asked_for else []}


def update_cost_allocation_tags_status(request: Body, _today: date) -> Body:
    """Activate or deactivate tags."""
    _statuses.update({one["TagKey"]: one["Status"] for one in request["CostAllocationTagsStatus"]})
    return {"Errors": []}


_statuses = {TAG_KEY: "Active"}
OPERATIONS: dict[str, Callable[[Body, date], Body]] = {
    "GetCostAndUsage": get_cost_and_usage,
    "GetCostForecast": get_cost_forecast,
    "ListCostAllocationTags": list_cost_allocation_tags,
    "UpdateCostAllocationTagsStatus": update_cost_allocation_tags_status,
}


def period(request: Body) -> Period:
    """Start and end of the request.

    Raises:
        RefusedError: they are not dates, or start is not before end.
    """
    try:
        start, end = (date.fromisoformat(request["TimePeriod"][name]) for name in ("Start", "End"))
    except (KeyError, ValueError) as error:
        raise RefusedError("ValidationException", f"TimePeriod must have two dates, YYYY-MM-DD: {error}") from error
    if start >= end:
        raise RefusedError("ValidationException", "Start date (and hour) should be before end date (and hour)")
    return start, end


def parts(start: date, end: date, granularity: str) -> Iterator[Period]:
    """The period's days, or calendar months."""
    if granularity not in ("DAILY", "MONTHLY"):
        raise RefusedError("ValidationException", f"Granularity must be DAILY or MONTHLY, got {granularity!r}")
    while start < end:
        next_month = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        stop = min(end, start + timedelta(days=1) if granularity == "DAILY" else next_month)
        yield start, stop
        start = stop


def tagged_share(filter_: Body | None) -> float:
    """The share of the costs that a filter leaves: all without one, none for a tag that no cost has."""
    if not filter_:
        return 1.0
    if set(filter_) != {"Tags"}:
        raise RefusedError("ValidationException", f"Filter {filter_} is not emulated, only one of Tags")
    is_ours = filter_["Tags"].get("Key") == TAG_KEY and TAG_VALUE in filter_["Tags"].get("Values", [])
    return 1 - UNTAGGED_SHARE if is_ours else 0.0


def offset(token: str | None, count: int) -> int:
    """Where the page of that token begins."""
    try:
        begin = int(base64.b64decode(token or b"MA==", validate=True))
    except ValueError:
        begin = -1
    if begin < 0 or (token and begin >= count):
        raise RefusedError("InvalidNextTokenException", "The next page token is invalid")
    return begin


def total(part: Period, wanted: list[str], share: float, today: date) -> Body:
    """The result of a period without groups."""
    return {**describe(part, today), "Total": metrics(list(SERVICES), part, wanted, share, today), "Groups": []}


def describe(part: Period, today: date) -> Body:
    """A period, and whether its costs may still change."""
    return {"TimePeriod": span(*part), "Estimated": part[1] > today.replace(day=1)}


def metrics(services: list[Service], part: Period, wanted: list[str], share: float, today: date) -> Body:
    """The wanted metrics of some services together."""
    return {
        metric: money(
            sum(
                of_days(one, days_between(*part), today, is_amortized="Amortized" in metric, tagged_share=share)
                for one in services
            )
        )
        for metric in wanted
    }


def span(start: date, end: date) -> Body:
    """A TimePeriod."""
    return {"Start": start.isoformat(), "End": end.isoformat()}


def money(amount: float) -> Body:
    """An amount as Cost Explorer writes it."""
    return {"Amount": f"{amount:.10f}", "Unit": "USD"}
