"""The two secrets of the database: the owner's password, and everything that a client needs to connect."""

from aws_cdk import RemovalPolicy, SecretValue, Token
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager

from application import DATABASE_SECRET
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
        secret_name=names.secret("database-password"),
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
    key: kms.IKey,
    removal_policy: RemovalPolicy,
) -> EncryptedSecret:
    """JSON with engine, host, port, dbname, username, password, and `url`, complete for Prisma."""
    secret = password.unsafe_unwrap()
    host, port = endpoint.hostname, Token.as_string(endpoint.port)
    url = f"postgresql://{DATABASE_OWNER}:{secret}@{host}:{port}/{DATABASE_NAME}?schema=public&sslmode=require"
    values = {"engine": "postgres", "host": host, "port": port, "dbname": DATABASE_NAME, "username": DATABASE_OWNER}
    return EncryptedSecret(
        scope,
        id,
        secret_name=names.secret(DATABASE_SECRET),
        description="The database: host, port, dbname, username, password, and the complete url for Prisma",
        encryption_key=key,
        removal_policy=removal_policy,
        secret_object_value={
            name: SecretValue.unsafe_plain_text(value)  # a reference that CloudFormation resolves, no secret
            for name, value in {**values, "password": secret, "url": url}.items()
        },
    )
