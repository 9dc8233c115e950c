"""Settings of database role."""

from dataclasses import dataclass

from ops_lambdas.shared.settings import EnvironmentName, RoleName, SecretArn


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of database role.

    Attributes:
        database_secret_arn: the owner's login.
        database_user: the role to create.
    """

    environment: EnvironmentName
    database_secret_arn: SecretArn
    database_user: RoleName
