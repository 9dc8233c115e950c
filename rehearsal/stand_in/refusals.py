"""Why a container of the application would not come up: what its program refuses, without running it.

Agents: https://github.com/elevenyellow/pardon-simulator, the start script and the agents' sources. The site: Prisma's
rules for its URL, and the address that Next's server listens on.
"""

from collections.abc import Callable, Mapping

from rehearsal.stand_in.database_url import InvalidUrlError, check

# Without the agents' own files the start script goes on.
PROMPTS = ("operational-template", "personality-template", "scoring-mandate", "agent-comms-note")
_OF_AGENTS = ("AGENT_NAME", "CORAL_SSE_URL", "CORAL_SESSIONS", "SOLANA_RPC_URL")
_OF_WALLETS = ("SOLANA_PUBLIC_ADDRESS", "SOLANA_PRIVATE_KEY")


def prompt_key(name: str) -> str:
    """Where a prompt is in the configuration bucket."""
    return f"current/shared/{name}.txt"


def of_agent(variables: Mapping[str, str], has_object: Callable[[str, str], bool]) -> str:
    """Why an agent ends at start; "" when it comes up.

    Args:
        has_object: whether a bucket has a key.
    """
    is_without_wallet = variables.get("AGENT_NAME") == "sbf"
    for name in (*_OF_AGENTS, *(() if is_without_wallet else _OF_WALLETS)):
        if not variables.get(name):
            return f"{name} is not set"
    for name in PROMPTS:
        if not has_object(variables.get("S3_BUCKET_NAME", ""), prompt_key(name)):
            return f"{prompt_key(name)} is not in the bucket"
    return ""


def of_site(variables: Mapping[str, str]) -> str:
    """Why the site does not come up, or nobody reaches it; "" when it does."""
    try:
        check(variables.get("DATABASE_URL", ""))
    except InvalidUrlError as error:
        return f"DATABASE_URL: {error}"
    if variables.get("HOSTNAME") != "0.0.0.0":  # noqa: S104 - what Next's server listens on
        return f"HOSTNAME must be 0.0.0.0, got {variables.get('HOSTNAME')}: the load balancer would not reach it"
    return next((f"{name} is not set" for name in ("CRON_SECRET", "CORAL_SERVER_URL") if not variables.get(name)), "")


def of_container(name: str, variables: Mapping[str, str], has_object: Callable[[str, str], bool]) -> str:
    """Why a container of this name does not come up; "" when it does."""
    if name.startswith("agent-"):
        return of_agent(variables, has_object)
    return of_site(variables) if name == "web" else ""
