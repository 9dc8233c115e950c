"""References from other stacks to what the configuration may take away."""

from aws_cdk import CrossStackReferences, ReferenceStrength

from constructs import IConstruct


def refer_weakly(*resources: IConstruct) -> None:
    """Let other stacks refer to these `resources` by Fn::GetStackOutput instead of an export (decision 17).

    An export cannot be removed while another stack imports it, so a resource that the configuration may take away
    could not be taken away. A weak reference is resolved when the stack that has it is created or updated, and not
    again: use it only where a replacement also changes the logical id, and with it the template that refers to it.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
    """
    for resource in resources:
        CrossStackReferences.of(resource).produce(ReferenceStrength.WEAK)
