"""The two secrets of the database: the owner's password, and everything that a client needs to connect."""

from aws_cdk import RemovalPolicy, SecretValue, Token
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager

from application import DATABASE_SECRET, PASSWORD_SECRET
from constructs import Construct
from constructs.secrets.encrypted_secret import EncryptedSecret
from names import DATABASE_OWNER, Names

DATABASE_NAME = "pardon_simulator"


def password_secret(
    scope: Construct, id: str, *, names: Names, key: kms.IKey, removal_policy: RemovalPolicy
) -> EncryptedSecret:
    """Generate the owner's password, which the instance is created with."""
    return EncryptedSecret(
        scope,
        id,
        secret_name=names.secret(PASSWORD_SECRET),
        description="Password of the database's owner; the instance is created with it",
        encryption_key=key,
        removal_policy=removal_policy,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template="{}",  # noqa: S106 - the JSON that the generated key is added to
            generate_string_key="password",
            password_length=40,
            exclude_punctuation=True,  # it is part of a URL
        ),
    )


def url_secret(
    scope: Construct,
    id: str,
    *,
    names: Names,
    endpoint: rds.Endpoint,
    password: SecretValue,
    connection_limit: int,
    key: kms.IKey,
    removal_policy: RemovalPolicy,
) -> EncryptedSecret:
    """JSON with engine, host, port, dbname, username, password, and the `client_urls`."""
    secret = password.unsafe_unwrap()
    host, port = endpoint.hostname, Token.as_string(endpoint.port)
    urls = client_urls(f"{DATABASE_OWNER}:{secret}@{host}:{port}/{DATABASE_NAME}", connection_limit)
    values = {"engine": "postgres", "host": host, "port": port, "dbname": DATABASE_NAME, "username": DATABASE_OWNER}
    return EncryptedSecret(
        scope,
        id,
        secret_name=names.secret(DATABASE_SECRET),
        description="The database: host, port, dbname, username, password, url for Prisma, libpq_url for psql",
        encryption_key=key,
        removal_policy=removal_policy,
        secret_object_value={
            name: SecretValue.unsafe_plain_text(value)  # a reference that CloudFormation resolves, no secret
            for name, value in {**values, "password": secret, **urls}.items()
        },
    )


def client_urls(place: str, connection_limit: int) -> dict[str, str]:
    """`url` for Prisma 5 to 7 and node-postgres, and `libpq_url` for psql and pg_dump.

    All require TLS, and none verifies the certificate, as the images lack RDS's certificate authorities: with
    `sslmode=require` node-postgres and Prisma 7 do unless `uselibpqcompat` is true, which Prisma 5 and 6 ignore. These
    two read `connection_limit`, which node-postgres ignores. libpq refuses parameters that it does not know.
    https://www.prisma.io/docs/orm/overview/databases/postgresql#arguments
    https://node-postgres.com/features/ssl
    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS

    Args:
        place: "user:password@host:port/database".
    """
    parameters = f"schema=public&uselibpqcompat=true&sslmode=require&connection_limit={connection_limit}"
    return {"url": f"postgresql://{place}?{parameters}", "libpq_url": f"postgresql://{place}?sslmode=require"}
