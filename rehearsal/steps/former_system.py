"""The former system, which has the names in the account: as much of it as a cut-over meets."""

from application import CONTAINERS
from config import REHEARSAL
from rehearsal.run import NAMES, Region, Run
from rehearsal.stand_in import SEED_SQL, TABLES_SQL

DATABASE, TASKS = "former", 3
_SECRET = NAMES.secret("cron-secret")
_RECORD = {"Name": f"{REHEARSAL.domain}.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}


def occupy(run: Run, region: Region) -> set[str]:
    """Create resources of the former system and return their names."""
    run.client("logs", region).create_log_group(logGroupName=NAMES.flow_log_group)
    run.client("ecs", region).create_cluster(clusterName=NAMES.cluster)
    run.client("sns", region).create_topic(Name=NAMES.alarm_topic)
    run.client("secretsmanager", region).create_secret(Name=_SECRET, SecretString="{}")
    return {NAMES.flow_log_group, NAMES.cluster, NAMES.alarm_topic, _SECRET}


def free(run: Run, region: Region) -> None:
    """Delete what occupies the names."""
    run.client("logs", region).delete_log_group(logGroupName=NAMES.flow_log_group)
    run.client("ecs", region).delete_cluster(cluster=NAMES.cluster)
    run.client("sns", region).delete_topic(TopicArn=region.alarm_topic)
    run.client("secretsmanager", region).delete_secret(SecretId=_SECRET, ForceDeleteWithoutRecovery=True)


def run_it(run: Run, region: Region) -> None:
    """Its service, its database with rows, and the simple record of the site's name."""
    ecs, web = run.client("ecs", region), CONTAINERS[-1]
    ecs.register_task_definition(
        family=NAMES.task_family, containerDefinitions=[{"name": web.name, "image": web.repository}]
    )
    ecs.create_service(
        cluster=NAMES.cluster, serviceName=NAMES.service, taskDefinition=NAMES.task_family, desiredCount=TASKS
    )
    admin = region.postgres.connect()
    admin.run(f"CREATE DATABASE {DATABASE}")
    admin.close()
    database = region.postgres.connect(DATABASE)
    database.run(TABLES_SQL.read_text())
    database.run(SEED_SQL.read_text())
    database.close()
    change_record(run, region, "CREATE")


def change_record(run: Run, region: Region, action: str) -> None:
    """CREATE or DELETE the simple record of the site's name."""
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": _RECORD}]}
    run.client("route53", region).change_resource_record_sets(HostedZoneId=REHEARSAL.hosted_zone_id, ChangeBatch=batch)


def running(run: Run, region: Region) -> int:
    """How many tasks of its service run."""
    (service,) = run.client("ecs", region).describe_services(cluster=NAMES.cluster, services=[NAMES.service])[
        "services"
    ]
    return int(service["runningCount"])
