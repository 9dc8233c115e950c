"""The secrets that rotate: each has its function, is in time, and no rotation has stopped half-way."""

from collections.abc import Iterator
from datetime import timedelta

from application import DATABASE_SECRET, ROTATED_SECRETS
from ops_lambdas.housekeeping.core import MAX_SECRET_DAYS
from ops_lambdas.shared.secret_values import CURRENT, PENDING
from procedures.findings import Finding, State
from procedures.verify.arns import Arns, Chosen
from procedures.verify.deployed import Deployed


def secrets(aws: Deployed) -> Iterator[Finding]:
    """Rotation is switched on, with our function; no version is pending; the database's login has rotated once."""
    function = Arns(aws.environment, Chosen()).function(aws.names.rotation)
    for name in ROTATED_SECRETS:
        secret = aws.names.secret(name)
        described = aws.client("secretsmanager").describe_secret(SecretId=secret)
        stages, last = described["VersionIdsToStages"], described.get("LastRotatedDate")
        is_stuck = any(PENDING in one and CURRENT not in one for one in stages.values())
        if not described.get("RotationEnabled") or described.get("RotationLambdaARN") != function:
            yield _finding(name, State.FAILS, f"is not rotated by {aws.names.rotation}", aws.compare("operations"))
        elif is_stuck:
            log = aws.cli(f"logs tail /aws/lambda/{aws.names.rotation} --since 1d --filter-pattern ERROR")
            yield _finding(name, State.FAILS, "a rotation has begun, not ended", log)
        elif last and aws.now - last > timedelta(days=MAX_SECRET_DAYS):
            again = aws.cli(f"secretsmanager rotate-secret --secret-id {secret}")
            yield _finding(name, State.FAILS, f"last rotated on {last:%Y-%m-%d}", again)
        elif last or name != DATABASE_SECRET:
            yield _finding(
                name, State.HOLDS, f"last rotated on {last:%Y-%m-%d}" if last else "rotates for the first time later"
            )
        else:
            yield _finding(name, State.FAILS, "has not rotated since its deployment", aws.compare("operations"))


def _finding(subject: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="secrets", subject=subject, state=state, found=found, mend=mend)
