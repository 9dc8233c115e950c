"""IAM policies are enforced, as on AWS: a Lambda may do what its role allows, and no more.

MiniStack enforces policies with AUTH=true; access keys without a user, as the CDK CLI's here, act as root.
"""

import json
import time
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import kms, sts

SESSION_SECONDS = 12 * 3600


def register() -> None:
    """Count loopback as secure transport, let the credentials of Lambdas expire, and know resources and keys.

    Policies that demand TLS would refuse everything otherwise, and an IAM token for a database is valid only
    from credentials that expire; MiniStack gives a Lambda's none.
    """
    resolve, register_session = iam_evaluator._resolve_condition_key, sts.register_session
    keys_of, resource_of = iam_actions.request_tag_context, iam_actions.extract_resource_arn

    def resolve_secure(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    def register_expiring(access_key: str, session: dict[str, Any]) -> None:
        register_session(access_key, {"Expiration": time.time() + SESSION_SECONDS, **session})

    def keys_with_cluster(service: str, action: str, body: bytes, *more: Any) -> dict[str, Any]:
        keys = keys_of(service, action, body, *more)
        own = {"ecs": cluster_key, "kms": alias_key}.get(service)
        return {**keys, **(own(body) if own else {})}

    def documented_resource(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, *more: Any
    ) -> Any:
        action = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        resource = ecs_resource(action, body) if service == "ecs" else None
        if service == "logs" and action == "GetLogEvents":
            resource = stream_resource(body)
        if service == "rds":
            resource = snapshot_resource(query)
        if service == "kms":
            resource = key_resource(body)
        return resource or resource_of(service, method, path, headers, body, query, *more)

    iam_evaluator._resolve_condition_key = resolve_secure
    sts.register_session = register_expiring
    iam_actions.request_tag_context = keys_with_cluster
    iam_actions.extract_resource_arn = documented_resource


def cluster_key(body: bytes) -> dict[str, str]:
    """The condition key of a request to ECS that names a cluster; MiniStack has none of ECS's keys."""
    name = cluster_name(body)
    return {"ecs:cluster": f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/{name}"} if name else {}


def alias_key(body: bytes) -> dict[str, str]:
    """The condition key of a request to KMS that names a key by its alias.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-request-alias
    """
    name = key_name(body)
    return {"kms:RequestAlias": name} if name.startswith("alias/") else {}


def key_resource(body: bytes) -> str | None:
    """The key that a request names by its alias, which it is authorized on; None for other requests."""
    name = key_name(body)
    if not name.startswith("alias/"):
        return None
    place = f"arn:aws:kms:{get_region()}:{get_account_id()}"
    id_ = kms._aliases.get(f"{place}:{name}")
    return f"{place}:key/{id_}" if id_ else None


def key_name(body: bytes) -> str:
    """The key that a request names, by id, ARN or alias."""
    return str(json.loads(body or b"{}").get("KeyId", ""))


def ecs_resource(action: str, body: bytes) -> str | None:
    """What a request about tasks or services is authorized on; None for other requests. MiniStack takes the cluster.

    Source: Service Authorization Reference, Amazon ECS: DescribeTasks has resource type task, DescribeServices service;
    ListTasks has container instances, which it names only when they are asked for.
    """
    if action == "ListTasks":
        return "*"
    kind, field = {"DescribeTasks": ("task", "tasks"), "DescribeServices": ("service", "services")}.get(
        action, ("", "")
    )
    if not kind:
        return None
    name = json.loads(body)[field][0].rpartition("/")[2]
    return f"arn:aws:ecs:{get_region()}:{get_account_id()}:{kind}/{cluster_name(body)}/{name}"


def stream_resource(body: bytes) -> str:
    """The log stream that its events are read of; MiniStack takes the log group.

    Source: Service Authorization Reference, Amazon CloudWatch Logs: GetLogEvents has resource type log-stream.
    """
    request = json.loads(body)
    group = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{request['logGroupName']}"
    return f"{group}:log-stream:{request['logStreamName']}"


def snapshot_resource(query: Any) -> str | None:
    """The snapshot that a request to RDS names without its instance; MiniStack takes `*`.

    Source: Service Authorization Reference, Amazon RDS: DeleteDBSnapshot has resource type snapshot.
    """
    if "DBSnapshotIdentifier" not in query or "DBInstanceIdentifier" in query:
        return None
    (name,) = query["DBSnapshotIdentifier"]
    return f"arn:aws:rds:{get_region()}:{get_account_id()}:snapshot:{name}"


def cluster_name(body: bytes) -> str:
    """The cluster that a request names, by name or ARN; "" when it names none."""
    return str(json.loads(body or b"{}").get("cluster", "")).rpartition("/")[2]
