"""Publishing metrics as lines of CloudWatch's embedded metric format on standard output."""

import hashlib
from collections.abc import Mapping
from typing import Literal, NamedTuple

from aws_lambda_powertools.metrics import EphemeralMetrics

NAMESPACE = "PardonSimulator"

_MAX_DIMENSION_LENGTH = 255  # CloudWatch allows 1024 characters; our names are far shorter


class Metric(NamedTuple):
    """One measured number.

    Attributes:
        unit: CloudWatch's, which has none for minutes or money.
        is_rare: not published while it is zero: a metric is charged for each hour in which it is published. No alarm
            may need its zeros.
    """

    name: str
    value: float
    unit: Literal["Count", "Percent", "Milliseconds", "None"] = "Count"
    is_rare: bool = False


def publish(dimensions: Mapping[str, str], *metrics: Metric) -> None:
    """Publish metrics under exactly these dimensions, without the rare ones that are zero.

    With a dimension for the service, no alarm would find the metric: the empty service keeps Powertools from adding
    one from the logger's environment variable.
    """
    emf = EphemeralMetrics(namespace=NAMESPACE, service="")
    for name, value in dimensions.items():
        emf.add_dimension(name, _dimension_value(value))
    sent = [metric for metric in metrics if is_sent(metric)]
    for metric in sent:
        emf.add_metric(metric.name, metric.unit, metric.value)
    if sent:
        emf.flush_metrics()


def is_sent(metric: Metric) -> bool:
    """Whether a metric is published with this value."""
    return bool(metric.value) or not metric.is_rare


def _dimension_value(text: str) -> str:
    """Return what CloudWatch accepts as a dimension's value: printable ASCII that is not blank.

    Values can come from the application's tables. CloudWatch would drop the whole line for one that it refuses, and
    leave out a blank one, so that the number would count as the total. What had to be changed gets a part of the text's
    hash, so that two texts never share a metric.
    """
    printable = "".join(character if " " <= character <= "~" else "?" for character in text)
    cleaned = printable.strip().lstrip(":")[:_MAX_DIMENSION_LENGTH].strip()
    if text and cleaned == text:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{cleaned[: _MAX_DIMENSION_LENGTH - 10].strip() or '(blank)'} #{digest}"
