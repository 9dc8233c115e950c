"""The -network stack."""

from application import CORAL_PORT
from constructs import Construct
from constructs.network.vpc import Network
from environment import Environment
from stacks.base import EnvironmentStack


class NetworkStack(EnvironmentStack):
    """VPC, subnets, NAT, flow logs and security groups."""

    layer = "network"

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(scope, environment)
        service_port = environment.load_balanced.port
        assert service_port is not None  # noqa: S101 - checked with the configuration
        self.network = Network(
            self,
            "Network",
            names=environment.names,
            cidr=environment.vpc_cidr,
            nat_gateways=environment.nat_gateways,
            site_port=443 if environment.domain else 80,
            service_port=service_port,
            coral_port=CORAL_PORT,
            retention=self.retention,
        )
        # Always: an export that a deployed -operations imports could not go with its restore tests.
        for group in (self.network.restore_test_group, self.network.restored_group):
            self.export_value(group.security_group_id)
