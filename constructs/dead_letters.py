"""Where what was given up is kept."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.acknowledge import acknowledge


class DeadLetters(sqs.Queue):
    """An encrypted dead-letter queue `<owner>-dead-letters`, TLS only, that keeps its messages for 14 days."""

    def __init__(self, scope: Construct, id: str, *, owner: str) -> None:
        super().__init__(
            scope,
            id,
            queue_name=f"{owner}-dead-letters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(self, "It is the dead-letter queue", "SQS3")
