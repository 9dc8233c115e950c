"""IAM database authentication: whether a token lets its principal log in as a role."""

from typing import Any

from ministack.core import iam_evaluator, rds_iam
from ministack.core.responses import request_scope
from ministack.services import rds


def refusal(token: str, user: str, *, host: str, port: int, region: str, account: str) -> str:
    """Return why the token does not let the role in; "" when it does.

    As on RDS the token is of this host, port and role, at most 15 minutes old, signed by a principal of the
    account whose policies allow rds-db:connect on the instance's dbuser, and the instance has IAM
    authentication enabled. MiniStack verifies tokens of any engine, but authorizes them for MySQL only.
    """
    with request_scope(account, region):
        instances = [one for one in rds._instances.values() if is_at(host, port, one)]
        enabled = [one for one in instances if one.get("IAMDatabaseAuthenticationEnabled")]
        if not enabled:
            return f"IAMDatabaseAuthenticationDisabled on all of {len(instances)} instances at {host}:{port}"
        verified = rds_iam.verify_rds_iam_token(
            token, hostname=host, port=port, db_user=user, region=region, account_id=account
        )
        if isinstance(verified, rds_iam.RdsIamTokenError):
            return str(verified.code)
        resources = [f"arn:aws:rds-db:{region}:{account}:dbuser:{one['DbiResourceId']}/{user}" for one in enabled]
        if any(is_allowed(verified.access_key_id, resource, region, account) for resource in resources):
            return ""
        return f"{verified.principal_arn} is not allowed rds-db:connect on {' or '.join(resources)}"


def is_at(host: str, port: int, instance: dict[str, Any]) -> bool:
    """Whether this is the instance at that address; its replicas share the address here."""
    endpoint = instance.get("Endpoint") or {}
    is_replica = bool(instance.get("ReadReplicaSourceDBInstanceIdentifier"))
    return (endpoint.get("Address"), endpoint.get("Port")) == (host, port) and not is_replica


def is_allowed(access_key: str, resource: str, region: str, account: str) -> bool:
    """Evaluate the policies of the key's principal for rds-db:connect."""
    principal = iam_evaluator.resolve_principal(access_key, account)
    if isinstance(principal, iam_evaluator.AuthError):
        return False
    if principal.policies is None:  # root
        return True
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=account,
        action="rds-db:connect",
        resource_arn=resource,
        region=region,
        principal_keys=principal.keys,
    )
    return bool(iam_evaluator.evaluate(context, principal.policies, *principal.limits).decision == "Allow")
