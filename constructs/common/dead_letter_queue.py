"""Queues of messages that could not be processed or delivered."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.common.acknowledge import acknowledge


class DeadLetterQueue(sqs.Queue):
    """An encrypted dead-letter queue, TLS only, that keeps its messages for 14 days."""

    def __init__(self, scope: Construct, id: str, *, name: str) -> None:
        super().__init__(
            scope,
            id,
            queue_name=name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(self, "It is the dead-letter queue", "SQS3")
