"""Physical names of what is deployed, as the runbook's commands use them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """The names of one environment, all of which begin with its prefix."""

    prefix: str

    @property
    def cluster(self) -> str:
        """Cluster of ECS."""
        return f"{self.prefix}-cluster"

    @property
    def service(self) -> str:
        """Service of ECS."""
        return f"{self.prefix}-service"

    @property
    def task_family(self) -> str:
        """Family of the task definitions."""
        return f"{self.prefix}-task"

    @property
    def task_log_group(self) -> str:
        """Log group of the containers."""
        return f"/ecs/{self.prefix}"

    @property
    def database(self) -> str:
        """Identifier of the DB instance."""
        return f"{self.prefix}-database"

    @property
    def alarm_topic(self) -> str:
        """Topic that the alarms and event rules notify."""
        return f"{self.prefix}-alarms"

    @property
    def schedule_group(self) -> str:
        """Group of the checks' schedules."""
        return f"{self.prefix}-checks"

    def alarm_prefix(self, severity: str = "p") -> str:
        """What the names of alarms and event rules begin with: of one severity such as "p1", else of all."""
        return f"{self.prefix}-{severity}"

    def function(self, check: str) -> str:
        """Lambda function of a check."""
        return f"{self.prefix}-{check.replace('_', '-')}"

    def function_log_group(self, check: str) -> str:
        """Log group of a check."""
        return f"/aws/lambda/{self.function(check)}"

    def secret(self, name: str) -> str:
        """A secret's name; "" for what all of them begin with."""
        return f"{self.prefix}/{name}"

    def stack(self, name: str) -> str:
        """A stack's name."""
        return f"{self.prefix}-{name}"
