"""Creating the checks' role, and dropping it."""

from contextlib import closing

from ops_lambdas.database_role.report import Ensured
from ops_lambdas.database_role.role import RoleMaker
from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared.database import Credentials
from tests.integration.conftest import Database

PASSWORD = "for-tests-in-place-of-a-token"


def credentials_of(database: Database) -> Credentials:
    host, port = database.server.host, database.server.port
    return Credentials(host=host, port=port, database=database.name, username=database.user, password=database.password)


def make(database: Database, role: str) -> Ensured:
    with shared_database.writing(credentials_of(database), application_name="database_role") as writer:
        return RoleMaker(writer, role, lambda: True).ensure("rehearsal")


def dropped(database: Database, role: str) -> None:
    with closing(database.server.connect(database.name)) as admin:
        if admin.run("SELECT FROM pg_roles WHERE rolname = :role", role=role):
            admin.run(f"DROP OWNED BY {role}")
            admin.run(f"DROP ROLE {role}")
