"""The commands that an alarm's mail names, with the environment's own names in them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NextSteps:
    """Commands for an operator's shell, complete.

    Those of the AWS CLI are for versions 1 and 2; `make` is this project's, in its folder.

    Attributes:
        environment: e.g. "production".
        prefix: of every name, e.g. "pardon-production".
        account, region: where it is deployed.
    """

    environment: str
    prefix: str
    account: str
    region: str

    @property
    def tasks(self) -> str:
        """How many tasks run, how many should, and how the deployment goes."""
        return self._service("services[0].[runningCount,desiredCount,deployments[].rolloutState]")

    @property
    def events(self) -> str:
        """What ECS did last, and why."""
        return self._service("services[0].events[0:5].message")

    @property
    def why_stopped(self) -> str:
        """Why the last tasks stopped."""
        cluster = f"--cluster {self.prefix}-cluster"
        stopped = self._aws(f"ecs list-tasks {cluster} --desired-status STOPPED --query 'taskArns[:5]' --output text")
        return self._aws(f"ecs describe-tasks {cluster} --query 'tasks[].stoppedReason' --tasks $({stopped})")

    @property
    def restart(self) -> str:
        """Start every task anew, one after the other."""
        return self._update("--force-new-deployment")

    @property
    def errors(self) -> str:
        """What the application logged as errors in the last half hour."""
        return self._logs(f"/ecs/{self.prefix}", "ERROR")

    @property
    def slow_queries(self) -> str:
        """Statements of more than a second, of the last half hour."""
        return self._logs(f"/aws/rds/instance/{self.prefix}-database/postgresql", "duration")

    @property
    def rollback(self) -> str:
        """Deploy the version before."""
        return f"make deploy {self._make} STACKS={self.prefix}-service IMAGE_TAG=VERSION_BEFORE"

    @property
    def deploy(self) -> str:
        """Deploy what config.py says."""
        return f"make deploy {self._make}"

    def scale(self, tasks: int) -> str:
        """Have that many tasks run, until autoscaling decides otherwise."""
        return self._update(f"--desired-count {tasks}")

    def task(self, arn: str) -> str:
        """Why one task stopped, and each of its containers."""
        query = "tasks[0].[stoppedReason,containers[].[name,exitCode,reason]]"
        return self._aws(f"ecs describe-tasks --cluster {self.prefix}-cluster --query '{query}' --tasks {arn}")

    def database(self, identifier: str | None = None) -> str:
        """State, class and storage of the primary, or of another instance."""
        instance = identifier or f"{self.prefix}-database"
        query = "DBInstances[0].[DBInstanceStatus,DBInstanceClass,AllocatedStorage,MaxAllocatedStorage]"
        return self._aws(f"rds describe-db-instances --db-instance-identifier {instance} --query '{query}'")

    def database_events(self, identifier: str | None = None) -> str:
        """What RDS did with the primary, or another instance, in the last hour."""
        instance = identifier or f"{self.prefix}-database"
        return self._aws(f"rds describe-events --source-type db-instance --source-identifier {instance} --duration 60")

    def backup_jobs(self, resource: str) -> str:
        """What AWS Backup did with a resource, and why it failed."""
        query = "BackupJobs[].[CreationDate,State,StatusMessage]"
        return self._aws(f"backup list-backup-jobs --by-resource-arn {resource} --query '{query}'")

    def copy_jobs(self, resource: str) -> str:
        """What became of the copies of a resource's backups."""
        query = "CopyJobs[].[CreationDate,State,StatusMessage]"
        return self._aws(f"backup list-copy-jobs --by-resource-arn {resource} --query '{query}'")

    def secret(self, secret: str) -> str:
        """How a secret is rotated, and which version is current."""
        query = "[RotationEnabled,LastRotatedDate,NextRotationDate,VersionIdsToStages]"
        return self._aws(f"secretsmanager describe-secret --secret-id {secret} --query '{query}'")

    def restore_secret(self, secret: str) -> str:
        """Keep a secret that is scheduled for deletion."""
        return self._aws(f"secretsmanager restore-secret --secret-id {secret}")

    def finding(self, finding: str) -> str:
        """All that GuardDuty knows of a finding."""
        detector = self._aws("guardduty list-detectors --query 'DetectorIds[0]' --output text")
        return self._aws(f"guardduty get-findings --detector-id $({detector}) --finding-ids {finding}")

    @property
    def backups(self) -> str:
        """For how many days the database's backups are kept, and the latest time that it can be restored to."""
        query = "DBInstances[0].[DBInstanceStatus,BackupRetentionPeriod,LatestRestorableTime]"
        return self._aws(f"rds describe-db-instances {self._instance} --query '{query}'")

    @property
    def back_up(self) -> str:
        """Take a snapshot of the database by hand."""
        snapshot = f"{self.prefix}-database-$(date +%Y%m%d-%H%M)"
        return self._aws(f"rds create-db-snapshot {self._instance} --db-snapshot-identifier {snapshot}")

    def check(self, name: str) -> str:
        """Run a check now."""
        return f"make check CHECK={name} {self._make}"

    def check_log(self, name: str) -> str:
        """What a check logged as errors in the last half hour."""
        return self._logs(f"/aws/lambda/{self.prefix}-{name.replace('_', '-')}", "ERROR")

    def schedule(self, name: str) -> str:
        """Whether a check's schedules are there and enabled."""
        schedule = f"{self.prefix}-{name.replace('_', '-')}"
        return self._aws(f"scheduler list-schedules --group-name {self.prefix}-checks --name-prefix {schedule}")

    def dead_letters(self, name: str) -> str:
        """What was given up, and why: the runs of a check, or for "event" AWS's events."""
        how = "--message-attribute-names All --max-number-of-messages 10"
        return self._aws(f"sqs receive-message {self._dead_letters(name)} {how}")

    def purge(self, name: str) -> str:
        """Empty a queue of dead letters once they are read, so that the next one is told again."""
        return self._aws(f"sqs purge-queue {self._dead_letters(name)}")

    @property
    def subscribers(self) -> str:
        """Who is subscribed to the alarms, and who has not confirmed."""
        return self._aws(f"sns list-subscriptions-by-topic {self._topic}")

    @property
    def subscribe(self) -> str:
        """Send an address the mail to confirm, once more."""
        return self._aws(f"sns subscribe {self._topic} --protocol email --notification-endpoint ADDRESS")

    @property
    def replace_secret(self) -> str:
        """Give a secret the value that is typed, which neither the screen nor the shell's history shows."""
        put = self._aws(
            f"secretsmanager put-secret-value --secret-id {self.prefix}/SECRET --secret-string file:///dev/stdin"
        )
        return f"""read -rs value && printf '{{"value": "%s"}}' "$value" | {put}"""

    @property
    def _make(self) -> str:
        return f"ENV={self.environment} REGION={self.region}"

    @property
    def _topic(self) -> str:
        return f"--topic-arn arn:aws:sns:{self.region}:{self.account}:{self.prefix}-alarms"

    @property
    def _instance(self) -> str:
        return f"--db-instance-identifier {self.prefix}-database"

    def _dead_letters(self, name: str) -> str:
        queue = f"{self.account}/{self.prefix}-{name.replace('_', '-')}-dead-letters"
        return f"--queue-url https://sqs.{self.region}.amazonaws.com/{queue}"

    def _service(self, query: str) -> str:
        names = f"--cluster {self.prefix}-cluster --services {self.prefix}-service"
        return self._aws(f"ecs describe-services {names} --query '{query}'")

    def _update(self, change: str) -> str:
        names = f"--cluster {self.prefix}-cluster --service {self.prefix}-service"
        return self._aws(f"ecs update-service {names} {change}")

    def _logs(self, group: str, pattern: str) -> str:
        since = "--start-time $(date -d '30 minutes ago' +%s)000"
        return self._aws(f"logs filter-log-events --log-group-name {group} --filter-pattern {pattern} {since}")

    def _aws(self, command: str) -> str:
        return f"aws {command} --region {self.region}"
