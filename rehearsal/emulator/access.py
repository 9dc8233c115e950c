"""Lets IAM policies decide, as on AWS: a Lambda may do what its role allows, and no more.

MiniStack enforces policies with AUTH=true; access keys of no user, as the CDK CLI's here, act as root.
"""

import time
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import sts

SESSION_SECONDS = 12 * 3600


def register() -> None:
    """Count loopback as secure transport, and let the credentials of Lambdas expire.

    Policies that demand TLS would refuse everything otherwise, and an IAM token for a database is valid only
    from credentials that expire; MiniStack gives a Lambda's none.
    """
    resolve, register_session = iam_evaluator._resolve_condition_key, sts.register_session

    def resolve_secure(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    def register_expiring(access_key: str, session: dict[str, Any]) -> None:
        register_session(access_key, {"Expiration": time.time() + SESSION_SECONDS, **session})

    iam_evaluator._resolve_condition_key = resolve_secure
    sts.register_session = register_expiring
