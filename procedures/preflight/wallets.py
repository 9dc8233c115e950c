"""The wallets' public addresses: without them agents and site run, and no payment arrives."""

from collections.abc import Iterator

from application import WALLETS
from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment


def wallets(aws: Deployment) -> Iterator[Finding]:
    """The configuration has the address of every wallet. AWS is not asked: they are on Solana."""
    missing = [owner for owner in WALLETS if owner not in aws.environment.wallets]
    yield Finding(
        area="wallets",
        subject="addresses",
        state=State.NOT_YET if missing else State.HOLDS,
        found=f"missing: {', '.join(missing)}" if missing else f"all {len(WALLETS)} are set",
        mend="Set wallets in config.py; no payment to a missing one arrives" if missing else "",
    )
