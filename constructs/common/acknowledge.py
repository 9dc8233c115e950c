"""Findings of cdk-nag that are accepted, each with its reason, beside the resource."""

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_s3 as s3

from constructs import IConstruct


def acknowledge(scope: IConstruct, reason: str, *findings: str) -> None:
    """Accept these AwsSolutions `findings` (e.g. "RDS11", "IAM5[Resource::*]") below `scope`."""
    for finding in findings:
        Validations.of(scope).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason))


def imported(bucket: s3.IBucket) -> str:
    """Return what cdk-nag calls a bucket's ARN in another stack: the name of the export that it is imported by."""
    stack = Stack.of(bucket)
    name: str = stack.resolve(stack.export_value(bucket.bucket_arn))["Fn::ImportValue"]
    return name
