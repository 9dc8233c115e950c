"""Images in the recovery regions: a registry replicates what is pushed, by rules that it has once."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_ecr as ecr

from constructs import Construct
from environment import Environment


class ImageReplication(Construct):
    """Replicate the images of each environment that is recovered elsewhere, from when it is deployed on.

    A registry of an account and region has one configuration for all repositories. What was pushed before is not
    replicated, and neither are settings of repositories, which `-registry` has made there.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
    """

    def __init__(self, scope: Construct, id: str, *, environments: Sequence[Environment]) -> None:
        super().__init__(scope, id)
        rule, to = ecr.CfnReplicationConfiguration, Stack.of(self).account
        rules = [
            rule.ReplicationRuleProperty(
                destinations=[rule.ReplicationDestinationProperty(region=one.recovery_region, registry_id=to)],
                repository_filters=[
                    rule.RepositoryFilterProperty(filter=one.names.repository(""), filter_type="PREFIX_MATCH")
                ],
            )
            for one in environments
        ]
        ecr.CfnReplicationConfiguration(
            self, "Rules", replication_configuration=rule.ReplicationConfigurationProperty(rules=rules)
        )
