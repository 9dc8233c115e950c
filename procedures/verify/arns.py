"""ARNs of what is deployed; AWS chooses parts of some."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from environment import Environment


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What AWS chose when it created the resources.

    Attributes:
        database_id: the primary's resource id, `db-` and 26 characters.
        bucket: name of the configuration bucket.
        secrets: ARNs by name, without the prefix.
        keys: ARNs by the layer of their stack.
        dump_bucket: name of the bucket of dumps.
        task_definitions: ARNs of one-off tasks' definitions, by family.
        task_roles: ARNs of the two roles of each, by family.
        load_balancer: ARN.
        recovery_key: ARN of the key in the recovery region; "" where no backups are copied.
        copies_bucket: name of the bucket there that gets the copies of the configuration bucket.
    """

    database_id: str = "db-SAMPLE"
    bucket: str = "sample"
    secrets: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    dump_bucket: str = "sample-dumps"
    task_definitions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    task_roles: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    load_balancer: str = ""
    recovery_key: str = ""
    copies_bucket: str = "sample-copies"


@dataclass(frozen=True)
class Arns:
    """ARNs of an environment's resources. Where one call is about one of many, such as a task, a sample of them."""

    environment: Environment
    chosen: Chosen

    def of(self, service: str, resource: str) -> str:
        """An ARN in the environment's account and region."""
        return f"arn:aws:{service}:{self.environment.region}:{self.environment.account}:{resource}"

    def copies(self, service: str, resource: str) -> str:
        """An ARN in the recovery region."""
        return f"arn:aws:{service}:{self.environment.recovery_region}:{self.environment.account}:{resource}"

    @property
    def recovery_key(self) -> str:
        """The key of the copies of backups."""
        return self.chosen.recovery_key or self.copies("kms", "key/sample-recovery")

    def secret(self, name: str) -> str:
        """A secret, e.g. of "cron-secret"."""
        sample = self.of("secretsmanager", f"secret:{self.environment.names.secret(name)}-SAMPLE")
        return self.chosen.secrets.get(name, sample)

    def key(self, layer: str) -> str:
        """The KMS key of a stack, e.g. of "data"."""
        return self.chosen.keys.get(layer, self.of("kms", f"key/sample-{layer}"))

    def stream(self, log_group: str) -> str:
        """A log stream of a group."""
        return self.of("logs", f"log-group:{log_group}:log-stream:sample")

    def queue(self, name: str) -> str:
        """A queue."""
        return self.of("sqs", name)

    def function(self, name: str) -> str:
        """A function."""
        return self.of("lambda", f"function:{name}")

    def repository(self, name: str) -> str:
        """An image repository, e.g. of "coral-server"."""
        return self.of("ecr", f"repository/{self.environment.names.repository(name)}")

    def stack(self, layer: str) -> str:
        """A stack, e.g. of "data"."""
        name = self.environment.names.stack(layer)
        return self.of("cloudformation", f"stack/{name}/00000000-0000-0000-0000-000000000000")

    def database_user(self, user: str) -> str:
        """A role of the database, for an IAM login."""
        return self.of("rds-db", f"dbuser:{self.chosen.database_id}/{user}")

    @property
    def topic(self) -> str:
        """The alarm topic."""
        return self.of("sns", self.environment.names.alarm_topic)

    @property
    def database(self) -> str:
        """The primary."""
        return self.of("rds", f"db:{self.environment.names.database}")

    @property
    def restore_testing_plan(self) -> str:
        """The restore testing plan of AWS Backup."""
        return self.of("backup", f"restore-testing-plan:{self.environment.names.restore_testing_plan}-sample")

    @property
    def snapshot(self) -> str:
        """A snapshot that a migration takes."""
        return self.of("rds", f"snapshot:{self.environment.names.database}-before-sample")

    @property
    def cluster(self) -> str:
        """The ECS cluster."""
        return self.of("ecs", f"cluster/{self.environment.names.cluster}")

    @property
    def service(self) -> str:
        """The ECS service."""
        return self.of("ecs", f"service/{self.environment.names.cluster}/{self.environment.names.service}")

    @property
    def weekly_reset(self) -> str:
        """The SSM parameter of the weekly reset."""
        return self.of("ssm", f"parameter{self.environment.names.weekly_reset_parameter}")

    def alarm(self, name: str) -> str:
        """An alarm."""
        return self.of("cloudwatch", f"alarm:{name}")

    @property
    def task(self) -> str:
        """A task of the cluster."""
        return self.of("ecs", f"task/{self.environment.names.cluster}/{'0' * 32}")

    def task_definition(self, family: str) -> str:
        """The definition of one-off tasks of a family."""
        return self.chosen.task_definitions.get(family) or self.of("ecs", f"task-definition/{family}:1")

    def state_machine(self, name: str) -> str:
        """A state machine."""
        return self.of("states", f"stateMachine:{name}")

    @property
    def dump_bucket(self) -> str:
        """The bucket of dumps."""
        return f"arn:aws:s3:::{self.chosen.dump_bucket}"

    @property
    def bucket(self) -> str:
        """The configuration bucket."""
        return f"arn:aws:s3:::{self.chosen.bucket}"

    @property
    def copies_bucket(self) -> str:
        """The bucket with its copies in the recovery region."""
        return f"arn:aws:s3:::{self.chosen.copies_bucket}"

    @property
    def load_balancer(self) -> str:
        """The load balancer."""
        sample = self.of("elasticloadbalancing", f"loadbalancer/app/{self.environment.names.load_balancer}/sample")
        return self.chosen.load_balancer or sample
