"""What database role is configured with."""

from dataclasses import dataclass

from ops_lambdas.shared.settings import EnvironmentName, RoleName, SecretArn


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What database role is configured with.

    Attributes:
        database_secret_arn: the owner's login.
        database_user: the role to make.
    """

    environment: EnvironmentName
    database_secret_arn: SecretArn
    database_user: RoleName
