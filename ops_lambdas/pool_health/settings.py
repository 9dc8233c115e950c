"""Settings of pool health."""

from dataclasses import dataclass

from ops_lambdas.shared.settings import DatabaseSettings, PoolNames, SecretArn, SiteUrl


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings):
    """Settings of pool health.

    Attributes:
        pools: reported even when no session is open in them.
        cron_secret_arn: its key `value` is the bearer token of the site's operations routes.
    """

    pools: PoolNames
    site_url: SiteUrl
    cron_secret_arn: SecretArn
