"""Starts MiniStack inside this process and ends it, with all that it started, when the parent ends.

MiniStack is configured by environment variables that it reads when imported, so they are set first and
its modules are imported afterwards.
"""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

HOST = "127.0.0.1"
AT_END: list[Callable[[], None]] = []  # what ends with the emulator
HOSTED_ZONE = ("ZREHEARSAL", "pardon.example.com.")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of the command line.

    Args:
        databases, admin_password_files, ca_files: HOST:PORT and paths by region; "" is any region.
        endpoints, certificates: HOST:PORT where clients find the region's databases, and the folders of
            its certificates; without one clients find the region's PostgreSQL directly, and cannot use IAM tokens.
        task_addresses: by region those of the stand-ins of ECS tasks.
        task_program: runs a container of a one-off ECS task; the image and its command are appended.
        task_ports: of the tasks, and where Lambdas find them instead.
        sites: HOST:PORT by region where HTTPS of its load balancer is answered.
        parent: process whose end ends the emulator.
    """

    port: int
    folder: Path
    account: str
    databases: dict[str, str]
    admin_password_files: dict[str, str]
    ca_files: dict[str, str]
    endpoints: dict[str, str]
    certificates: dict[str, str]
    task_addresses: dict[str, list[str]]
    sites: dict[str, str]
    task_ports: dict[int, int]
    task_program: list[str]
    parent: int


def run(settings: Settings) -> NoReturn:
    """Serve until the parent process ends or SIGTERM or SIGINT comes.

    Raises:
        OSError: the port, or that of a database's endpoint, is taken.
    """
    refuse_taken_port(settings.port)
    prepare_environment(settings)

    # Only now: MiniStack reads the environment when it is imported.
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app

    from rehearsal.emulator.services import lost_regions, route53

    lost = lost_regions.LostRegions(settings.folder / lost_regions.FILE)
    correct_services()
    extend_services(settings)
    extend_rds(settings, lost.is_lost)
    lost.register()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end())
    threading.Thread(target=end_with, args=[settings.parent], daemon=True).start()

    async def never() -> None:
        await asyncio.Event().wait()

    config = Config()
    config.bind = [f"{HOST}:{settings.port}"]
    config.keep_alive_timeout = 75
    application = route53.answering(lost.answering(app.app), settings.sites, settings.account, lost.is_lost)
    asyncio.run(serve(application, config, shutdown_trigger=never))
    raise SystemExit(0)


def correct_services() -> None:
    """Correct what MiniStack's services do otherwise than AWS."""
    from rehearsal.emulator.services import (
        application_auto_scaling,
        cloudformation_custom_resource,
        cloudformation_existing_names,
        cloudformation_exports,
        cloudformation_get_template,
        cloudformation_record_sets,
        cloudformation_stack_events,
        cloudformation_stack_policy,
        cloudwatch,
        cloudwatch_list_metrics,
        cost_explorer,
        ec2,
        ecs,
        eventbridge,
        iam,
        iam_simulation,
        rds_parameters,
        restore_testing,
        s3,
        s3_replication,
        scheduler,
        secret_rotation,
        secrets_manager,
        stepfunctions,
    )

    for service in (
        application_auto_scaling,
        iam,
        iam_simulation,
        cloudformation_custom_resource,
        cloudformation_existing_names,
        cloudformation_exports,
        cloudformation_get_template,
        cloudformation_record_sets,
        cloudformation_stack_events,
        cloudformation_stack_policy,
        secrets_manager,
        secret_rotation,
        ec2,
        ecs,
        rds_parameters,
        s3_replication,
        restore_testing,
        cost_explorer,
        cloudwatch,
        s3,
        cloudwatch_list_metrics,
        eventbridge,
        scheduler,
        stepfunctions,
    ):
        service.register()


def extend_services(settings: Settings) -> None:
    """Add what MiniStack lacks, with the files, servers and addresses of this run."""
    from rehearsal.emulator.services import (
        cloudformation_faults,
        cloudformation_resources,
        ecs_container_states,
        ecs_one_off_tasks,
        ecs_task_addresses,
        lambda_concurrency,
        lambda_runtime,
        load_balancing,
        rds_orderable_options,
        route53,
        service_quotas,
        sns_email,
        sns_subscriptions,
    )

    cloudformation_resources.register(settings.folder / "placeholders.jsonl")
    cloudformation_faults.register(settings.folder)
    ecs_task_addresses.register(settings.task_addresses)
    ecs_container_states.register()
    load_balancing.register(settings.task_addresses)
    ecs_one_off_tasks.register(
        ecs_one_off_tasks.Machine(
            program=settings.task_program,
            ca_files=settings.ca_files,
            folder=settings.folder / "tasks",
            endpoint=f"http://{HOST}:{settings.port}",
        )
    )
    rds_orderable_options.register(settings.folder / "orderable-zones.json")
    lambda_runtime.register(
        settings.folder / "lambda-runtime", settings.ca_files, (HOST, settings.port), settings.task_ports
    )
    sns_email.register(settings.folder / "emails.jsonl")
    sns_subscriptions.register(settings.folder / "confirmations.jsonl")
    lambda_concurrency.register(settings.folder / "quotas.json")
    service_quotas.register(settings.folder / "quotas.json")
    route53.create_hosted_zone(*HOSTED_ZONE)


def extend_rds(settings: Settings, is_lost: Callable[[str], bool]) -> None:
    """Put PostgreSQL behind the DB instances, with backups that can be restored.

    Raises:
        OSError: the port of a database's endpoint is taken.
    """
    from rehearsal.emulator.services import deletion_protection, rds, rds_automated_backups, rds_servers, rds_snapshots

    servers = rds_servers.servers_of(
        settings.databases,
        settings.admin_password_files,
        settings.ca_files,
        settings.endpoints,
        settings.folder,
        is_lost,
    )
    automated = rds_automated_backups.AutomatedBackups(servers, settings.folder / "backups")
    automated.register()
    rds_snapshots.Snapshots(servers, automated, settings.folder / "snapshots").register()
    rds.Instances(servers, automated).register()
    deletion_protection.register()
    rds.open_endpoints(servers, settings.account)
    AT_END.append(servers.stop)


def refuse_taken_port(port: int) -> None:
    """Raise OSError when something listens on the port already."""
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise OSError(f"port {port} is taken: another program listens on {HOST}:{port}")


def prepare_environment(settings: Settings) -> None:
    """Set what MiniStack reads when it is imported, and what the Lambda workers inherit."""
    temporary = settings.folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith(("AWS_", "PYTHON", "DOCKER", "LOCALSTACK"))]:
        del os.environ[name]
    os.environ |= {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_HOST": "localhost",
        "MINISTACK_ACCOUNT_ID": settings.account,
        "AUTH": "true",
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "SFN_WAIT_SCALE": "0.1",  # a state machine's waits take a tenth of their time
        "S3_DATA_DIR": str(settings.folder / "s3"),
        "TMPDIR": str(temporary),
        "DOCKER_HOST": f"unix://{settings.folder}/no-docker",  # never touches the machine's containers
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "localhost,127.0.0.1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def end_with(parent: int) -> None:
    """End when the parent has: then init or a subreaper is this process's parent."""
    while os.getppid() == parent:
        time.sleep(0.25)
    end()


def end() -> NoReturn:
    """End at once, Lambda workers first; waiting for a running Lambda could take its whole timeout."""
    from rehearsal.emulator.services import lambda_runtime  # imports MiniStack

    lambda_runtime.kill_workers()
    for stop in AT_END:
        stop()
    os._exit(0)
