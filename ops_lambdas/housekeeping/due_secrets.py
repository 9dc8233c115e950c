"""Third parties' keys that have to be replaced soon, by a person: nothing else can. Values in, values out."""

from collections.abc import Iterable, Sequence

from ops_lambdas.housekeeping.core import MAX_SECRET_DAYS, SecretAge

REMIND_DAYS = 80


def due(ages: Iterable[SecretAge]) -> tuple[SecretAge, ...]:
    """Return those that do not rotate by themselves and are older than REMIND_DAYS, the oldest first."""
    return tuple(one for one in ages if not one.is_rotated and one.days >= REMIND_DAYS)


def subject(environment: str, secrets: Sequence[SecretAge]) -> str:
    """Return the subject of the email."""
    some = f"{len(secrets)} secrets" if len(secrets) > 1 else "1 secret"
    return f"{some} to replace before day {MAX_SECRET_DAYS}: pardon-{environment}"


def text(environment: str, region: str, secrets: Sequence[SecretAge]) -> str:
    """Return the text of the email: which are due, and how each is replaced."""
    lines = [
        f"{one.name}, {one.days:.0f} days old\n"
        f"make secret ENV={environment} REGION={region} NAME={one.name.rpartition('/')[2]}"
        for one in secrets
    ]
    introduction = (
        f"The runbook has every secret replaced within {MAX_SECRET_DAYS} days. These are third parties' keys, which "
        "only they can issue: make a new one there, then run the command, which asks for it. The tasks are replaced by "
        "themselves some minutes later. Revoke the old key when they have been."
    )
    return "\n\n".join([introduction, *lines])
