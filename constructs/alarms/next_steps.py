"""The commands in the emails of alarms and events, with the environment's names filled in."""

from dataclasses import dataclass

from names import Names


@dataclass(frozen=True, kw_only=True)
class NextSteps:
    """Complete commands for an operator's shell.

    The AWS CLI is v2, which has `aws logs tail`; `make` runs in this project's folder.

    Attributes:
        environment: e.g. "production".
        account, region: where it is deployed.
    """

    environment: str
    names: Names
    account: str
    region: str

    @property
    def tasks(self) -> str:
        """How many tasks are running and desired, and the state of each deployment."""
        return self._service("services[0].[runningCount,desiredCount,deployments[].rolloutState]")

    @property
    def events(self) -> str:
        """What ECS did last, and why."""
        return self._service("services[0].events[0:5].message")

    @property
    def why_stopped(self) -> str:
        """Why the last tasks stopped."""
        cluster = f"--cluster {self.names.cluster}"
        stopped = self._aws(f"ecs list-tasks {cluster} --desired-status STOPPED --query 'taskArns[:5]' --output text")
        return self._aws(f"ecs describe-tasks {cluster} --query 'tasks[].stoppedReason' --tasks $({stopped})")

    @property
    def restart(self) -> str:
        """Replace every task, one after the other."""
        return self._update("--force-new-deployment")

    @property
    def errors(self) -> str:
        """Errors that the application logged in the last half hour."""
        return self._logs(self.names.service_log_group, "ERROR")

    @property
    def slow_queries(self) -> str:
        """Statements that took over a second, in the last half hour."""
        return self._logs(self.names.database_log_group(self.names.database), "duration")

    @property
    def rollback(self) -> str:
        """Deploy the previous version."""
        return f"make deploy {self._make} STACKS={self.names.stack('service')} IMAGE_TAG=VERSION_BEFORE"

    @property
    def deploy(self) -> str:
        """Deploy config.py as it is."""
        return f"make deploy {self._make}"

    @property
    def migrate(self) -> str:
        """Run the deployed version's pending migrations."""
        return f"make migrate {self._make}"

    @property
    def migration_log(self) -> str:
        """Errors that migrations logged in the last half hour."""
        return self._logs(self.names.migration_log_groups["tasks"], "Error")

    @property
    def dump(self) -> str:
        """Dump the database now."""
        return f"make dump {self._make}"

    @property
    def dump_log(self) -> str:
        """What dumps and their restores logged in the last half hour."""
        return self._aws(f"logs tail {self.names.dump_log_groups['tasks']} --since 30m")

    def execution(self, arn: str) -> str:
        """How an execution of a state machine ended, and why."""
        return self._aws(f"stepfunctions describe-execution --execution-arn {arn} --query '[status,error,cause]'")

    def scale(self, tasks: int) -> str:
        """Run that many tasks, until autoscaling changes it."""
        return self._update(f"--desired-count {tasks}")

    def task(self, arn: str) -> str:
        """Why one task stopped, and each of its containers."""
        query = "tasks[0].[stoppedReason,containers[].[name,exitCode,reason]]"
        return self._aws(f"ecs describe-tasks --cluster {self.names.cluster} --query '{query}' --tasks {arn}")

    def database(self, identifier: str | None = None) -> str:
        """State, class and storage of the primary, or of another instance."""
        instance = identifier or self.names.database
        query = "DBInstances[0].[DBInstanceStatus,DBInstanceClass,AllocatedStorage,MaxAllocatedStorage]"
        return self._aws(f"rds describe-db-instances --db-instance-identifier {instance} --query '{query}'")

    def database_events(self, identifier: str | None = None) -> str:
        """What RDS did with the primary, or another instance, in the last hour."""
        instance = identifier or self.names.database
        return self._aws(f"rds describe-events --source-type db-instance --source-identifier {instance} --duration 60")

    def backup_jobs(self, resource: str) -> str:
        """What AWS Backup did with a resource, and why it failed."""
        query = "BackupJobs[].[CreationDate,State,StatusMessage]"
        return self._aws(f"backup list-backup-jobs --by-resource-arn {resource} --query '{query}'")

    def copy_jobs(self, resource: str) -> str:
        """The copies of a resource's backups, and why one failed."""
        query = "CopyJobs[].[CreationDate,State,StatusMessage]"
        return self._aws(f"backup list-copy-jobs --by-resource-arn {resource} --query '{query}'")

    def secret(self, secret: str) -> str:
        """How a secret is rotated, and which version is current."""
        query = "[RotationEnabled,LastRotatedDate,NextRotationDate,VersionIdsToStages]"
        return self._aws(f"secretsmanager describe-secret --secret-id {secret} --query '{query}'")

    @property
    def rotation_log(self) -> str:
        """Errors that rotations logged in the last half hour."""
        return self._logs(self.names.rotation_log_group, "ERROR")

    @property
    def rotated_secrets(self) -> str:
        """The secrets that rotate, when each last did, and which version is current."""
        query = "SecretList[?RotationEnabled].[Name,LastRotatedDate,NextRotationDate,SecretVersionsToStages]"
        prefix = self.names.secret("")
        return self._aws(f"secretsmanager list-secrets --filters Key=name,Values={prefix} --query '{query}'")

    def restore_secret(self, secret: str) -> str:
        """Cancel the scheduled deletion of a secret."""
        return self._aws(f"secretsmanager restore-secret --secret-id {secret}")

    def finding(self, finding: str) -> str:
        """All details of a GuardDuty finding."""
        detector = self._aws("guardduty list-detectors --query 'DetectorIds[0]' --output text")
        return self._aws(f"guardduty get-findings --detector-id $({detector}) --finding-ids {finding}")

    @property
    def backups(self) -> str:
        """The database's backup retention in days, and its latest restorable time."""
        query = "DBInstances[0].[DBInstanceStatus,BackupRetentionPeriod,LatestRestorableTime]"
        return self._aws(f"rds describe-db-instances {self._instance} --query '{query}'")

    def replicated_backups(self, region: str) -> str:
        """How far the database's backups in another region reach."""
        query = "DBInstanceAutomatedBackups[].[Region,Status,RestoreWindow.LatestTime]"
        command = f"rds describe-db-instance-automated-backups {self._instance} --query '{query}'"
        return f"aws {command} --region {region}"

    @property
    def weekly_reset(self) -> str:
        """Call the site's weekly reset now; it may be called twice."""
        return f"""{self.check("cron_routes")} EVENT='{{"route": "weekly-reset"}}'"""

    @property
    def back_up(self) -> str:
        """Take a snapshot of the database by hand."""
        snapshot = f"{self.names.database}-$(date +%Y%m%d-%H%M)"
        return self._aws(f"rds create-db-snapshot {self._instance} --db-snapshot-identifier {snapshot}")

    def check(self, name: str) -> str:
        """Run a check now."""
        return f"make check CHECK={name} {self._make}"

    def check_log(self, name: str) -> str:
        """Errors that a check logged in the last half hour."""
        return self._logs(self.names.check_log_group(name), "ERROR")

    @property
    def not_running(self) -> str:
        """Which checks have not run."""
        prefix = f"--alarm-name-prefix {self.names.prefix}-p4 --state-value ALARM"
        query = "MetricAlarms[?ends_with(AlarmName, `-not-running`)].AlarmName"
        return self._aws(f"cloudwatch describe-alarms {prefix} --query '{query}'")

    @property
    def schedules(self) -> str:
        """Whether the checks' schedules exist and are enabled."""
        group, query = self.names.schedule_group, "Schedules[].[Name,State]"
        return self._aws(f"scheduler list-schedules --group-name {group} --query '{query}'")

    def schedule(self, name: str) -> str:
        """Whether a check's schedules exist and are enabled."""
        group, prefix = self.names.schedule_group, self.names.check(name)
        return self._aws(f"scheduler list-schedules --group-name {group} --name-prefix {prefix}")

    def dead_letters(self, queue: str) -> str:
        """What is in a dead-letter queue, and why."""
        how = "--message-attribute-names All --max-number-of-messages 10"
        return self._aws(f"sqs receive-message {self._queue_url(queue)} {how}")

    def purge(self, queue: str) -> str:
        """Empty a dead-letter queue once it is read, so that the next message sets the alarm off again."""
        return self._aws(f"sqs purge-queue {self._queue_url(queue)}")

    @property
    def cost(self) -> str:
        """What config.py costs by list price."""
        return f"make cost {self._make}"

    @property
    def subscribers(self) -> str:
        """Who is subscribed to the alarms, and who has not confirmed."""
        return self._aws(f"sns list-subscriptions-by-topic {self._topic}")

    @property
    def subscribe(self) -> str:
        """Send an address the confirmation email again."""
        return self._aws(f"sns subscribe {self._topic} --protocol email --notification-endpoint ADDRESS")

    @property
    def replace_secret(self) -> str:
        """Replace a secret's value with a typed one, which neither the screen nor the shell's history shows."""
        return f"make secret {self._make} NAME=SECRET"

    @property
    def _make(self) -> str:
        return f"ENV={self.environment} REGION={self.region}"

    @property
    def _topic(self) -> str:
        return f"--topic-arn arn:aws:sns:{self.region}:{self.account}:{self.names.alarm_topic}"

    @property
    def _instance(self) -> str:
        return f"--db-instance-identifier {self.names.database}"

    def _queue_url(self, queue: str) -> str:
        return f"--queue-url https://sqs.{self.region}.amazonaws.com/{self.account}/{queue}"

    def _service(self, query: str) -> str:
        names = f"--cluster {self.names.cluster} --services {self.names.service}"
        return self._aws(f"ecs describe-services {names} --query '{query}'")

    def _update(self, change: str) -> str:
        names = f"--cluster {self.names.cluster} --service {self.names.service}"
        return self._aws(f"ecs update-service {names} {change}")

    def _logs(self, group: str, pattern: str) -> str:
        return self._aws(f"logs tail {group} --since 30m --filter-pattern {pattern}")

    def _aws(self, command: str) -> str:
        return f"aws {command} --region {self.region}"
