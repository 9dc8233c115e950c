"""The -logs stack."""

import aws_cdk as cdk

from constructs import Construct
from constructs.alarms.alarm_topic import AlarmTopic
from constructs.common.log_group import LogGroup
from constructs.database.origin import DatabaseOrigin
from environment import Environment
from names import CHECKS
from stacks.base import EnvironmentStack


class LogsStack(EnvironmentStack):
    """Log groups and the alarm topic, which outlive the stacks that write to them.

    Their names are fixed. In a stack that can be created again, a log group that was retained would be in the way,
    and a topic that was not would have lost its confirmed subscribers (decision 16).
    """

    layer = "logs"

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(scope, environment)
        names = environment.names
        LogGroup(self, "Service", name=names.service_log_group, retention=self.retention)
        for writer, name in names.migration_log_groups.items():
            LogGroup(self, f"Migration{writer.title()}", name=name, retention=self.retention)
        for writer, name in names.dump_log_groups.items():
            LogGroup(self, f"Dump{writer.title()}", name=name, retention=self.retention)
        if environment.sends_copies:
            LogGroup(self, "RecoveryRegion", name=names.recovery_region_log_group, retention=self.retention)
            LogGroup(self, "BackupRecord", name=names.backup_record_log_group, retention=self.retention)
            LogGroup(self, "RestoreTest", name=names.restore_test_log_group, retention=self.retention)
        if environment.receives_copies:
            LogGroup(self, "CopiedSecrets", name=names.copied_secrets_log_group, retention=self.retention)
        DatabaseOrigin(self, "DatabaseOrigin", names=names, is_restored=environment.receives_copies)
        LogGroup(self, "Rotation", name=names.rotation_log_group, retention=self.retention)
        for check in CHECKS:
            LogGroup(self, check.title().replace("_", ""), name=names.check_log_group(check), retention=self.retention)
        self.alarm_topic = AlarmTopic(
            self,
            "AlarmTopic",
            name=names.alarm_topic,
            emails=environment.alarm_emails,
            removal_policy=self.retention.removal_policy,
        )
        subscribers = ", ".join(environment.alarm_emails) or "nobody: alarm_emails in config.py is empty"
        cdk.CfnOutput(self, "AlarmTopicArn", value=self.alarm_topic.topic.topic_arn)
        cdk.CfnOutput(self, "AlarmSubscribers", value=subscribers)
