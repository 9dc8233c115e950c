"""What every stack of an environment has in common."""

import aws_cdk as cdk

from constructs import Construct
from constructs.common.log_group import Retention
from environment import Environment


class EnvironmentStack(cdk.Stack):
    """A stack `pardon-<environment>-<layer>`, tagged with its environment.

    Termination protection is not set here: the CDK CLI would switch it on before it creates the stack, and could
    then not delete one whose creation failed. The check `protection` switches it on afterwards (decision 15).

    Attributes:
        retention: of logs and data. In a protected environment, data outlives its stack, except when its
            creation fails, so that deploying again works.
    """

    layer: str

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(
            scope,
            environment.names.stack(self.layer),
            env=cdk.Environment(account=environment.account, region=environment.region),
            description=f"Pardon Simulator, {environment.name}: {(type(self).__doc__ or '').splitlines()[0]}",
        )
        retain, destroy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, cdk.RemovalPolicy.DESTROY
        self.retention = Retention(
            log_days=environment.log_retention_days, removal_policy=retain if environment.is_protected else destroy
        )
        cdk.Tags.of(self).add("Project", "pardon")
        cdk.Tags.of(self).add("Environment", environment.name)

    @property
    def availability_zones(self) -> list[str]:
        """Two zones of the region, named by AWS at deployment: synthesis looks nothing up."""
        return [cdk.Fn.select(index, cdk.Fn.get_azs()) for index in range(2)]
