"""The SNS topic of every alarm and event rule."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions

from constructs import Construct

# AWS services that publish to it → the ARN that they pass as aws:SourceArn; "" where only the account is documented:
# https://docs.aws.amazon.com/cost-management/latest/userguide/ad-SNS.html. EventBridge and Backup pass none
# when they publish to an encrypted topic: with a condition on it their messages are dropped. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
PUBLISHERS = {
    "cloudwatch.amazonaws.com": "arn:{partition}:cloudwatch:{region}:{account}:alarm:*",
    "budgets.amazonaws.com": "arn:{partition}:budgets::{account}:*",
    "costalerts.amazonaws.com": "",
    "events.amazonaws.com": None,
    "backup.amazonaws.com": None,
}


class AlarmTopic(Construct):
    """An SNS topic, encrypted with its own key, TLS only, with an email subscription for each address.

    A notification is dropped without an error when its service may not use the topic's key. So the key's policy
    and the topic's name every publisher, for this account's resources where the service passes their ARN.

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
        for service, source in PUBLISHERS.items():
            publisher = iam.ServicePrincipal(service, conditions=self._conditions(source))
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[publisher],
                    actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                    resources=["*"],  # in a key policy: this key
                )
            )
            self.topic.grant_publish(publisher)
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def _conditions(self, source: str | None) -> dict[str, dict[str, str]] | None:
        if source is None:
            return None
        stack = Stack.of(self)
        if not source:
            return {"StringEquals": {"aws:SourceAccount": stack.account}}
        arn = source.format(partition=stack.partition, region=stack.region, account=stack.account)
        return {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": arn}}
