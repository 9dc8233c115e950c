"""The application that is operated: the containers of its task and the secrets that they read.

An operator whose site is hosted elsewhere takes `web` out and marks `coral-server` as load balanced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from start_command import stays_up, until_it_stays_up
from validation import ConfigurationError

CORAL_PORT = 5555
WEB_PORT = 3000
CANDIDATE_PREFIX = "candidate-"  # of image tags that expire, so they are never deployed
DATABASE_SECRET = "database-url"  # noqa: S105 - a secret's name; made with the database, key `url`

AGENTS = (
    "cz",
    "sbf",
    "trump-donald",
    "trump-melania",
    "trump-eric",
    "trump-donjr",
    "trump-barron",
)
AGENTS_WITHOUT_WALLET = frozenset({"sbf"})
# The environment variable of each wallet's public address, by its owner.
WALLETS = MappingProxyType(
    {
        "white-house": "WALLET_WHITE_HOUSE",
        "cz": "WALLET_CZ",
        "trump-donald": "WALLET_DONALD_TRUMP",
        "trump-melania": "WALLET_MELANIA_TRUMP",
        "trump-eric": "WALLET_ERIC_TRUMP",
        "trump-donjr": "WALLET_DONJR_TRUMP",
        "trump-barron": "WALLET_BARRON_TRUMP",
    }
)
# The Coral sessions that the site knows: one for all, or five that users are divided between.
ONE_POOL, FIVE_POOLS = ("production-main",), tuple(f"pool-{number}" for number in range(5))
# After so long without a byte the load balancer closes a connection; answers take tens of seconds in an incident. The
# site must keep it open for longer, or the load balancer sends a request into a closing one and answers 502.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
IDLE_TIMEOUT_SECONDS = 120
_KEEP_ALIVE_MILLISECONDS = (IDLE_TIMEOUT_SECONDS + 10) * 1000
MAX_CONTAINERS = 10  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html


class Known(Enum):
    """What an environment variable holds that only a deployment knows."""

    POOLS = "the pools, separated by commas"
    HAS_FIVE_POOLS = "true or false"
    REGION = "the region"
    SITE_URL = "the site's URL, without a path"
    BUCKET = "the configuration bucket's name; who has it may read the bucket"


@dataclass(frozen=True)
class Address:
    """The public address of a wallet, by its owner; without one in the configuration there is no variable."""

    owner: str


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of the task.

    Attributes:
        repository: name of its image repository, without the environment's prefix.
        memory_mib: hard limit; the container is killed above it.
        memory_reservation_mib: soft limit, reserved on the task.
        is_essential: the task stops when this container does.
        is_load_balanced: the load balancer's target; exactly one container is.
        port: TCP port that it listens on.
        health_path: answers `GET` with 200 when healthy.
        health_command: exits with 0 when it is healthy; of a container without health_path.
        start_seconds: how long it may take until the health check counts.
        starts_after: containers that must be healthy (or started, without a health check) before.
        environment: environment variable → value.
        secrets: environment variable → name of a secret.
    """

    name: str
    repository: str
    memory_mib: int
    memory_reservation_mib: int
    is_essential: bool = False
    is_load_balanced: bool = False
    port: int | None = None
    health_path: str | None = None
    health_command: str | None = None
    start_seconds: int = 0
    starts_after: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str | Known | Address] = field(default_factory=lambda: MappingProxyType({}))
    secrets: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def reads_configuration(self) -> bool:
        """Whether it reads the configuration bucket."""
        return Known.BUCKET in self.environment.values()


@dataclass(frozen=True, kw_only=True)
class ApplicationSecret:
    """A secret `pardon-<environment>/<name>`: JSON with the key `value`.

    Attributes:
        is_generated: by Secrets Manager, and again in a rotation; otherwise created with `initial_value`, for a person
            to fill.
        is_replaced: gets a new value every 90 days. False for a value that is not secret, and for an identity: a
            wallet's private key is the wallet, and another key would be another wallet without its tokens.
    """

    name: str
    description: str
    is_generated: bool = False
    is_replaced: bool = True
    initial_value: str = ""

    @property
    def is_filled_by_person(self) -> bool:
        """It is empty until then."""
        return not (self.is_generated or self.initial_value)


_ADDRESSES = {variable: Address(owner) for owner, variable in WALLETS.items()}


def _agent(name: str) -> Container:
    """An agent; it ends at once without name, Coral's URL, pools, RPC URL, and its wallet's address and key."""
    own: dict[str, str | Known | Address] = {
        "AGENT_NAME": name,
        "CORAL_AGENT_ID": name,
        "CORAL_SSE_URL": f"http://localhost:{CORAL_PORT}/sse/v1/devmode/app/priv",
        "CORAL_SESSIONS": Known.POOLS,
        "S3_BUCKET_NAME": Known.BUCKET,
        "AWS_REGION": Known.REGION,
        "MODEL_PROVIDER": "openai",
        "MODEL_NAME": "gpt-4o",
        "MODEL_TEMPERATURE": "0.7",
        "MODEL_MAX_TOKENS": "8000",
    }
    secrets = {
        "MODEL_API_KEY": "openai-api-key",
        "HELIUS_API_KEY": "helius-api-key",
        "SOLANA_RPC_URL": "solana-rpc-url",
        "AGENT_API_KEY": "agent-api-key",
        "BACKEND_URL": "backend-url",
    }
    if name not in AGENTS_WITHOUT_WALLET:
        own["SOLANA_PUBLIC_ADDRESS"] = Address(name)
        secrets["SOLANA_PRIVATE_KEY"] = f"solana-private-key-{name}"
    return Container(
        name=f"agent-{name}",
        repository="pardon-agent",
        memory_mib=800,
        memory_reservation_mib=512,
        starts_after=("coral-server",),
        # It ends within seconds while the prompts are not in the bucket.
        command=until_it_stays_up("/app/fetch-and-start.sh", name),
        health_command=stays_up(),
        start_seconds=180,
        environment=MappingProxyType(own | _ADDRESSES),
        secrets=MappingProxyType(secrets),
    )


CORAL_SERVER = Container(
    name="coral-server",
    repository="coral-server",
    memory_mib=2048,
    memory_reservation_mib=1024,
    is_essential=True,
    port=CORAL_PORT,
    health_path="/health",
    start_seconds=60,
)
WEB = Container(
    name="web",
    repository="pardon-website",
    memory_mib=1024,
    memory_reservation_mib=512,
    is_essential=True,
    is_load_balanced=True,
    port=WEB_PORT,
    health_path="/api/health/coral",
    starts_after=("coral-server",),
    environment=MappingProxyType(
        {
            "CORAL_SERVER_URL": f"http://localhost:{CORAL_PORT}",
            "CORAL_USE_POOLS": Known.HAS_FIVE_POOLS,
            "NEXT_PUBLIC_BASE_URL": Known.SITE_URL,
            # Next's own server listens on the host's name otherwise, and closes idle connections after 5 s.
            # https://github.com/vercel/next.js/blob/canary/packages/next/src/build/utils.ts, the standalone server.js
            "HOSTNAME": "0.0.0.0",  # noqa: S104 - security groups decide who reaches it
            "KEEP_ALIVE_TIMEOUT": str(_KEEP_ALIVE_MILLISECONDS),
            **_ADDRESSES,
        }
    ),
    secrets=MappingProxyType(
        {
            "DATABASE_URL": DATABASE_SECRET,
            "CRON_SECRET": "cron-secret",
            "AGENT_API_KEY": "agent-api-key",
            "CORAL_AGENT_API_KEY": "agent-api-key",
            "SOLANA_RPC_URL": "solana-rpc-url",
            "CDP_API_KEY_ID": "cdp-api-key-id",
            "CDP_API_KEY_SECRET": "cdp-api-key-secret",
            "FACILITATOR_SOLANA_PRIVATE_KEY": "facilitator-private-key",
        },
    ),
)
CONTAINERS = (CORAL_SERVER, *(_agent(name) for name in AGENTS), WEB)

SECRETS = (
    ApplicationSecret(
        name="cron-secret",
        description="Bearer token of the site's /api/cron routes; generated",
        is_generated=True,
    ),
    ApplicationSecret(
        name="agent-api-key",
        description="Key by which the agents reach the site; generated",
        is_generated=True,
    ),
    ApplicationSecret(
        name="backend-url",
        description="Base URL of the site as the agents call it",
        is_replaced=False,
        initial_value=f"http://localhost:{WEB_PORT}",
    ),
    ApplicationSecret(name="openai-api-key", description="OpenAI API key, from OpenAI's console"),
    ApplicationSecret(name="helius-api-key", description="Helius API key, from Helius's dashboard"),
    ApplicationSecret(name="solana-rpc-url", description="Solana RPC URL with its key, from the RPC provider"),
    ApplicationSecret(name="cdp-api-key-id", description="Id of the API key for payments, from Coinbase's CDP portal"),
    ApplicationSecret(name="cdp-api-key-secret", description="Secret of that key, from Coinbase's CDP portal"),
    ApplicationSecret(
        name="facilitator-private-key",
        description="Private key of the Solana wallet that settles payments",
        is_replaced=False,
    ),
    *(
        ApplicationSecret(
            name=f"solana-private-key-{name}",
            description=f"Private key of the Solana wallet of {name}",
            is_replaced=False,
        )
        for name in AGENTS
        if name not in AGENTS_WITHOUT_WALLET
    ),
)

PASSWORD_SECRET = "database-password"  # noqa: S105 - a secret's name; of the database's master user
# Those that get a new value by themselves.
ROTATED_SECRETS = (DATABASE_SECRET, PASSWORD_SECRET, *(secret.name for secret in SECRETS if secret.is_generated))


def check_containers(containers: tuple[Container, ...], task_memory_mib: int) -> None:
    """Raise ConfigurationError unless these containers fit a task of `task_memory_mib`."""
    if len(containers) > MAX_CONTAINERS:
        raise ConfigurationError(f"containers must be at most {MAX_CONTAINERS}, as ECS takes, got {len(containers)}")
    balanced = [c for c in containers if c.is_load_balanced]
    if len(balanced) != 1 or balanced[0].port is None or balanced[0].health_path is None:
        raise ConfigurationError(
            "containers must hold exactly one with is_load_balanced, and that with port and health_path, "
            f"got {[c.name for c in balanced]}"
        )
    earlier: list[str] = []
    for container in containers:
        if container.name in earlier:
            raise ConfigurationError(f"containers must have unique names, got {container.name!r} twice")
        if not 0 < container.memory_reservation_mib <= container.memory_mib <= task_memory_mib:
            raise ConfigurationError(
                f"memory_mib of container {container.name} must be from its memory_reservation_mib "
                f"({container.memory_reservation_mib}) to task_memory_mib ({task_memory_mib}), "
                f"got {container.memory_mib}"
            )
        if not set(container.starts_after) <= set(earlier):
            raise ConfigurationError(
                f"starts_after of container {container.name} must name containers listed before it "
                f"({', '.join(earlier)}), got {container.starts_after}"
            )
        unknown = set(container.secrets.values()) - {DATABASE_SECRET, *(s.name for s in SECRETS)}
        if unknown:
            raise ConfigurationError(
                f"secrets of container {container.name} must name secrets of the application, got {sorted(unknown)}"
            )
        earlier.append(container.name)
    reserved = sum(container.memory_reservation_mib for container in containers)
    if reserved > task_memory_mib:
        raise ConfigurationError(
            f"task_memory_mib must be at least what the containers reserve ({reserved}), got {task_memory_mib}"
        )
