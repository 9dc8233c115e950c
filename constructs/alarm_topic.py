"""The topic that every alarm speaks through."""

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions

from constructs import Construct

# AWS services that publish to it, and the ARN pattern of what they publish for.
PUBLISHERS = {
    "cloudwatch.amazonaws.com": ("cloudwatch", "alarm", ArnFormat.COLON_RESOURCE_NAME),
    "events.amazonaws.com": ("events", "rule", ArnFormat.SLASH_RESOURCE_NAME),
    "budgets.amazonaws.com": ("budgets", "*", ArnFormat.NO_RESOURCE_NAME),
    "backup.amazonaws.com": ("backup", "backup-vault", ArnFormat.COLON_RESOURCE_NAME),
}


class AlarmTopic(Construct):
    """An SNS topic, encrypted with a key of its own, TLS only, with an e-mail subscription for each address.

    An alarm is dropped in silence when its service may not use the topic's key, so the key's policy and the
    topic's name every publisher, each for resources of this account only.

    Attributes: topic, key.
    """

    def __init__(
        self, scope: Construct, id: str, *, name: str, emails: tuple[str, ...], removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            alias=name,
            description="Messages of the alarm topic",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        self.topic = sns.Topic(self, "Topic", topic_name=name, display_name=name, master_key=self.key, enforce_ssl=True)
        for service in PUBLISHERS:
            publisher = iam.ServicePrincipal(service, conditions=self._conditions(service))
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[publisher],
                    actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                    resources=["*"],  # in a key's policy: this key
                )
            )
            self.topic.grant_publish(publisher)
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def _conditions(self, service: str) -> dict[str, dict[str, str]]:
        stack = Stack.of(self)
        name, resource, arn_format = PUBLISHERS[service]
        source = stack.format_arn(
            service=name,
            region="" if name == "budgets" else None,
            resource=resource,
            resource_name=None if arn_format is ArnFormat.NO_RESOURCE_NAME else "*",
            arn_format=arn_format,
        )
        return {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": source}}
