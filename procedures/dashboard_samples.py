"""Sample data for a dashboard: invented, but plausible, and the same each time."""

import ast
import hashlib
import math
import operator
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 3, 16, 14, 30, tzinfo=UTC)
GIB = 1024**3
# Metric → lowest and highest value in the sample; those that count rare events are mostly 0.
RANGES: dict[str, tuple[float, float]] = {
    "CPUUtilization": (28, 58),
    "MemoryUtilization": (52, 61),
    "TargetResponseTime": (1.1, 2.1),
    "RequestCount": (900, 2400),
    "HTTPCode_Target_2XX_Count": (800, 2200),
    "HTTPCode_Target_3XX_Count": (60, 160),
    "HTTPCode_Target_4XX_Count": (10, 45),
    "HealthyHostCount": (3, 3),
    "RunningTaskCount": (3, 3),
    "DesiredTaskCount": (3, 3),
    "DeploymentCount": (1, 1),
    "DatabaseConnections": (18, 44),
    "FreeStorageSpace": (13.1 * GIB, 13.4 * GIB),
    "FreeableMemory": (1.1 * GIB, 1.6 * GIB),
    "SwapUsage": (0.01 * GIB, 0.02 * GIB),
    "CPUCreditBalance": (480, 576),
    "DBLoadCPU": (0.2, 0.8),
    "DBLoadNonCPU": (0.05, 0.3),
    "ReadLatency": (0.0006, 0.0014),
    "WriteLatency": (0.0011, 0.0026),
    "ReadIOPS": (8, 30),
    "WriteIOPS": (25, 70),
    "ReplicaLag": (0.02, 0.5),
    "ActiveThreads": (8, 33),
    "ActiveSessions": (3, 14),
    "TotalSessionsInUse": (30, 49),
    "SessionsEnded": (2, 18),
    "ThreadsListed": (70, 120),
    "ThreadsClosed": (3, 22),
    "Invocations": (1, 12),
    "Duration": (350, 2600),
    "NumberOfNotificationsDelivered": (0, 2),
    "OldestSecretDays": (41, 41.2),
    "ConfirmedSubscribers": (2, 2),
    "UnconfirmedSubscribers": (0, 0),
    "RestorableMinutesAgo": (2, 6),
    "RecoveryPointMinutesAgo": (6, 14),
    "MonthToDateCost": (9, 168),
    "ForecastCost": (318, 342),
    **dict.fromkeys(("PendingTaskCount", "UnHealthyHostCount", "UnhealthyPools", "ThreadCleanupRefused"), (0.0, 0.0)),
    **dict.fromkeys(("TasksUnreachable", "TasksUnlisted", "TasksWithoutPools", "PoolsUnlisted"), (0.0, 0.0)),
    **dict.fromkeys(("ThreadsStillListed", "SessionsLeft", "ThreadsFailed"), (0.0, 0.0)),
    **dict.fromkeys(("SiteReachable", "SiteOk", "SiteAgrees", "DatabaseReadable"), (1.0, 1.0)),
}
RARE = (0, 3)
WHOLE = ("Count", "Threads", "Sessions", "Invocations", "Errors", "Connections", "Tasks", "Pools", "Number", "Refused")
# Metrics that differ between tasks or requests, and their statistics as shares of the average.
SPREAD = {"CPUUtilization", "MemoryUtilization", "TargetResponseTime"}
SHARES = {"p50": 0.45, "p99": 1.9, "Maximum": 1.2, "Minimum": 0.9}
SERVICES = {
    "Relational Database Service": 0.4,
    "Elastic Container Service": 0.35,
    "Load Balancing": 0.15,
    "Others": 0.1,
}


def times(span: timedelta, period: timedelta) -> list[datetime]:
    """When there is a datapoint in the last `span`, at most 300 times."""
    step = max(period, span / 300)
    count = int(span / step)
    return [NOW - step * (count - index) for index in range(count)]


def series(name: str, statistic: str, key: str, at: Sequence[datetime]) -> list[float]:
    """Values of the metric `name` at these times; `key` distinguishes those of the same name."""
    noise = random.Random(hashlib.sha256(f"{name} {key}".encode()).digest())  # noqa: S311 - nothing secret
    if name == "MonthToDateCost":
        return [RANGES[name][1] * SERVICES.get(key, 1) * (time.day / NOW.day) for time in at]
    if name not in RANGES:
        return [float(noise.randint(1, RARE[1]) if noise.random() < 0.04 else 0) for _ in at]
    low, high = RANGES[name]
    share = SHARES.get(statistic, 1) if name in SPREAD else 1
    phase, slope = noise.uniform(0, 2 * math.pi), noise.uniform(0.7, 1.6)
    values = []
    for index in range(len(at)):
        wave = math.sin(phase + slope * 2 * math.pi * index / max(len(at), 1))
        values.append(share * (low + (high - low) * min(max(0.5 + 0.36 * wave + noise.gauss(0, 0.06), 0), 1)))
    return [float(round(value)) for value in values] if any(word in name for word in WHOLE) else values


def evaluate(expression: str, values: Mapping[str, float], period: timedelta) -> float:
    """Metric math at one moment, as far as the dashboard uses it.

    Raises:
        NotImplementedError: it uses something else.
    """
    return _of(ast.parse(expression, mode="eval").body, values, period)


OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _of(node: ast.expr, values: Mapping[str, float], period: timedelta) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.BinOp(left=left, op=kind, right=right) | ast.Compare(left=left, ops=[kind], comparators=[right]) if (
            type(kind) in OPERATORS
        ):
            return OPERATORS[type(kind)](_of(left, values, period), _of(right, values, period))
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            return _of(then if _of(condition, values, period) else otherwise, values, period)
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, _]):
            return _of(filled, values, period)  # the sample has no gaps
        case ast.Call(func=ast.Name(id="PERIOD")):
            return period.total_seconds()
    raise NotImplementedError(f"no sample data for {ast.unparse(node)!r}, a part of a metric's expression")
