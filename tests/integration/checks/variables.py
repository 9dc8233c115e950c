"""Environment variables of the checks under test."""

from ops_lambdas.shared.database import Credentials

AWS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "NO_PROXY": "127.0.0.1",
}


def of_a_cleanup(login: Credentials, *, coral_port: int, ecs_url: str) -> dict[str, str]:
    """What session cleanup and thread cleanup have in common."""
    return {
        **AWS,
        "ENVIRONMENT": "rehearsal",
        "DATABASE_HOST": login.host,
        "DATABASE_PORT": str(login.port),
        "DATABASE_NAME": login.database,
        "DATABASE_USER": login.username,
        "ECS_CLUSTER": "pardon-rehearsal-cluster",
        "ECS_SERVICE": "pardon-rehearsal-service",
        "CORAL_PORT": str(coral_port),
        "POOLS": "pool-0,pool-1,pool-2,pool-3,pool-4",
        "AWS_ENDPOINT_URL_ECS": ecs_url,
    }
