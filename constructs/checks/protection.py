"""Protection in AWS: at each deployment, after each update of a stack, and every quarter of an hour."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.check_permissions import may_describe_database
from constructs.checks.declaration import Check, Deployed
from constructs.common.acknowledge import acknowledge
from constructs.common.cloudwatch_metrics import MINIMUM, check_metric
from names import LAYERS

EVERY = Duration.minutes(15)
UNPROTECTED_RUNS = 4  # an hour: an instance that is being backed up or modified cannot be switched


def _settings(deployed: Deployed) -> dict[str, str]:
    environment, names = deployed.environment, deployed.environment.names
    return {
        "IS_PROTECTED": "yes" if environment.is_protected else "no",
        "STACKS": ",".join(names.stacks),
        "DATA_STACK": names.stack("data"),
        "SERVICE_STACK": names.stack("service"),
        "KEPT_RESOURCES": ",".join(deployed.kept_resources),
        "DATABASE_INSTANCE": names.database,
        "LOAD_BALANCER": names.load_balancer,
    }


def _may_switch(function: lambda_.Function, deployed: Deployed) -> None:
    """Read and switch the protection of this environment's stacks, its instance and its load balancer."""
    stack, names = Stack.of(function), deployed.environment.names
    stacks = [
        stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*") for name in names.stacks
    ]
    data = stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{names.stack('data')}/*")
    balancer = stack.format_arn(
        service="elasticloadbalancing", resource="loadbalancer", resource_name=f"app/{names.load_balancer}/*"
    )
    statements = (
        (["cloudformation:DescribeStacks", "cloudformation:UpdateTerminationProtection"], stacks),
        (["cloudformation:GetStackPolicy", "cloudformation:SetStackPolicy"], [data]),
        (["rds:ModifyDBInstance"], [deployed.database.arn]),
        (["elasticloadbalancing:ModifyLoadBalancerAttributes"], [balancer]),
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
        (["elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancerAttributes"], ["*"]),
    )
    for actions, resources in statements:
        function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=resources))
    if function.role:
        for arn in (*stacks, balancer):
            acknowledge(
                function.role, "One stack or load balancer; AWS chooses the end of its ARN", f"IAM5[Resource::{arn}]"
            )
        acknowledge(function.role, "Describing load balancers has no resources", "IAM5[Resource::*]")


def _alarms(scope: Construct, context: AlarmContext) -> None:
    """A protected environment is not protected. Missing data is not breaching: not running has its own alarm."""
    if not context.environment.is_protected:
        return
    steps = context.notifications.steps
    SeverityAlarm(
        scope,
        "Unprotected",
        notifications=context.notifications,
        severity=Severity.P3,
        name="unprotected",
        problem="a stack, the database or the load balancer could not be protected from deletion for an hour",
        next_steps=(steps.check("protection"), steps.check_log("protection")),
        metric=check_metric(
            "UnprotectedResources", environment=context.environment.name, period=EVERY, statistic=MINIMUM
        ),
        above=0,
        datapoints=(UNPROTECTED_RUNS, UNPROTECTED_RUNS),
        missing_data=TreatMissingData.NOT_BREACHING,
    )


CHECK = Check(
    name="protection",
    every=EVERY,
    timeout=Duration.minutes(2),
    settings=_settings,
    permissions=(may_describe_database, _may_switch),
    runs_after=LAYERS,
    metrics=1,
    alarms=_alarms,
)
