"""Whether the recovery region has what the backups of the home region need."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment


def standby(aws: Deployment) -> Iterator[Finding]:
    """The key that the copies are encrypted with is there, and enabled; `make standby` makes it, and the vault."""
    environment = aws.environment
    if not environment.copies_backups:
        return
    alias = f"alias/{environment.names.key_alias('data')}"
    try:
        key = aws.client("kms", environment.recovery_region).describe_key(KeyId=alias)["KeyMetadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        found = "does not exist"
    else:
        found = "is there" if key["KeyState"] == "Enabled" else f"is {key['KeyState']}"
    is_there = found == "is there"
    yield Finding(
        area="recovery",
        subject=f"{alias} in {environment.recovery_region}",
        state=State.HOLDS if is_there else aws.unless_later("data"),
        found=found,
        mend="" if is_there else f"make standby ENV={environment.name}",
    )
