"""What a region's database was restored from: kept in the region, so that any deployment from anywhere agrees."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_rds as rds
from aws_cdk import aws_ssm as ssm

from constructs import Construct
from names import NOT_RESTORED, ORIGIN_PARTS, TO_BE_RESTORED, Names

SNAPSHOT, BACKUP, TIME = ORIGIN_PARTS


class DatabaseOrigin(Construct):
    """The parameters that keep it; `make recover` writes them, before the database exists.

    A template never changes what they hold: their value here is that of a region without a database.

    Args:
        is_restored: the region's database must be a restored one.
    """

    def __init__(self, scope: Construct, id: str, *, names: Names, is_restored: bool) -> None:
        super().__init__(scope, id)
        initial = {**dict.fromkeys(ORIGIN_PARTS, NOT_RESTORED), **({SNAPSHOT: TO_BE_RESTORED} if is_restored else {})}
        for of, value in initial.items():
            ssm.CfnParameter(
                self,
                of.title(),
                name=names.origin_parameter(of),
                type="String",
                value=value,
                description=f"What {names.database} was restored from: {of}; never to be changed while it exists",
            )


def restore(instance: rds.CfnDBInstance, names: Names) -> None:
    """Let `instance` be restored from what its region's parameters say: a snapshot, or a backup at a time.

    A restored instance has its source's user, database and storage: RDS takes none of them in a restore, and
    CloudFormation replaces an instance when its user or database changes.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
    """
    scope = cast(Construct, instance.node.scope)
    given = {of: _read(scope, of, names) for of in (SNAPSHOT, BACKUP, TIME)}
    is_from = {
        of: cdk.CfnCondition(
            scope,
            f"From{of.title()}",
            expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(value, NOT_RESTORED)),
        )
        for of, value in given.items()
    }
    is_new = [cdk.Fn.condition_equals(given[of], NOT_RESTORED) for of in (SNAPSHOT, BACKUP)]
    is_restored = cdk.CfnCondition(scope, "IsRestored", expression=cdk.Fn.condition_not(cdk.Fn.condition_and(*is_new)))
    for of, name in (
        (SNAPSHOT, "DBSnapshotIdentifier"),
        (BACKUP, "SourceDBInstanceAutomatedBackupsArn"),
        (TIME, "RestoreTime"),
    ):
        instance.add_property_override(name, _if(is_from[of], given[of], cdk.Aws.NO_VALUE))
    for name, value in (
        ("MasterUsername", instance.master_username),
        ("DBName", instance.db_name),
        ("AllocatedStorage", instance.allocated_storage),
    ):
        instance.add_property_override(name, _if(is_restored, cdk.Aws.NO_VALUE, value))


def _read(scope: Construct, of: str, names: Names) -> str:
    parameter = cdk.CfnParameter(
        scope,
        f"Origin{of.title()}",
        type="AWS::SSM::Parameter::Value<String>",
        default=names.origin_parameter(of),
        # The CDK would otherwise make a change set in each deployment, to see whether the value has changed.
        description=f"What the database was restored from: {of}. [cdk:skip]",
    )
    return parameter.value_as_string


def _if(condition: cdk.CfnCondition, then: object, otherwise: object) -> object:
    return {"Fn::If": [condition.logical_id, then, otherwise]}
