"""Findings of cdk-nag that are accepted, each with its reason, beside the resource."""

from aws_cdk import Acknowledgment, Validations

from constructs import IConstruct


def acknowledge(scope: IConstruct, reason: str, *findings: str) -> None:
    """Accept these AwsSolutions `findings` (e.g. "RDS11", "IAM5[Resource::*]") below `scope`."""
    for finding in findings:
        Validations.of(scope).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason))
