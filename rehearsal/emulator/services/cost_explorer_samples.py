"""Sample costs of an account: the same for the same days, so that a report can be checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

TAG_KEY, TAG_VALUE = "Environment", "rehearsal"
UNTAGGED_SHARE = 0.1  # of each service: costs without the tag, as data transfer often is


@dataclass(frozen=True)
class Service:
    """What a service costs a day on average, and how much less of it amortizing an upfront payment shows."""

    name: str  # as Cost Explorer's dimension SERVICE spells it
    usd_a_day: float
    amortized_share: float = 1.0


# Within the list price of what is deployed at three tasks; CloudWatch is above its band, $10 a month.
SERVICES = (
    Service("AWS Data Transfer", 0.40),
    Service("AWS Key Management Service", 0.07),
    Service("AWS Secrets Manager", 0.19),
    Service("AmazonCloudWatch", 0.52),
    Service("EC2 - Other", 2.16),
    Service("Amazon EC2 Container Registry (ECR)", 0.03),
    Service("Amazon Elastic Container Service", 5.10),
    Service("Amazon Elastic Load Balancing", 0.53),
    Service("Amazon Relational Database Service", 3.30, 0.9),
    Service("Amazon Route 53", 0.02),
    Service("Amazon Simple Storage Service", 0.01),
    Service("Amazon Virtual Private Cloud", 0.46),
    Service("Refund", -0.25),
)


def of_day(service: Service, day: date, today: date) -> float:
    """Unblended US dollars of a day: up to 4 % around the average, half of it so far today, none later."""
    if day > today:
        return 0.0
    variation = 1 + 0.02 * ((day.toordinal() + len(service.name)) % 5 - 2)
    return service.usd_a_day * variation * (0.5 if day == today else 1)


def of_days(service: Service, days: Iterator[date], today: date, *, is_amortized: bool, tagged_share: float) -> float:
    """US dollars of some days."""
    share = tagged_share * (service.amortized_share if is_amortized else 1)
    return share * sum(of_day(service, day, today) for day in days)


def days_between(start: date, end: date) -> Iterator[date]:
    """The days from start to before end."""
    return (start + timedelta(days=number) for number in range((end - start).days))
