"""The application with a resource in its service stack that cannot be made: a rule of a group that is not there."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from config import environment
from stacks import stand_up
from stacks.service import ServiceStack

app = cdk.App()
stand_up(app, environment("rehearsal"))
service = next(stack for stack in app.node.children if isinstance(stack, ServiceStack))
first = next(node for node in service.node.find_all() if isinstance(node, cdk.CfnResource))
broken = ec2.CfnSecurityGroupIngress(
    service,
    "Broken",
    group_id="sg-00000000000000000",
    ip_protocol="tcp",
    from_port=443,
    to_port=443,
    cidr_ip="10.0.0.0/16",
)
broken.add_resource_dependency(first)
app.synth()
