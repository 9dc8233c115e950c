"""Alarms on the database and its replica."""

from functools import partial

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_rds as rds

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.metrics import AVERAGE, FIVE_MINUTES, HOUR, MAXIMUM, MINIMUM, MINUTE, SAMPLES, database_metric
from constructs.severity_alarm import SeverityAlarm, Silence
from environment import DatabaseClass

CPU_LIMIT_PERCENT = 80  # the runbook's
MAX_CONNECTIONS_PERCENT = 80
# RDS grows storage when less than 10 % has been free for 5 minutes, and at most once in 6 hours, so a
# tenth of the first size is free unless growing has failed or reached its ceiling.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
MIN_FREE_SHARE = 0.1
MIN_DAYS_OF_STORAGE = 3
# Without writes to replicate, the lag that PostgreSQL reports grows to five minutes, and that is fine.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.html
MAX_REPLICA_LAG_SECONDS = 600
GIB = 1024**3


class DatabaseAlarms(Construct):
    """Silence, CPU, connections, storage now and soon, replica lag, and statements that wait.

    Silence of the database is one alarm's; the others take it as fine, so that it is one mail.

    Attributes: alarms.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        channel: Channel,
        instance: rds.DatabaseInstance,
        replica: rds.DatabaseInstanceReadReplica | None,
        database_class: DatabaseClass,
        storage_gib: int,
    ) -> None:
        super().__init__(scope, id)
        steps = channel.steps
        state, events = steps.database(), steps.database_events()
        p2 = partial(SeverityAlarm, self, channel=channel, severity=Severity.P2)
        free = partial(database_metric, "FreeStorageSpace", instance, statistic=MINIMUM)
        max_connections = database_class.max_connections
        self.alarms = [
            p2(
                "Silent",
                name="database-silent",
                problem="the database is down or restarts: it has published no metric",
                next_steps=(state, events, steps.check("pool_health")),
                metric=database_metric("CPUUtilization", instance, period=MINUTE, statistic=SAMPLES),
                below=1,
                datapoints=(5, 5),
                silence=Silence.BREACHES,
            ),
            p2(
                "CpuHigh",
                name="database-cpu-high",
                problem=f"the database has used over {CPU_LIMIT_PERCENT} % of its CPU",
                next_steps=(
                    steps.slow_queries,
                    state,
                    f"if it stays: database_class in config.py, then {steps.deploy}",
                ),
                metric=database_metric("CPUUtilization", instance, period=FIVE_MINUTES, statistic=AVERAGE),
                above=CPU_LIMIT_PERCENT,
                datapoints=(3, 3),
                silence=Silence.IS_FINE,
            ),
            p2(
                "ConnectionsHigh",
                name="database-connections-high",
                problem=f"over {MAX_CONNECTIONS_PERCENT} % of the database's {max_connections} connections are in use",
                next_steps=(steps.check("pool_health"), steps.tasks, steps.errors, steps.restart),
                metric=database_metric("DatabaseConnections", instance, period=MINUTE, statistic=MAXIMUM),
                above=max_connections * MAX_CONNECTIONS_PERCENT // 100,
                datapoints=(5, 5),
                silence=Silence.IS_FINE,
            ),
            p2(
                "StorageLow",
                name="database-storage-low",
                problem="storage autoscaling has failed or reached its ceiling:"
                f" the database has had less than {MIN_FREE_SHARE * storage_gib:g} GiB free",
                next_steps=(state, events, f"raise max_storage_gib in config.py, then {steps.deploy}"),
                metric=free(period=FIVE_MINUTES),
                below=MIN_FREE_SHARE * storage_gib * GIB,
                datapoints=(3, 3),
                silence=Silence.IS_FINE,
            ),
            p2(
                "StorageRunningOut",
                name="database-storage-running-out",
                problem=f"the database fills so fast that nothing would be free in {MIN_DAYS_OF_STORAGE} days",
                next_steps=(state, steps.slow_queries, f"raise max_storage_gib in config.py, then {steps.deploy}"),
                metric=free_after_days(free(period=HOUR), MIN_DAYS_OF_STORAGE),
                below=0,
                datapoints=(9, 12),
                silence=Silence.IS_FINE,
            ),
            SeverityAlarm(
                self,
                "Slow",
                channel=channel,
                severity=Severity.P3,
                name="database-slow",
                problem=f"more sessions work or wait in the database than its {database_class.vcpus} CPUs can serve",
                next_steps=(steps.slow_queries, state, steps.check("pool_health")),
                metric=database_metric("DBLoad", instance, period=FIVE_MINUTES, statistic=AVERAGE),
                above=database_class.vcpus,
                datapoints=(3, 3),
                silence=Silence.IS_FINE,
            ),
        ]
        if replica is not None:
            name = f"{channel.prefix}-database-replica"
            self.alarms.append(
                p2(
                    "ReplicaLag",
                    name="database-replica-lag",
                    problem=f"the replica is over {MAX_REPLICA_LAG_SECONDS} s behind, or does not replicate",
                    next_steps=(steps.database(name), steps.database_events(name)),
                    metric=replica_lag(database_metric("ReplicaLag", replica, period=MINUTE, statistic=MAXIMUM)),
                    above=MAX_REPLICA_LAG_SECONDS,
                    datapoints=(5, 5),
                    silence=Silence.BREACHES,
                )
            )


def free_after_days(free: cloudwatch.Metric, days: int) -> cloudwatch.MathExpression:
    """Bytes that would be free after `days` more at the last hour's rate; below 0 when there were none."""
    return cloudwatch.MathExpression(
        expression=f"free + {days * 86400} * RATE(free)",
        using_metrics={"free": free},
        label=f"bytes free in {days} days",
        period=HOUR,
    )


def replica_lag(lag: cloudwatch.Metric) -> cloudwatch.MathExpression:
    """Seconds behind; a day when it is negative, RDS's sign (documented for MySQL) that replication has stopped."""
    return cloudwatch.MathExpression(
        expression="IF(lag < 0, 86400, lag)", using_metrics={"lag": lag}, label="replica lag, s", period=MINUTE
    )
