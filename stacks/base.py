"""What every stack of an environment has in common."""

import aws_cdk as cdk

from constructs import Construct
from environment import Environment


class EnvironmentStack(cdk.Stack):
    """A stack `pardon-<environment>-<layer>`, tagged with its environment and protected where that is.

    Attributes:
        removal_policy: of what holds data or has a fixed name. Retained data outlives its stack where the
            environment is protected, but not the failure of its own creation, so that deploying again works.
    """

    layer: str

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(
            scope,
            f"{environment.prefix}-{self.layer}",
            env=cdk.Environment(account=environment.account, region=environment.region),
            description=f"Pardon Simulator, {environment.name}: {(type(self).__doc__ or '').splitlines()[0]}",
            termination_protection=environment.is_protected,
        )
        self.removal_policy = (
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if environment.is_protected else cdk.RemovalPolicy.DESTROY
        )
        cdk.Tags.of(self).add("Project", "pardon")
        cdk.Tags.of(self).add("Environment", environment.name)

    @property
    def availability_zones(self) -> list[str]:
        """Two zones of whatever region it is, named by AWS at deployment: synthesis looks nothing up."""
        return [cdk.Fn.select(index, cdk.Fn.get_azs()) for index in range(2)]
