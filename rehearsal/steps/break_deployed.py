"""Ways in which what is deployed is broken, each with the finding of verify that must name it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from config import REHEARSAL
from procedures.verify import (
    answering_site,
    check_runs,
    rotating_secrets,
    running_database,
    running_service,
    stack_states,
)
from procedures.verify.deployed import Deployed
from rehearsal.changed_app import changed
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps.break_watching import of_alarms, of_roles
from rehearsal.steps.broken import Broken, Case, changing, seen

_DAY = timedelta(days=1)


def breakages(run: Run, region: Region) -> dict[str, Case]:
    """By the beginning of the finding that must fail: the probes that are asked, and what breaks it."""
    return {
        **_of_stacks(),
        **of_alarms(run, region),
        **of_roles(run, region),
        **_of_the_database(run, region),
        **_of_secrets(run, region),
        **_of_the_rest(run, region),
    }


def _of_stacks() -> dict[str, Case]:
    protected = changed(REHEARSAL, "protected")
    extra = replace(protected.containers[1], name="agent-another")
    more = replace(protected, containers=(*protected.containers, extra))
    absent = replace(protected, name="absent")
    return {
        "stacks: pardon-absent-network": ((stack_states.stacks,), seen(Broken(environment=absent, at_most=8))),
        "service: containers": ((running_service.containers,), seen(Broken(environment=more))),
        "checks: pool health": ((check_runs.last_runs,), seen(Broken(later=_DAY, at_most=9))),
        "site: https://": ((answering_site.answer,), seen(Broken(aws=_at_a_closed_port))),
    }


def _at_a_closed_port(aws: Deployed) -> Deployed:
    aws.address = lambda _name, _port: ("127.0.0.1", 9)
    return aws


def _of_the_database(run: Run, region: Region) -> dict[str, Case]:
    rds = run.client("rds", region)
    instance = rds.describe_db_instances(DBInstanceIdentifier=NAMES.database)["DBInstances"][0]
    group = instance["DBParameterGroups"][0]["DBParameterGroupName"]

    def parameter(value: str, name: str = "rds.force_ssl", method: str = "immediate") -> None:
        one = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}
        rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[one])

    def restart(value: str) -> None:
        parameter(value, "shared_preload_libraries", "pending-reboot")
        rds.reboot_db_instance(DBInstanceIdentifier=NAMES.database)

    def modify(**change: Any) -> None:
        rds.modify_db_instance(DBInstanceIdentifier=NAMES.database, ApplyImmediately=True, **change)

    return {
        "database: plain connections": (
            (running_database.parameters,),
            changing(lambda: parameter("0"), lambda: parameter("1")),
        ),
        "database: parameters": (
            (running_database.parameters,),
            changing(
                lambda: parameter("auto_explain", "shared_preload_libraries", "pending-reboot"),
                lambda: restart("pg_stat_statements"),
                Broken(at_most=2),
            ),
        ),
        f"database: {NAMES.database}": (
            (running_database.instances,),
            changing(lambda: modify(PubliclyAccessible=True), lambda: modify(PubliclyAccessible=False)),
        ),
        "database: backups": (
            (running_database.backups,),
            changing(
                lambda: modify(BackupRetentionPeriod=1), lambda: modify(BackupRetentionPeriod=REHEARSAL.backup_days)
            ),
        ),
    }


def _of_secrets(run: Run, region: Region) -> dict[str, Case]:
    manager, secret = run.client("secretsmanager", region), NAMES.secret("cron-secret")
    pending = "00000000-0000-0000-0000-000000000001"

    def begin() -> None:
        manager.put_secret_value(
            SecretId=secret, ClientRequestToken=pending, SecretString="{}", VersionStages=["AWSPENDING"]
        )

    def end() -> None:
        manager.update_secret_version_stage(SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=pending)

    return {
        "secrets: cron-secret": ((rotating_secrets.secrets,), changing(begin, end)),
    }


def _of_the_rest(run: Run, region: Region) -> dict[str, Case]:
    sqs, scheduler, elbv2 = (run.client(name, region) for name in ("sqs", "scheduler", "elbv2"))
    queue = sqs.get_queue_url(QueueName=NAMES.check_dead_letter_queue("pool_health"))["QueueUrl"]
    (balancer,) = elbv2.describe_load_balancers(Names=[NAMES.load_balancer])["LoadBalancers"]
    (group,) = elbv2.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"]
    target_group = group["TargetGroupArn"]
    found = elbv2.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    targets = [{"Id": one["Target"]["Id"]} for one in found]
    of_check = {"Name": NAMES.check("pool_health"), "GroupName": NAMES.schedule_group}
    schedule = scheduler.get_schedule(**of_check)
    kept = {key: schedule[key] for key in ("ScheduleExpression", "Target", "FlexibleTimeWindow")} | of_check

    return {
        "service: targets": (
            (running_service.targets,),
            changing(
                lambda: elbv2.deregister_targets(TargetGroupArn=target_group, Targets=targets),
                lambda: elbv2.register_targets(TargetGroupArn=target_group, Targets=targets),
            ),
        ),
        "checks: schedules": (
            (check_runs.schedules,),
            changing(
                lambda: scheduler.update_schedule(State="DISABLED", **kept),
                lambda: scheduler.update_schedule(State="ENABLED", **kept),
            ),
        ),
        "checks: dead letters": (
            (check_runs.dead_letters,),
            changing(
                lambda: sqs.send_message(QueueUrl=queue, MessageBody="{}"), lambda: sqs.purge_queue(QueueUrl=queue)
            ),
        ),
        "service: tasks": ((running_service.tasks,), _without_tasks(run, region)),
        "checks: migration": ((check_runs.migration,), _stopped_migration(run, region)),
        f"site: record of {REHEARSAL.domain}": ((answering_site.record,), _other_record(run, region)),
    }


@contextmanager
def _without_tasks(run: Run, region: Region) -> Iterator[Broken]:
    ecs, service = run.client("ecs", region), {"cluster": NAMES.cluster, "service": NAMES.service}
    (described,) = ecs.describe_services(cluster=NAMES.cluster, services=[NAMES.service])["services"]
    ecs.update_service(desiredCount=0, **service)
    try:
        yield Broken()
    finally:
        ecs.update_service(desiredCount=described["desiredCount"], **service)


@contextmanager
def _stopped_migration(run: Run, region: Region) -> Iterator[Broken]:
    states = run.client("stepfunctions", region)
    arn = f"arn:aws:states:{region.name}:{REHEARSAL.account}:stateMachine:{NAMES.migration}"
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    states.stop_execution(executionArn=execution)
    try:
        yield Broken()
    finally:
        execution = states.start_execution(stateMachineArn=arn)["executionArn"]
        run.poll(
            lambda: True if states.describe_execution(executionArn=execution)["status"] == "SUCCEEDED" else None,
            timeout_seconds=60,
            what="the migration",
        )


@contextmanager
def _other_record(run: Run, region: Region) -> Iterator[Broken]:
    route53, zone = run.client("route53", region), REHEARSAL.hosted_zone_id
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (record,) = (one for one in records if one.get("SetIdentifier") == "primary" and one["Type"] == "A")
    alias = record["AliasTarget"] | {"DNSName": "another.us-east-1.elb.amazonaws.com."}

    def put(one: Any) -> None:
        change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": one}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)

    put(record | {"AliasTarget": alias})
    try:
        yield Broken()
    finally:
        put(record)
