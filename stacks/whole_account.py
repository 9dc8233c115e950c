"""The stack of an account, for what exists once in it: deployed by its own command, beside those of environments."""

from collections.abc import Sequence

import aws_cdk as cdk

from constructs import Construct
from constructs.account.image_replication import ImageReplication
from constructs.account.spending import Spending
from environment import Environment
from validation import ConfigurationError

NAME = "pardon-account"


class AccountStack(cdk.Stack):
    """Budgets and anomaly detection of the environments of one account, and the replication of their images.

    Raises:
        ConfigurationError: they are not of one account, one of them is named twice, or those that are recovered
            elsewhere have several home regions.
    """

    def __init__(self, scope: Construct, environments: Sequence[Environment]) -> None:
        first, *others = environments
        names = [one.name for one in environments]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"account_of must name each environment once, got {', '.join(names)}")
        for one in others:
            if one.account != first.account:
                raise ConfigurationError(
                    f"account_of must name environments of one account, got {first.name} of {first.account} "
                    f"and {one.name} of {one.account}"
                )
        super().__init__(
            scope,
            NAME,
            env=cdk.Environment(account=first.account, region=first.home_region),
            description="Pardon Simulator, the account: budgets, anomaly detection, replication of images",
        )
        cdk.Tags.of(self).add("Project", "pardon")
        for one in environments:
            Spending(self, one.name.title(), environment=one)
        recovered = [one for one in environments if one.recovery != "none"]
        for one in recovered:
            if one.home_region != first.home_region:
                raise ConfigurationError(
                    f"account_of must name environments with recovery of one home_region, as their images are "
                    f"replicated from it, got {first.home_region} of {first.name} and {one.home_region} of {one.name}"
                )
        if recovered:
            ImageReplication(self, "Images", environments=recovered)
