"""`make preflight` on an empty account and on a deployed one, and with each thing missing once."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from rich.console import Console

from config import REHEARSAL
from environment import Environment
from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment
from procedures.preflight.probes import look
from procedures.preflight.prompts import REQUIRED
from rehearsal.changed_app import changed
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import set_up_application

_LOG_GROUP = NAMES.service_log_group
_SECRET = NAMES.secret("openai-api-key")
_REPOSITORY = NAMES.repository("coral-server")
_SITE = str(REHEARSAL.domain)
_PROMPT = f"current/shared/{REQUIRED[0]}.txt"


def prove_empty(run: Run, region: Region, step: Step, *, variant: str) -> None:
    """An empty account fails nothing, but for what no deployment can make; each of these is named once."""
    environment = changed(REHEARSAL, "protected")
    findings = look_at(run, region, environment, variant)
    failing = [f"{one.area}: {one.subject}" for one in findings if one.state is State.FAILS]
    seen = ", ".join(failing) or f"{len(findings)} findings, none fails"
    run.report.expect(not failing, region.name, "preflight: an empty account can be deployed to", seen)
    elsewhere = look_at(run, region, environment, variant, servers=frozenset({"ns1.example.com"}))
    failing = [f"{one.area}: {one.subject}" for one in elsewhere if one.state is State.FAILS]
    run.report.expect(failing == ["site: delegation"], region.name, "preflight fails: site: delegation", str(failing))
    cases: dict[str, AbstractContextManager[Environment]] = {
        "account: CDK bootstrap": _without_bootstrap(run, region, environment),
        "account: credentials": _as_is(replace(environment, account="111122223333")),
        "quotas: Fargate On-Demand vCPU": _quota(run, environment, "fargate/L-3032A538", 11),
        "quotas: elastic IPs": _quota(run, environment, "ec2/L-0263D0A3", 1),
        "quotas: VPCs": _quota(run, environment, "vpc/L-F678F1CE", 1),
        "names: Logs LogGroup": _log_group(run, region, environment),
        "names: SecretsManager Secret": _deleted_secret(run, region, environment),
        f"site: {_SITE}": _simple_record(run, region, environment),
        "site: hosted zone": _as_is(replace(environment, hosted_zone_id="ZOTHER")),
        "subscribers: alarm_emails": _as_is(replace(environment, alarm_emails=())),
        "subscribers: runbook_url": _as_is(replace(environment, runbook_url=None)),
        f"database: {REHEARSAL.database_class}, postgres 18, gp3": _file(
            run, environment, "orderable-zones.json", {REHEARSAL.database_class: ["a"]}
        ),
    }
    _prove_each(run, region, variant, cases, State.FAILS)
    waiting: dict[str, AbstractContextManager[Environment]] = {
        "account: service-linked roles": _as_is(environment),
        "quotas: Lambda concurrency": _quota(run, environment, "lambda/L-B99A9384", 9),
        "wallets: addresses": _as_is(replace(environment, wallets={})),
        "costs: cost-allocation tag Environment": _inactive_tag(run, region, environment),
    }
    _prove_each(run, region, variant, waiting, State.NOT_YET)
    step.detail = f"{1 + len(cases) + len(waiting)} faults found"


def prove_ready(run: Run, region: Region, step: Step, *, variant: str) -> None:
    """A deployed region holds once secrets and images are there; without each, its finding fails or waits."""
    environment = changed(REHEARSAL, "protected")
    set_up_application.fill_secrets(run, region)
    for repository in sorted({one.repository for one in environment.containers}):
        _push(run, region, NAMES.repository(repository), "amd64")
    findings = look_at(run, region, environment, variant)
    failing = [f"{one.area}: {one.subject}" for one in findings if one.state is State.FAILS]
    seen = ", ".join(failing) or f"{len(findings)} findings, none fails"
    run.report.expect(not failing, region.name, "preflight: a deployed region can be deployed again", seen)
    image = f"images: {_REPOSITORY}:{environment.image_tag}"
    cases = {
        image: _image(run, region, environment, None),
        f"{image} ": _image(run, region, environment, "arm64"),
        f"secrets: {_SECRET}": _secret(run, region, environment, "plain"),
        f"secrets: {_SECRET} ": _secret(run, region, environment, '{"value": ""}'),
    }
    _prove_each(run, region, variant, cases, State.FAILS)
    waiting = {
        "prompts: shared prompts": _prompt(run, region, environment),
        "subscribers: confirmations": _as_is(environment),  # nobody has confirmed yet
    }
    _prove_each(run, region, variant, waiting, State.NOT_YET)
    step.detail = f"{len(findings)} findings, {len(cases) + len(waiting)} faults found"


def _prove_each(
    run: Run,
    region: Region,
    variant: str,
    cases: Mapping[str, AbstractContextManager[Environment]],
    state: State,
) -> None:
    for case, missing in cases.items():
        with missing as environment:
            findings = look_at(run, region, environment, variant)
        found = [f"{one.area}: {one.subject}" for one in findings if one.state is state]
        run.report.expect(
            case.strip() in found, region.name, f"preflight {state}: {case.strip()}", ", ".join(found) or "none"
        )


def look_at(
    run: Run, region: Region, environment: Environment, variant: str, *, servers: frozenset[str] = frozenset()
) -> list[Finding]:
    """What preflight finds in the environment's region, with an assembly of `region`.

    Args:
        servers: what DNS answers of the hosted zone; by default its own name servers. No DNS server is asked.
    """
    delegation = run.client("route53", region).get_hosted_zone(Id=REHEARSAL.hosted_zone_id)["DelegationSet"]
    own = frozenset(one.rstrip(".").lower() for one in delegation["NameServers"])
    deployment = Deployment(environment, region.assembly(variant), name_servers=lambda _zone: servers or own)
    return look(deployment, Console(quiet=True))


@contextmanager
def _as_is(environment: Environment) -> Iterator[Environment]:
    yield environment


@contextmanager
def _file(run: Run, environment: Environment, name: str, content: Any) -> Iterator[Environment]:
    file = run.folder / "emulator" / name
    file.write_text(json.dumps(content))
    try:
        yield environment
    finally:
        file.unlink()


def _quota(run: Run, environment: Environment, key: str, value: float) -> AbstractContextManager[Environment]:
    return _file(run, environment, "quotas.json", {key: value})


def _inactive_tag(run: Run, region: Region, environment: Environment) -> AbstractContextManager[Environment]:
    costs = run.client("ce", region)

    def set_status(status: str) -> None:
        tag = {"TagKey": "Environment", "Status": status}
        costs.update_cost_allocation_tags_status(CostAllocationTagsStatus=[tag])

    return _changed(environment, lambda: set_status("Inactive"), lambda: set_status("Active"))


@contextmanager
def _changed(environment: Environment, change: Callable[[], Any], back: Callable[[], Any]) -> Iterator[Environment]:
    change()
    try:
        yield environment
    finally:
        back()


@contextmanager
def _without_bootstrap(run: Run, region: Region, environment: Environment) -> Iterator[Environment]:
    ssm, name = run.client("ssm", region), "/cdk-bootstrap/hnb659fds/version"
    version = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.delete_parameter(Name=name)
    try:
        yield environment
    finally:
        ssm.put_parameter(Name=name, Value=version, Type="String")


def _log_group(run: Run, region: Region, environment: Environment) -> AbstractContextManager[Environment]:
    logs = run.client("logs", region)
    return _changed(
        environment,
        lambda: logs.create_log_group(logGroupName=_LOG_GROUP),
        lambda: logs.delete_log_group(logGroupName=_LOG_GROUP),
    )


def _deleted_secret(run: Run, region: Region, environment: Environment) -> AbstractContextManager[Environment]:
    manager = run.client("secretsmanager", region)
    return _changed(
        environment,
        lambda: (manager.create_secret(Name=_SECRET, SecretString="{}"), manager.delete_secret(SecretId=_SECRET)),
        lambda: manager.delete_secret(SecretId=_SECRET, ForceDeleteWithoutRecovery=True),
    )


def _simple_record(run: Run, region: Region, environment: Environment) -> AbstractContextManager[Environment]:
    route53, record = run.client("route53", region), {"Name": _SITE, "Type": "A", "TTL": 60}
    record |= {"ResourceRecords": [{"Value": "192.0.2.1"}]}

    def change(action: str) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=environment.hosted_zone_id, ChangeBatch=batch)

    return _changed(environment, lambda: change("CREATE"), lambda: change("DELETE"))


def _image(
    run: Run, region: Region, environment: Environment, architecture: str | None
) -> AbstractContextManager[Environment]:
    def delete() -> None:
        ids = [{"imageTag": environment.image_tag}]
        run.client("ecr", region).batch_delete_image(repositoryName=_REPOSITORY, imageIds=ids)

    def change() -> None:
        delete()
        if architecture:
            _push(run, region, _REPOSITORY, architecture)

    def back() -> None:
        delete()
        _push(run, region, _REPOSITORY, "amd64")

    return _changed(environment, change, back)


def _push(run: Run, region: Region, repository: str, architecture: str) -> None:
    """Push an index as docker buildx does: its manifest of another digest is not looked at."""
    manifest = {"schemaVersion": 2, "manifests": [{"platform": {"os": "linux", "architecture": architecture}}]}
    media_type = "application/vnd.oci.image.index.v1+json"
    run.client("ecr", region).put_image(
        repositoryName=repository,
        imageManifest=json.dumps(manifest | {"mediaType": media_type}),
        imageManifestMediaType=media_type,
        imageTag=REHEARSAL.image_tag,
    )


def _secret(run: Run, region: Region, environment: Environment, text: str) -> AbstractContextManager[Environment]:
    return _changed(
        environment,
        lambda: set_up_application.put_secret(run, region, _SECRET, text),
        lambda: set_up_application.put_secret(run, region, _SECRET, '{"value": "typed"}'),
    )


def _prompt(run: Run, region: Region, environment: Environment) -> AbstractContextManager[Environment]:
    s3 = run.client("s3", region)
    stack = run.client("cloudformation", region).describe_stacks(StackName=NAMES.stack("data"))["Stacks"][0]
    (bucket,) = (one["OutputValue"] for one in stack["Outputs"] if one["OutputKey"] == "ConfigurationBucket")
    return _changed(
        environment,
        lambda: s3.delete_object(Bucket=bucket, Key=_PROMPT),
        lambda: s3.put_object(Bucket=bucket, Key=_PROMPT, Body=b"The rehearsal's."),
    )
