"""Settings of the cost report, and the options of its event."""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from ops_lambdas.cost_report.core import Band
from ops_lambdas.shared.settings import EnvironmentName, Kind, ResourceNames, TopicArn, matching, one_of


def _bands(value: str) -> tuple[Band, ...]:
    listed = json.loads(value, parse_float=Decimal, parse_int=Decimal)
    if not isinstance(listed, list):
        raise TypeError
    bands = tuple(_band(**one) for one in listed)
    if len({band.service for band in bands}) < len(bands):
        raise ValueError
    return bands


def _band(*, service: str, min_usd: Decimal, max_usd: Decimal) -> Band:
    if not (isinstance(service, str) and service and isinstance(min_usd, Decimal) and isinstance(max_usd, Decimal)):
        raise TypeError
    if not 0 <= min_usd <= max_usd:
        raise ValueError
    return Band(service, min_usd, max_usd)


def _positive(value: str) -> Decimal:
    number = Decimal(value)
    if not (number.is_finite() and number >= 0):
        raise ValueError
    return number


def _amount(value: str) -> Decimal:
    try:
        return _positive(value)
    except InvalidOperation:
        raise ValueError from None


_AMOUNT = Kind("a number, at least 0", _amount)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the cost report.

    Attributes:
        environment: also the value of the cost-allocation tag.
        stacks: every stack of the environment, each `<prefix>-<layer>`.
        cost_bands: of services, with Cost Explorer's names, and of "Total".
        cost_ceiling_usd: what a month may cost; absent where there is no ceiling.
        cost_tolerance_percent, cost_tolerance_usd: a service is above its list price when it is by more than both.
    """

    environment: EnvironmentName
    topic_arn: TopicArn
    stacks: ResourceNames
    cost_ceiling_usd: Annotated[Decimal | None, _AMOUNT] = None
    cost_tolerance_percent: Annotated[Decimal, _AMOUNT]
    cost_tolerance_usd: Annotated[Decimal, _AMOUNT]
    cost_bands: Annotated[
        tuple[Band, ...],
        Kind('a JSON list of {"service", "min_usd", "max_usd"}, 0 <= min_usd <= max_usd, each service once', _bands),
    ]
    cost_metric: Annotated[str, one_of("UnblendedCost", "AmortizedCost")]
    cost_tag_key: Annotated[str, matching(r"[\w .:/=+@-]{1,128}", "a tag's key, 1 to 128 characters")]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the event: how much the report contains."""

    form: Annotated[Literal["short", "long"], one_of("short", "long")] = "short"
