"""Make a region a standby again, while the other one serves: `make stand-down ENV=production REGION=us-east-1`.

Its tasks end, its database is kept as evidence under another name, and what costs by the hour is deleted. It can be
run again after any failure. Drill: docs/recovery.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from application import DATABASE_SECRET, PASSWORD_SECRET, SECRETS
from config import environment
from environment import Environment
from names import NOT_RESTORED, TO_BE_RESTORED
from procedures.findings import CLIENT
from procedures.recover import places, source
from procedures.recover.source import RecoveryError
from procedures.recover.steps import Steps, agreed
from procedures.terminal import Terminal
from validation import ConfigurationError

_RENAME_SECONDS, _PAUSE_SECONDS = 900, 5.0
_ALLOW = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}]}


def stand_down(chosen: Environment, steps: Steps, evidence: str) -> None:
    """Do it.

    Args:
        evidence: the database's new name.
    Raises:
        RecoveryError: a step failed; running it again goes on there.
        BotoCoreError, ClientError: AWS cannot be asked.
    """
    formation = boto3.client("cloudformation", region_name=chosen.region, config=CLIENT)
    with steps.step("Tasks") as found:
        found(places.stop(chosen, chosen.region))
    with steps.step("The database's name") as found:
        found(rename(chosen, evidence))
    with steps.step("What the next database is restored from") as found:
        ssm = boto3.client("ssm", region_name=chosen.region, config=CLIENT)
        source.keep(ssm, chosen, {"snapshot": TO_BE_RESTORED, "backup": NOT_RESTORED, "time": NOT_RESTORED})
        found("a recovery decides")
    with steps.step("Protection of what goes") as found:
        unprotect(chosen)
        found("is off")
    with steps.step("Stacks that are being changed") as found:
        found(places.settle(formation, chosen))
    with steps.step("cdk deploy, the last stack first") as found:
        deploy(chosen)
        found(f"{len(chosen.names.stacks)} stacks in standby")
    with steps.step("Secrets") as found:
        found(renew_secrets(chosen))


def rename(chosen: Environment, evidence: str, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """Give the database another name, with which no task finds it; return what was done.

    Raises:
        RecoveryError: it has not got the name within a quarter of an hour.
    """
    rds = boto3.client("rds", region_name=chosen.region, config=CLIENT)
    if not places.has_database(rds, chosen):
        return f"no {chosen.names.database} in {chosen.region}"
    rds.modify_db_instance(
        DBInstanceIdentifier=chosen.names.database, NewDBInstanceIdentifier=evidence, ApplyImmediately=True
    )
    until = time.monotonic() + _RENAME_SECONDS
    while places.has_database(rds, chosen):
        if time.monotonic() > until:
            raise RecoveryError(f"{chosen.names.database} is not {evidence} yet; look at it, and run this again")
        sleep(_PAUSE_SECONDS)
    return f"{chosen.names.database} is {evidence} now"


def deletions(chosen: Environment) -> Iterator[str]:
    """The commands that delete the databases kept as evidence, each with a last snapshot; of every run until now."""
    rds = boto3.client("rds", region_name=chosen.region, config=CLIENT)
    pages = rds.get_paginator("describe_db_instances").paginate()
    names = [one["DBInstanceIdentifier"] for page in pages for one in page["DBInstances"]]
    for name in sorted(name for name in names if name.startswith(_evidence(chosen))):
        one = f"--region {chosen.region} --db-instance-identifier {name}"
        yield f"When nobody needs {name} any more:"
        yield f"  aws rds modify-db-instance {one} --no-deletion-protection --apply-immediately"
        yield f"  aws rds delete-db-instance {one} --final-db-snapshot-identifier {name}"


def _evidence(chosen: Environment) -> str:
    return f"{chosen.names.database}-until-"


def unprotect(chosen: Environment) -> None:
    """Let the stack of the data be changed, and a load balancer that a standby does not have be deleted."""
    boto3.client("cloudformation", region_name=chosen.region, config=CLIENT).set_stack_policy(
        StackName=chosen.names.stack("data"), StackPolicyBody=json.dumps(_ALLOW)
    )
    if chosen.standby_load_balancer:
        return
    balancing = boto3.client("elbv2", region_name=chosen.region, config=CLIENT)
    try:
        (found,) = balancing.describe_load_balancers(Names=[chosen.names.load_balancer])["LoadBalancers"]
    except balancing.exceptions.LoadBalancerNotFoundException:
        return
    balancing.modify_load_balancer_attributes(
        LoadBalancerArn=found["LoadBalancerArn"],
        Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
    )


def deploy(chosen: Environment) -> None:
    """Deploy the stacks in standby, one by one: those that use what goes before those that have it.

    Raises:
        RecoveryError: one failed.
    """
    context = ["-c", f"environment={chosen.name}", "-c", f"region={chosen.region}", "-c", "standby=true"]
    with tempfile.TemporaryDirectory() as assembly:
        _cdk("synth", "--quiet", *context, "--output", assembly)
        for stack in reversed(chosen.names.stacks):
            options = ("--exclusively", "--require-approval", "never", "--method", "direct")
            _cdk("deploy", stack, *options, "--app", assembly)


def _cdk(*arguments: str) -> None:
    code = subprocess.run(["cdk", *arguments], check=False).returncode  # noqa: S603, S607 - checked values, make's PATH
    if code:
        command = f"cdk {' '.join(arguments[:2])}"
        raise RecoveryError(f"{command} ended with code {code}; mend what it names, and run this again")


def renew_secrets(chosen: Environment) -> str:
    """Delete the secrets of the database that is gone; let a recovery region's others be copies of home's again."""
    here = boto3.client("secretsmanager", region_name=chosen.region, config=CLIENT)
    for name in (DATABASE_SECRET, PASSWORD_SECRET):
        try:
            here.delete_secret(SecretId=chosen.names.secret(name), ForceDeleteWithoutRecovery=True)
        except here.exceptions.ResourceNotFoundException:
            continue
    if not chosen.receives_copies:
        return "the database's are deleted"
    home = boto3.client("secretsmanager", region_name=chosen.home_region, config=CLIENT)
    copy = {"Region": chosen.region, "KmsKeyId": f"alias/{chosen.names.key_alias('secrets')}"}
    for one in SECRETS:
        home.replicate_secret_to_regions(
            SecretId=chosen.names.secret(one.name), AddReplicaRegions=[copy], ForceOverwriteReplicaSecret=True
        )
    return f"the database's are deleted, {len(SECRETS)} are copies of {chosen.home_region}'s again"


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, look, ask, stand down; 0, 1 when it did not succeed, 2 for a bad command line."""
    parser = argparse.ArgumentParser(prog="make stand-down", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region", required=True, help="that becomes a standby")
    parser.add_argument("--insist", metavar="REASON", help="although the other region does not serve")
    arguments = parser.parse_args(argv)
    console, errors = Terminal(), Terminal(stderr=True, soft_wrap=True)
    try:
        chosen = environment(arguments.environment, region=arguments.region)
        places.expect_place(chosen)
        evidence = f"{_evidence(chosen)}{datetime.now(UTC):%Y%m%d-%H%M}"
        with errors.status(f"{chosen.other_region} ..."):
            other = places.look_at(chosen, chosen.other_region)
        console.print(_table(chosen, other, evidence))
        _refuse_none(other, is_insisted=bool(arguments.insist))
        if not agreed(f"Make {chosen.region} a standby of {chosen.name}?"):
            errors.print("Nothing was changed", style="red")
            return 1
        steps = Steps(console)
        stand_down(chosen, steps, evidence)
        console.print(steps.table("In standby"))
        console.print("\n".join(deletions(chosen)), soft_wrap=True)
    except (BotoCoreError, ClientError, ConfigurationError, RecoveryError) as error:
        errors.print(str(error), style="red")
        return 1
    return 0


def _refuse_none(other: places.Other, *, is_insisted: bool) -> None:
    if not other.serves and not is_insisted:
        raise RecoveryError(f"{other.found}: nobody would serve. Recover there first, or say why with INSIST=reason")


def _table(chosen: Environment, other: places.Other, evidence: str) -> Table:
    rows = Table("", "", title=f"{chosen.name} in {chosen.region}", title_justify="left", show_header=False)
    rows.add_row("other region", other.found)
    rows.add_row("tasks", "all end")
    rows.add_row("database", f"is kept as {evidence}; it and its backups cost what they do")
    rows.add_row("stacks", "keep what a standby has")
    return rows


if __name__ == "__main__":
    sys.exit(main())
