"""CloudWatch's metric math and alarm evaluation over series, as far as the alarms use them.

A series is a list with one value a period, None where there is no datum. What is not implemented is refused,
so that no untested expression passes as tested. No library on PyPI does this.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Series = Sequence[float | None]

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
}


def evaluate(expression: str, series: Mapping[str, Series], period_seconds: int) -> list[float | None]:
    """The value of `expression` in each period.

    Raises:
        NotImplementedError: the expression uses what is not implemented.
    """
    return _Evaluation(series, period_seconds).of(ast.parse(expression, mode="eval").body)


def fires(alarm: Mapping[str, Any], series: Mapping[str, Series]) -> bool:
    """Whether an alarm (properties of AWS::CloudWatch::Alarm) is in alarm after the last period of `series`."""
    if "Metrics" in alarm:
        (formula,) = (query for query in alarm["Metrics"] if query.get("ReturnData", True))
        period = next(query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query)
        values = evaluate(formula["Expression"], series, period)
    else:
        (values,) = map(list, series.values())
    compare = {"GreaterThanThreshold": operator.gt, "LessThanThreshold": operator.lt}[alarm["ComparisonOperator"]]
    is_missing_breach = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
    last = values[-alarm["EvaluationPeriods"] :]
    assert len(last) == alarm["EvaluationPeriods"], "the series are shorter than the alarm looks back"
    breaches = [is_missing_breach if value is None else compare(value, alarm["Threshold"]) for value in last]
    return bool(sum(breaches) >= alarm.get("DatapointsToAlarm", len(last)))


class _Evaluation:
    def __init__(self, series: Mapping[str, Series], period_seconds: int) -> None:
        self._series, self._period = series, period_seconds
        (self._length,) = {len(values) for values in series.values()}

    def of(self, node: ast.expr) -> list[float | None]:
        match node:
            case ast.Constant(value=int() | float() as value):
                return [float(value)] * self._length
            case ast.Name(id=name):
                return list(self._series[name])
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return [_quotient(a, b) for a, b in zip(self.of(left), self.of(right), strict=True)]
            case ast.BinOp(left=left, op=op, right=right):
                return self._each(op, left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._each(op, left, right)
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return self._call(function, [self.of(argument) for argument in arguments])
        raise NotImplementedError(ast.dump(node))

    def _each(self, op: ast.AST, left: ast.expr, right: ast.expr) -> list[float | None]:
        if type(op) not in _OPERATORS:
            raise NotImplementedError(ast.dump(op))
        apply = _OPERATORS[type(op)]
        pairs = zip(self.of(left), self.of(right), strict=True)
        return [None if a is None or b is None else float(apply(a, b)) for a, b in pairs]

    def _call(self, function: str, arguments: list[list[float | None]]) -> list[float | None]:
        match function, arguments:
            case "FILL", [values, filling]:
                return [b if a is None else a for a, b in zip(values, filling, strict=True)]
            case "IF", [condition, yes, no]:
                choices = zip(condition, yes, no, strict=True)
                return [None if is_so is None else a if is_so else b for is_so, a, b in choices]
            case "RATE", [values]:
                return self._rate(values)
        raise NotImplementedError(function)

    def _rate(self, values: list[float | None]) -> list[float | None]:
        """Change a second since the datum before, none for the first."""
        rates: list[float | None] = []
        before: tuple[int, float] | None = None
        for place, value in enumerate(values):
            if value is None or before is None:
                rates.append(None)
            else:
                rates.append((value - before[1]) / ((place - before[0]) * self._period))
            before = before if value is None else (place, value)
        return rates


def _quotient(dividend: float | None, divisor: float | None) -> float | None:
    return None if dividend is None or not divisor else dividend / divisor
