"""What a restored database does not know, and nobody may replay blindly."""

from collections.abc import Iterator
from datetime import datetime

from environment import Environment
from ops_lambdas.cron_routes.core import WEEKLY_RESET, last_due


def unknown(chosen: Environment, point: datetime, now: datetime) -> Iterator[tuple[str, str]]:
    """What may have happened between the recovery point and `now`: what it is, and what to do about it."""
    addresses = [f"{owner} {address}" for owner, address in sorted(chosen.wallets.items())]
    wallets = ", ".join(addresses) or "addresses are not in config.py"
    yield (
        "Payments",
        f"The chain has those since {point:%Y-%m-%d %H:%M:%S} UTC, the database does not. List each wallet's "
        f"transactions since then, and credit them by hand: {wallets}",
    )
    yield (
        "Prizes",
        "Before one is paid, look whether the white house's wallet has paid it: the database may ask for it again",
    )
    yield "Weekly reset", _reset(chosen, point, last_due(now))
    yield (
        "Conversations",
        "Messages since then are lost. Every conversation begins anew: Coral's threads were in the tasks",
    )


def _reset(chosen: Environment, point: datetime, due: datetime) -> str:
    if due < point:
        return f"Last due on {due:%Y-%m-%d %H:%M} UTC, before the recovery point: nothing to do"
    run = (
        f'make check CHECK=cron_routes ENV={chosen.name} REGION={chosen.region} EVENT=\'{{"route": "{WEEKLY_RESET}"}}\''
    )
    return (
        f"Was due on {due:%Y-%m-%d %H:%M} UTC, after the recovery point. If the home region did it, prizes were paid "
        f"for a week that is open here. Compare the leaderboard with the wallet first, then: {run}"
    )
