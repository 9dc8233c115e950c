"""Settings of backup record."""

from dataclasses import dataclass

from ops_lambdas.shared.settings import BucketName, DatabaseSettings


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings):
    """Settings of backup record.

    Attributes:
        record_bucket: where records are kept.
    """

    record_bucket: BucketName
