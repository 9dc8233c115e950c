"""The -registry stack."""

from application import CONTAINERS
from constructs import Construct
from constructs.registry.repositories import Repositories
from environment import Environment
from stacks.base import EnvironmentStack


class RegistryStack(EnvironmentStack):
    """Image repositories of the application."""

    layer = "registry"

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(scope, environment)
        self.repositories = Repositories(
            self,
            "Registry",
            names=environment.names,
            # Also of containers that are taken out: a rollback needs the images that ran before.
            images=[container.repository for container in (*CONTAINERS, *environment.containers)],
            removal_policy=self.retention.removal_policy,
        )
