"""Alarms on the database and its replica."""

from functools import partial

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_rds as rds
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.common.cloudwatch_metrics import (
    AVERAGE,
    FIVE_MINUTES,
    HOUR,
    MAXIMUM,
    MINIMUM,
    MINUTE,
    SAMPLES,
    database_metric,
)
from constructs.database.instances import Database
from environment_parts import MAX_CONNECTIONS_PERCENT, DatabaseSize

CPU_LIMIT_PERCENT = 80  # from the runbook
# RDS grows storage when less than 10 % has been free for 5 minutes, and at most once in 6 hours, so a
# tenth of the initial size is free unless growing has failed or reached the maximum.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
MIN_FREE_SHARE = 0.1
MIN_DAYS_OF_STORAGE = 3
# Without writes to replicate, the lag that PostgreSQL reports grows to five minutes, and that is fine.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.html
MAX_REPLICA_LAG_SECONDS = 600
GIB = 1024**3


class DatabaseAlarms(Construct):
    """Missing data, CPU, connections, free storage now and in three days, replica lag, and waiting sessions.

    Only one alarm treats missing data as breaching, so that missing data sends one email. An outage suppresses all.

    Attributes: alarms.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: AlarmContext,
        database: Database,
    ) -> None:
        super().__init__(scope, id)
        self._notifications, size = context.notifications, context.environment.database
        self._alarm = partial(
            SeverityAlarm,
            self,
            notifications=context.notifications,
            severity=Severity.P2,
            suppressed_by=context.outage,
        )
        self.alarms = [*self._work(database.instance, size), *self._storage(database.instance, size)]
        if database.replica is not None:
            self.alarms.append(self._replica(database.replica))

    def _work(self, instance: rds.DatabaseInstance, size: DatabaseSize) -> list[SeverityAlarm]:
        steps, fine = self._notifications.steps, TreatMissingData.NOT_BREACHING
        state = steps.database()
        return [
            self._alarm(
                "MissingData",
                name="database-missing-data",
                problem="the database is down or restarting: it has published no metric",
                next_steps=(state, steps.database_events(), steps.check("pool_health")),
                metric=database_metric("CPUUtilization", instance, period=MINUTE, statistic=SAMPLES),
                below=1,
                datapoints=(5, 5),
                missing_data=TreatMissingData.BREACHING,
            ),
            self._alarm(
                "CpuHigh",
                name="database-cpu-high",
                problem=f"the database has used over {CPU_LIMIT_PERCENT} % of its CPU",
                next_steps=(
                    steps.slow_queries,
                    state,
                    f"if it persists: database_class in config.py, then {steps.deploy}",
                ),
                metric=database_metric("CPUUtilization", instance, period=FIVE_MINUTES, statistic=AVERAGE),
                above=CPU_LIMIT_PERCENT,
                datapoints=(3, 3),
                missing_data=fine,
            ),
            self._alarm(
                "ConnectionsHigh",
                name="database-connections-high",
                problem=f"over {MAX_CONNECTIONS_PERCENT} % of the database's {size.max_connections} connections"
                " have been in use",
                next_steps=(steps.check("pool_health"), steps.tasks, steps.errors, steps.restart),
                metric=database_metric("DatabaseConnections", instance, period=MINUTE, statistic=MAXIMUM),
                above=size.max_connections * MAX_CONNECTIONS_PERCENT // 100,
                datapoints=(5, 5),
                missing_data=fine,
            ),
            self._alarm(
                "Slow",
                severity=Severity.P3,
                name="database-slow",
                problem=f"more sessions have been active in the database than its {size.vcpus} vCPUs can serve",
                next_steps=(steps.slow_queries, state, steps.check("pool_health")),
                metric=database_metric("DBLoad", instance, period=FIVE_MINUTES, statistic=AVERAGE),
                above=size.vcpus,
                datapoints=(3, 3),
                missing_data=fine,
            ),
        ]

    def _storage(self, instance: rds.DatabaseInstance, size: DatabaseSize) -> list[SeverityAlarm]:
        steps = self._notifications.steps
        free = partial(database_metric, "FreeStorageSpace", instance, statistic=MINIMUM)
        state, raise_it = steps.database(), f"raise max_storage_gib in config.py, then {steps.deploy}"
        alarm = partial(self._alarm, missing_data=TreatMissingData.NOT_BREACHING)
        return [
            alarm(
                "StorageLow",
                name="database-storage-low",
                problem="storage autoscaling has failed or reached its maximum:"
                f" the database has had less than {MIN_FREE_SHARE * size.storage_gib:g} GiB free",
                next_steps=(state, steps.database_events(), raise_it),
                metric=free(period=FIVE_MINUTES),
                below=MIN_FREE_SHARE * size.storage_gib * GIB,
                datapoints=(3, 3),
            ),
            alarm(
                "StorageRunningOut",
                name="database-storage-running-out",
                problem=f"at this rate the database's storage will be full within {MIN_DAYS_OF_STORAGE} days",
                next_steps=(state, steps.slow_queries, raise_it),
                metric=free_after_days(free(period=HOUR), MIN_DAYS_OF_STORAGE),
                below=0,
                datapoints=(9, 12),
            ),
        ]

    def _replica(self, replica: rds.DatabaseInstanceReadReplica) -> SeverityAlarm:
        steps, name = self._notifications.steps, self._notifications.names.replica
        return self._alarm(
            "ReplicaLag",
            name="database-replica-lag",
            problem=f"the replica has been over {MAX_REPLICA_LAG_SECONDS} s behind, or has not replicated",
            next_steps=(steps.database(name), steps.database_events(name)),
            metric=replica_lag(database_metric("ReplicaLag", replica, period=MINUTE, statistic=MAXIMUM)),
            above=MAX_REPLICA_LAG_SECONDS,
            datapoints=(5, 5),
            missing_data=TreatMissingData.BREACHING,
        )


def free_after_days(free: cloudwatch.Metric, days: int) -> cloudwatch.MathExpression:
    """Bytes free in `days` at the last hour's rate; below 0 when storage is full before."""
    return cloudwatch.MathExpression(
        expression=f"free + {days * 86400} * RATE(free)",
        using_metrics={"free": free},
        label=f"bytes free in {days} days",
        period=HOUR,
    )


def replica_lag(lag: cloudwatch.Metric) -> cloudwatch.MathExpression:
    """Seconds behind; a day when it is negative, which (documented for MySQL) means that replication has stopped."""
    return cloudwatch.MathExpression(
        expression="IF(lag < 0, 86400, lag)", using_metrics={"lag": lag}, label="replica lag, s", period=MINUTE
    )
