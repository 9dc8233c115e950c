"""The names of the checks, and the physical names of what is deployed. They are defined here and nowhere else.

The runbook's commands use them, so they are fixed. Python's standard library only: procedures and the rehearsal
read them without the CDK.
"""

from dataclasses import dataclass
from pathlib import Path

# The stacks, in order of deployment.
LAYERS = ("network", "registry", "logs", "secrets", "data", "service", "monitoring", "operations")
# Roles of the database: the master, which the application begins with, and the checks'.
DATABASE_OWNER, DATABASE_ROLE = "pardon", "pardon_ops"
# What a region's database was restored from: its parts, the value of a part that does not apply, and that of a region
# whose database has to be restored: no snapshot has that name, so RDS refuses a deployment.
ORIGIN_PARTS = ("snapshot", "backup", "time")
NOT_RESTORED, TO_BE_RESTORED = "none", "run-make-recover-first"
# The scheduled checks: the folders of ops_lambdas/ that have a handler, in alphabetical order.
CHECKS = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("ops_lambdas/*/handler.py")))


@dataclass(frozen=True)
class Names:
    """Names of one environment's resources.

    Attributes:
        prefix: of every name, e.g. "pardon-production".
    """

    prefix: str

    @property
    def cluster(self) -> str:
        """The ECS cluster."""
        return f"{self.prefix}-cluster"

    @property
    def service(self) -> str:
        """The ECS service."""
        return f"{self.prefix}-service"

    @property
    def task_family(self) -> str:
        """The family of the task definitions."""
        return f"{self.prefix}-task"

    @property
    def migration(self) -> str:
        """The family of the migration's tasks, its state machine and its function."""
        return f"{self.prefix}-migration"

    @property
    def backup_vault(self) -> str:
        """The vaults of AWS Backup, one in each region, and their plan."""
        return f"{self.prefix}-backups"

    @property
    def recovery_region(self) -> str:
        """The function that looks up what the recovery region has."""
        return f"{self.prefix}-recovery-region"

    @property
    def recovery_region_log_group(self) -> str:
        """The log group of that function."""
        return f"/aws/lambda/{self.recovery_region}"

    @property
    def copied_secrets(self) -> str:
        """The function that makes copied secrets a recovered region's own."""
        return f"{self.prefix}-copied-secrets"

    @property
    def copied_secrets_log_group(self) -> str:
        """The log group of that function."""
        return f"/aws/lambda/{self.copied_secrets}"

    @property
    def rotation(self) -> str:
        """The function that rotates secrets."""
        return f"{self.prefix}-rotation"

    @property
    def rotation_log_group(self) -> str:
        """The log group of that function."""
        return f"/aws/lambda/{self.rotation}"

    @property
    def backup_record(self) -> str:
        """The function that records what the database holds."""
        return f"{self.prefix}-backup-record"

    @property
    def backup_record_log_group(self) -> str:
        """The log group of that function."""
        return f"/aws/lambda/{self.backup_record}"

    @property
    def restore_test(self) -> str:
        """The function that validates restored backups, its rule, and the DB subnet group of what is restored."""
        return f"{self.prefix}-restore-test"

    @property
    def restore_test_log_group(self) -> str:
        """The log group of that function."""
        return f"/aws/lambda/{self.restore_test}"

    @property
    def restore_testing_plan(self) -> str:
        """The restore testing plan of AWS Backup, which allows no hyphen, and its selection."""
        return self.restore_test.replace("-", "_")

    @property
    def migration_log_groups(self) -> dict[str, str]:
        """The log groups of the migration, by what writes to them: its tasks, function and state machine."""
        return {
            "tasks": f"/ecs/{self.migration}",
            "function": f"/aws/lambda/{self.migration}",
            # The beginning keeps the policy of log deliveries short.
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
            "states": f"/aws/vendedlogs/states/{self.migration}",
        }

    @property
    def dump(self) -> str:
        """The family of the tasks that dump the database, and their state machine and its schedule."""
        return f"{self.prefix}-dump"

    @property
    def restore_dump(self) -> str:
        """The family of the tasks that restore a dump, and their state machine."""
        return f"{self.prefix}-restore-dump"

    @property
    def dump_log_groups(self) -> dict[str, str]:
        """The log groups of dumps and their restores, by what writes to them: tasks and state machines."""
        return {"tasks": f"/ecs/{self.dump}", "states": f"/aws/vendedlogs/states/{self.dump}"}

    @property
    def service_log_group(self) -> str:
        """The log group of every container."""
        return f"/ecs/{self.prefix}"

    @property
    def flow_log_group(self) -> str:
        """The log group of the VPC flow logs."""
        return f"/{self.prefix}/vpc-flow-logs"

    @property
    def database(self) -> str:
        """The primary DB instance."""
        return f"{self.prefix}-database"

    @property
    def replica(self) -> str:
        """The read replica."""
        return f"{self.prefix}-database-replica"

    @property
    def alarm_topic(self) -> str:
        """The SNS topic of every notification."""
        return f"{self.prefix}-alarms"

    @property
    def load_balancer(self) -> str:
        """The load balancer."""
        return self.prefix

    @property
    def schedule_group(self) -> str:
        """The schedule group of the checks."""
        return f"{self.prefix}-checks"

    @property
    def event_dead_letter_queue(self) -> str:
        """The dead-letter queue of the event rules."""
        return self._dead_letter_queue(f"{self.prefix}-event")

    @property
    def delivery_parameter(self) -> str:
        """The SSM parameter that keeps whether a person has read an alarm's email; `make verify` writes it."""
        return f"/{self.prefix}/alarm-delivery"

    @property
    def weekly_reset_parameter(self) -> str:
        """The SSM parameter that remembers when the weekly reset last succeeded."""
        return f"/{self.prefix}/weekly-reset"

    def origin_parameter(self, of: str) -> str:
        """The SSM parameter of a part of what the database was restored from, one of ORIGIN_PARTS."""
        return f"/{self.prefix}/database-origin/{of}"

    def stack(self, layer: str) -> str:
        """A stack, by its layer, e.g. "data"."""
        return f"{self.prefix}-{layer}"

    @property
    def stacks(self) -> tuple[str, ...]:
        """Every stack, in order of deployment."""
        return tuple(self.stack(layer) for layer in LAYERS)

    def key_alias(self, holds: str) -> str:
        """The alias of a KMS key, by what it encrypts, e.g. "data"."""
        return f"{self.prefix}-{holds}"

    def secret(self, name: str) -> str:
        """A secret, e.g. of "cron-secret"."""
        return f"{self.prefix}/{name}"

    def repository(self, name: str) -> str:
        """An image repository, e.g. of "coral-server"."""
        return f"{self.prefix}/{name}"

    def database_log_group(self, instance: str, export: str = "postgresql") -> str:
        """The log group that RDS writes one of an instance's logs to."""
        return f"/aws/rds/instance/{instance}/{export}"

    def check(self, check: str) -> str:
        """The function of a check, e.g. of "pool_health"; its schedules' names begin with it, too."""
        return f"{self.prefix}-{check.replace('_', '-')}"

    def check_log_group(self, check: str) -> str:
        """The log group of a check."""
        return f"/aws/lambda/{self.check(check)}"

    def check_dead_letter_queue(self, check: str) -> str:
        """The dead-letter queue of a check."""
        return self._dead_letter_queue(self.check(check))

    def alarm(self, severity: int, name: str) -> str:
        """An alarm or an event rule, e.g. of 2 and "error-rate"."""
        return f"{self.prefix}-p{severity}-{name}"

    @staticmethod
    def notification(alarm: str) -> str:
        """The composite alarm that notifies of an alarm, by the alarm's name."""
        return f"{alarm}-notification"

    def state(self, name: str) -> str:
        """An alarm that is not an incident and notifies nobody, e.g. of "deployment"."""
        return f"{self.prefix}-state-{name}"

    @property
    def serving_alarm(self) -> str:
        """The alarm of the recovery region that is in ALARM while its tasks serve."""
        return self.state("recovery-region-serves")

    @staticmethod
    def _dead_letter_queue(owner: str) -> str:
        return f"{owner}-dead-letters"
