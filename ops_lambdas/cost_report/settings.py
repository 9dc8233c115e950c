"""Settings of the cost report, and the options of its event."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from ops_lambdas.cost_report.core import Band
from ops_lambdas.shared.settings import EnvironmentName, Kind, TopicArn, matching, one_of


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


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the cost report.

    Attributes:
        environment: also the value of the cost-allocation tag.
        cost_bands: of services, with Cost Explorer's names, and of "Total".
    """

    environment: EnvironmentName
    topic_arn: TopicArn
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
