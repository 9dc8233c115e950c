"""Lets IAM policies decide, as on AWS: a Lambda may do what its role allows, and no more.

MiniStack enforces policies with AUTH=true; access keys of no user, as the CDK CLI's here, act as root.
"""

from typing import Any

from ministack.core import iam_evaluator


def register() -> None:
    """Count loopback as secure transport; else policies that demand TLS would refuse everything."""
    resolve = iam_evaluator._resolve_condition_key

    def resolve_secure(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    iam_evaluator._resolve_condition_key = resolve_secure
