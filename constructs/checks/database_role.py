"""Database role in AWS: restores the privileges of the checks' role, every hour and at each deployment."""

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from constructs.checks.check_permissions import may_read_master_secret
from constructs.checks.declaration import Check, Deployed
from constructs.functions.lambda_package import built
from names import DATABASE_ROLE


def _settings(deployed: Deployed) -> dict[str, str]:
    return {**deployed.database.master_settings, "DATABASE_USER": DATABASE_ROLE}


CHECK = Check(
    name="database_role",
    every=Duration.hours(1),
    timeout=Duration.minutes(1),
    settings=_settings,
    permissions=(may_read_master_secret,),
    is_in_vpc=True,
)


def run_at_deployment(scope: Construct, id: str, function: lambda_.IFunction) -> cdk.CustomResource:
    """Run the check in each deployment that changes the checks' code; those that log in depend on it."""
    return cdk.CustomResource(
        scope,
        id,
        resource_type="Custom::DatabaseRole",
        service_token=function.function_arn,
        service_timeout=Duration.minutes(10),
        properties={"Role": DATABASE_ROLE, "Code": built()[1]},
    )
