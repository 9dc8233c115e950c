"""Alarms on the database and its replica."""

from functools import partial

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_rds as rds
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.composite_alarm import in_alarm, state_of
from constructs.alarms.notifications import Notifications
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
MIN_FREE_MEMORY_PERCENT = 5  # below that PostgreSQL's processes begin to swap, or are killed
# A credit is a vCPU at full load for a minute.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
CREDITS_A_VCPU_HOUR, MANY_CREDITS = 60, 100_000
# PostgreSQL has 2^31 before it refuses writes. Autovacuum freezes rows from 200 million on.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Autovacuum.html
MAX_TRANSACTION_IDS = 1_000_000_000
GIB = 1024**3


class DatabaseAlarms(Construct):
    """Missing data, CPU and its credits, memory, connections, transaction ids, storage, replica lag, waiting sessions.

    Only one alarm on the primary treats missing data as breaching, so that missing data sends one email.

    Args:
        outage: `p1-outage`.
    Attributes: outage_or_database, a state that suppresses what both set off.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        notifications: Notifications,
        size: DatabaseSize,
        outage: cloudwatch.IAlarm,
        database: Database,
    ) -> None:
        super().__init__(scope, id)
        self._notifications, self._size, instance = notifications, size, database.instance
        self._alarm = partial(SeverityAlarm, self, notifications=notifications, severity=Severity.P2)
        self.outage_or_database = state_of(
            self,
            "OutageOrDatabase",
            name=notifications.names.state("outage-or-database"),
            state="an outage, or a database without data",
            rule=in_alarm(outage, self._missing_data(instance)),
        )
        self._work(instance)
        self._limits(instance)
        self._storage(instance)
        if database.replica is not None:
            self._replica(database.replica)

    def _missing_data(self, instance: rds.DatabaseInstance) -> SeverityAlarm:
        steps = self._notifications.steps
        return self._alarm(
            "MissingData",
            name="database-missing-data",
            problem="the database is down or restarting: it has published no metric",
            next_steps=(steps.database(), steps.database_events(), steps.check("pool_health")),
            metric=database_metric("CPUUtilization", instance, period=MINUTE, statistic=SAMPLES),
            below=1,
            datapoints=(5, 5),
            missing_data=TreatMissingData.BREACHING,
        )

    def _work(self, instance: rds.DatabaseInstance) -> None:
        steps, size = self._notifications.steps, self._size
        state, alarm = steps.database(), partial(self._alarm, missing_data=TreatMissingData.NOT_BREACHING)
        larger = f"if it persists: database_class in config.py, then {steps.deploy}"
        usage = partial(database_metric, instance=instance, period=FIVE_MINUTES, statistic=AVERAGE)
        alarm(
            "CpuHigh",
            name="database-cpu-high",
            problem=f"the database has used over {CPU_LIMIT_PERCENT} % of its CPU",
            next_steps=(steps.slow_queries, state, larger),
            metric=usage("CPUUtilization"),
            above=CPU_LIMIT_PERCENT,
            datapoints=(3, 3),
        )
        alarm(
            "Slow",
            severity=Severity.P3,
            name="database-slow",
            problem=f"more sessions have been active in the database than its {size.vcpus} vCPUs can serve",
            next_steps=(steps.slow_queries, state, steps.check("pool_health")),
            metric=usage("DBLoad"),
            above=size.vcpus,
            datapoints=(3, 3),
        )
        alarm(
            "MemoryLow",
            severity=Severity.P3,
            name="database-memory-low",
            problem=f"the database has had less than {MIN_FREE_MEMORY_PERCENT} % of its memory free",
            next_steps=(steps.slow_queries, state, steps.check("pool_health"), larger),
            metric=usage("FreeableMemory"),
            below=size.memory_gib * GIB * MIN_FREE_MEMORY_PERCENT / 100,
            datapoints=(3, 3),
        )
        if size.is_burstable:
            alarm(
                "CpuCreditsLow",
                severity=Severity.P3,
                name="database-cpu-credits-low",
                problem="the database's CPU credits last for less than an hour of full load, and have not grown;"
                " without credits AWS charges each vCPU hour",
                next_steps=(steps.slow_queries, state, larger),
                metric=credits_not_growing(usage("CPUCreditBalance")),
                below=size.vcpus * CREDITS_A_VCPU_HOUR,
                datapoints=(6, 6),
            )

    def _limits(self, instance: rds.DatabaseInstance) -> None:
        steps, size = self._notifications.steps, self._size
        state, alarm = steps.database(), partial(self._alarm, missing_data=TreatMissingData.NOT_BREACHING)
        alarm(
            "ConnectionsHigh",
            name="database-connections-high",
            problem=f"over {MAX_CONNECTIONS_PERCENT} % of the database's {size.max_connections} connections"
            " have been in use",
            next_steps=(steps.check("pool_health"), steps.tasks, steps.errors, steps.restart),
            metric=database_metric("DatabaseConnections", instance, period=MINUTE, statistic=MAXIMUM),
            above=size.max_connections * MAX_CONNECTIONS_PERCENT // 100,
            datapoints=(5, 5),
        )
        alarm(
            "TransactionIds",
            name="database-transaction-ids",
            problem="autovacuum has not kept up: over half of the database's transaction ids are used, and"
            " PostgreSQL refuses writes when all are",
            next_steps=(state, steps.database_events(), steps.slow_queries),
            metric=database_metric("MaximumUsedTransactionIDs", instance, period=HOUR, statistic=MAXIMUM),
            above=MAX_TRANSACTION_IDS,
            datapoints=(1, 1),
        )

    def _storage(self, instance: rds.DatabaseInstance) -> None:
        steps, storage_gib = self._notifications.steps, self._size.storage_gib
        free = partial(database_metric, "FreeStorageSpace", instance, statistic=MINIMUM)
        state, raise_it = steps.database(), f"raise max_storage_gib in config.py, then {steps.deploy}"
        alarm = partial(self._alarm, missing_data=TreatMissingData.NOT_BREACHING)
        alarm(
            "StorageLow",
            name="database-storage-low",
            problem="storage autoscaling has failed or reached its maximum:"
            f" the database has had less than {MIN_FREE_SHARE * storage_gib:g} GiB free",
            next_steps=(state, steps.database_events(), raise_it),
            metric=free(period=FIVE_MINUTES),
            below=MIN_FREE_SHARE * storage_gib * GIB,
            datapoints=(3, 3),
        )
        alarm(
            "StorageRunningOut",
            name="database-storage-running-out",
            problem=f"at this rate the database's storage will be full within {MIN_DAYS_OF_STORAGE} days",
            next_steps=(state, steps.slow_queries, raise_it),
            metric=free_after_days(free(period=HOUR), MIN_DAYS_OF_STORAGE),
            below=0,
            datapoints=(9, 12),
        )

    def _replica(self, replica: rds.DatabaseInstanceReadReplica) -> None:
        steps, name = self._notifications.steps, self._notifications.names.replica
        self._alarm(
            "ReplicaLag",
            name="database-replica-lag",
            problem=f"the replica has been over {MAX_REPLICA_LAG_SECONDS} s behind, or has not replicated",
            next_steps=(steps.database(name), steps.database_events(name)),
            metric=replica_lag(database_metric("ReplicaLag", replica, period=MINUTE, statistic=MAXIMUM)),
            above=MAX_REPLICA_LAG_SECONDS,
            datapoints=(5, 5),
            missing_data=TreatMissingData.BREACHING,
            suppressed_by=self.outage_or_database,
        )


def free_after_days(free: cloudwatch.Metric, days: int) -> cloudwatch.MathExpression:
    """Bytes free in `days` at the last hour's rate; below 0 when storage is full before."""
    return cloudwatch.MathExpression(
        expression=f"free + {days * 86400} * RATE(free)",
        using_metrics={"free": free},
        label=f"bytes free in {days} days",
        period=HOUR,
    )


def credits_not_growing(balance: cloudwatch.Metric) -> cloudwatch.MathExpression:
    """The credits while they do not grow; a new instance begins without any and earns them."""
    return cloudwatch.MathExpression(
        expression=f"IF(RATE(credits) > 0, {MANY_CREDITS}, credits)",
        using_metrics={"credits": balance},
        label="CPU credits, unless they grow",
        period=FIVE_MINUTES,
    )


def replica_lag(lag: cloudwatch.Metric) -> cloudwatch.MathExpression:
    """Seconds behind; a day when it is negative, which (documented for MySQL) means that replication has stopped."""
    return cloudwatch.MathExpression(
        expression="IF(lag < 0, 86400, lag)", using_metrics={"lag": lag}, label="replica lag, s", period=MINUTE
    )
