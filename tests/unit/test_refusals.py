"""What the application's containers refuse: a missing variable or prompt, a URL that Prisma does not take."""

from collections.abc import Mapping

import pytest

from application import CONTAINERS, WEB, Address, Known
from rehearsal.stand_in.refusals import PROMPTS, of_container, prompt_key

BUCKET = {("bucket", prompt_key(name)) for name in PROMPTS}
URL = "postgresql://pardon:secret@host:5432/pardon_simulator?schema=public&sslmode=require&connection_limit=10"
CZ, SBF = ({one.name: one for one in CONTAINERS}[f"agent-{name}"] for name in ("cz", "sbf"))


def variables(name: str) -> dict[str, str]:
    """Every variable of the container of this name, as a deployment fills it."""
    container = {one.name: one for one in CONTAINERS}[name]
    known = {Known.BUCKET: "bucket"}
    filled = {
        variable: value
        if isinstance(value, str)
        else known.get(value, "filled")
        if isinstance(value, Known)
        else "1" * 32
        for variable, value in container.environment.items()
    }
    assert any(isinstance(value, Address) for value in container.environment.values()) or name == "coral-server"
    return {**filled, **dict.fromkeys(container.secrets, "filled"), **({"DATABASE_URL": URL} if name == "web" else {})}


def refusal(name: str, given: Mapping[str, str], objects: set[tuple[str, str]] = BUCKET) -> str:
    return of_container(name, given, lambda bucket, key: (bucket, key) in objects)


@pytest.mark.parametrize("name", [one.name for one in CONTAINERS])
def test_every_container_comes_up_as_it_is_deployed(name: str) -> None:
    assert refusal(name, variables(name)) == ""


@pytest.mark.parametrize(
    "variable",
    ["AGENT_NAME", "CORAL_SSE_URL", "CORAL_SESSIONS", "SOLANA_RPC_URL", "SOLANA_PUBLIC_ADDRESS", "SOLANA_PRIVATE_KEY"],
)
@pytest.mark.parametrize("value", ["", None])
def test_an_agent_needs_its_variables(variable: str, value: str | None) -> None:
    given = {**variables("agent-cz"), variable: value}
    filled = {name: text for name, text in given.items() if text is not None}
    assert refusal("agent-cz", filled) == f"{variable} is not set"


def test_an_agent_without_a_wallet_needs_none() -> None:
    assert not {"SOLANA_PRIVATE_KEY", "SOLANA_PUBLIC_ADDRESS"} & (SBF.environment.keys() | SBF.secrets.keys())


@pytest.mark.parametrize("name", PROMPTS)
def test_an_agent_needs_each_shared_prompt(name: str) -> None:
    assert refusal("agent-cz", variables("agent-cz"), BUCKET - {("bucket", prompt_key(name))}) == (
        f"{prompt_key(name)} is not in the bucket"
    )


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("DATABASE_URL", "", "must begin with postgresql://"),
        ("DATABASE_URL", URL.replace("sslmode=require", "sslmode=verify-full"), "sslmode must be require"),
        ("DATABASE_URL", URL.replace("=10", "="), "connection_limit must be a number"),
        ("HOSTNAME", "ip-10-0-0-1.ec2.internal", "HOSTNAME must be 0.0.0.0"),
        ("CRON_SECRET", "", "CRON_SECRET is not set"),
    ],
)
def test_the_site_refuses(variable: str, value: str, reason: str) -> None:
    assert variable in {**WEB.environment, **WEB.secrets}
    assert reason in refusal("web", {**variables("web"), variable: value})
