"""A database and its secrets under rotation, with the steps done in this process."""

import json
import os
import uuid
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pg8000.native

from constructs.database.credentials import client_urls
from ops_lambdas.database_role.role import RoleMaker
from ops_lambdas.database_role.settings import Settings
from ops_lambdas.rotation.function import handler
from ops_lambdas.shared.database import writing
from ops_lambdas.shared.master import master_login
from ops_lambdas.shared.settings import from_environment
from rehearsal.postgresql.server import Postgres
from tests.integration.checks.conftest import CONTEXT
from tests.integration.checks.variables import AWS

MASTER_PASSWORD = "as-the-instance-was-created"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def url_secret(server: Postgres, database: str, user: str) -> dict[str, object]:
    """What the deployment puts into database-url."""
    place = {"engine": "postgres", "host": server.host, "port": str(server.port), "dbname": database}
    urls = client_urls(f"{user}:{MASTER_PASSWORD}@{server.host}:{server.port}/{database}", 10)
    return {**place, "username": user, "password": MASTER_PASSWORD, **urls}


@dataclass(frozen=True, kw_only=True)
class World:
    """Attributes: url, password, value: the secrets' ARNs."""

    server: Postgres
    client: Any
    rotator: str
    database: str
    master: str
    url: str
    password: str
    value: str

    def settings(self, endpoint: str) -> dict[str, str]:
        return {
            **AWS,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
            "PGSSLROOTCERT": str(self.server.ca_file),
            "ENVIRONMENT": "rehearsal",
            "DATABASE_HOST": self.server.host,
            "DATABASE_PORT": str(self.server.port),
            "DATABASE_NAME": self.database,
            "MASTER_USER": self.master,
            "MASTER_SECRET_ARN": self.password,
            "URL_SECRET_ARN": self.url,
            "VALUE_SECRET_ARNS": self.value,
        }

    def begin(self, secret: str) -> str:
        """Begin a rotation as Secrets Manager does; return the id of the pending version."""
        token = str(uuid.uuid4())
        self.client.rotate_secret(SecretId=secret, RotationLambdaARN=self.rotator, ClientRequestToken=token)
        return token

    def step(self, step: str, secret: str, token: str) -> dict[str, Any]:
        event = {"Step": step, "SecretId": secret, "ClientRequestToken": token, "RotationToken": "not used"}
        return dict(handler(event, CONTEXT))

    def rotate(self, secret: str) -> dict[str, Any]:
        """Rotate a secret in four steps, and return its new value."""
        token = self.begin(secret)
        for step in STEPS:
            self.step(step, secret, token)
        return self.read(secret)

    def read(self, secret: str, stage: str = "AWSCURRENT") -> dict[str, Any]:
        return dict(json.loads(self.client.get_secret_value(SecretId=secret, VersionStage=stage)["SecretString"]))

    def connect(self, login: dict[str, Any]) -> pg8000.native.Connection:
        """Connect as the application does."""
        return self.server.connect(self.database, user=login["username"], password=login["password"])

    def master_login(self, password: str) -> dict[str, Any]:
        return {"username": self.master, "password": password}

    def ensure_role(self, role: str) -> Any:
        """Run the check that keeps the checks' role."""
        config = from_environment(Settings, {**os.environ, "DATABASE_USER": role})
        login = master_login(config, "database_role")
        with writing(login, application_name="database_role") as writer:
            return RoleMaker(writer, role, lambda: True).ensure("rehearsal")

    def drop_role(self, role: str) -> None:
        with closing(self.server.connect(self.database)) as admin:
            admin.run(f"DROP OWNED BY {role}")
            admin.run(f"DROP ROLE {role}")

    def migrate(self, login: dict[str, Any], table: str) -> None:
        """Do what migrations do: make a table, and change those that were there."""
        with closing(self.connect(login)) as connection:
            connection.run(f'CREATE TABLE "{table}" (id text PRIMARY KEY)')
            connection.run(f'ALTER TABLE "Session" ADD COLUMN added_{table.lower()} text')
            connection.run(f'CREATE INDEX ON "Message" ("senderId") WHERE id <> \'{table}\'')
            connection.run(f'''INSERT INTO "{table}" VALUES ('one')''')
