"""The account: whose credentials, the CDK's bootstrap, service-linked roles."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from procedures.findings import Aws, Finding, State
from procedures.preflight.deployment import Deployment

# AWS makes each with the first resource that needs it, if the deployment's role has iam:CreateServiceLinkedRole.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/elb-service-linked-roles.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html
# https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
LINKED_ROLES = {
    "AWSServiceRoleForECS": "ecs.amazonaws.com",
    "AWSServiceRoleForElasticLoadBalancing": "elasticloadbalancing.amazonaws.com",
    "AWSServiceRoleForRDS": "rds.amazonaws.com",
    "AWSServiceRoleForApplicationAutoScaling_ECSService": "ecs.application-autoscaling.amazonaws.com",
}


def credentials(aws: Aws) -> Iterator[Finding]:
    """The credentials are of the environment's account."""
    account, expected = aws.client("sts").get_caller_identity()["Account"], aws.environment.account
    is_right = account == expected
    yield Finding(
        area="account",
        subject="credentials",
        state=State.HOLDS if is_right else State.FAILS,
        found=f"of account {account}" if is_right else f"of account {account}, config.py says {expected}",
        mend="" if is_right else "Log in to the right account, or correct account in config.py",
    )


def bootstrap(aws: Deployment) -> Iterator[Finding]:
    """The CDK's bootstrap stack is there, in a version that the templates accept."""
    needed = aws.bootstrap_version
    try:
        version = int(aws.client("ssm").get_parameter(Name=aws.bootstrap_parameter)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        version = 0
    is_right = version >= needed
    found = f"version {version}, {needed} is needed" if version else f"none in {aws.environment.region}"
    mend = "" if is_right else f"make bootstrap {aws.options}"
    state = State.HOLDS if is_right else State.FAILS
    yield Finding(area="account", subject="CDK bootstrap", state=state, found=found, mend=mend)


def service_linked_roles(aws: Deployment) -> Iterator[Finding]:
    """The roles by which ECS, load balancing, RDS and autoscaling work; AWS makes those that are missing."""
    iam = aws.client("iam")
    missing = []
    for role in LINKED_ROLES:
        try:
            iam.get_role(RoleName=role)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise
            missing.append(role)
    yield Finding(
        area="account",
        subject="service-linked roles",
        state=State.NOT_YET if missing else State.HOLDS,
        found=f"{len(LINKED_ROLES) - len(missing)} of {len(LINKED_ROLES)}; AWS makes a missing one when it is needed",
        mend="\n".join(f"aws iam create-service-linked-role --aws-service-name {LINKED_ROLES[one]}" for one in missing),
    )
