"""Settings of database role."""

from dataclasses import dataclass

from ops_lambdas.shared.settings import MasterSettings, RoleName


@dataclass(frozen=True, kw_only=True)
class Settings(MasterSettings):
    """Settings of database role.

    Attributes:
        database_user: the role to create.
    """

    database_user: RoleName
