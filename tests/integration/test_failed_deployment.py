"""A deployment that fails half-way leaves the earlier stacks usable, and deploying again completes it."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal.machine import workspace
from rehearsal.machine.ports import claim_addresses, free_port
from rehearsal.postgresql.server import Postgres
from rehearsal.report.facts import Report, Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import deploy_stacks, set_up_application, start_servers

EARLIER = [NAMES.stack(name) for name in ("network", "registry", "secrets", "data")]
LATER = NAMES.stack("service")
# A rule of a group that does not exist, created after a role.
BROKEN = {
    "Type": "AWS::EC2::SecurityGroupIngress",
    "Properties": {"GroupId": "sg-00000000000000000", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443},
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A rehearsal's servers, with nothing deployed."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    own, addresses = workspace.make(tmp_path), claim_addresses()
    (own.folder / "home").mkdir()
    postgres = Postgres(own.folder / "postgres", host=addresses.database_host(0), is_behind_endpoint=True)
    region = Region("us-east-1", own.folder / "us-east-1", postgres)
    report = Report(Console(file=io.StringIO()), tmp_path / "rehearsal.json", ["us-east-1"])
    run = Run(own.folder, free_port(), [region], report, addresses)
    try:
        start_servers.start_all(run, Step("start"))
        yield run
    finally:
        run.processes.stop()
        postgres.stop()
        addresses.release()
        own.remove()


def break_template(assembly: Path, broken: Path) -> None:
    """Copy the assembly with a resource in the later stack's template that cannot be created."""
    shutil.copytree(assembly, broken)
    template_file, assets_file = (broken / f"{LATER}.{kind}.json" for kind in ("template", "assets"))
    template = json.loads(template_file.read_text())
    role = next(name for name, one in template["Resources"].items() if one["Type"] == "AWS::IAM::Role")
    template["Resources"]["Broken"] = {**BROKEN, "DependsOn": [role]}
    template_file.write_text(json.dumps(template))
    files = json.loads(assets_file.read_text())["files"]
    (key,) = (key for key, one in files.items() if one["source"]["path"] == template_file.name)
    for file in (assets_file, broken / "manifest.json"):
        file.write_text(file.read_text().replace(key, "0" * len(key)))  # or it would count as uploaded later


def test_deploying_again_completes_what_failed_half_way(run: Run) -> None:
    (region,) = run.regions
    synth = deploy_stacks.begin_synth(run, region, "first")
    deploy_stacks.bootstrap(run, Step("bootstrap"))
    deploy_stacks.stand_by(run, Step("standby"))
    run.finish(synth)
    break_template(region.assembly("first"), region.assembly("broken"))

    output = deploy_stacks.deploy_assembly(run, region, "broken", "cdk deploy broken", chosen=LATER, allowed=(1,))

    assert "sg-00000000000000000" in output
    before = deploy_stacks.describe_stacks(run, region)
    assert {name: before[name]["StackStatus"] for name in EARLIER} == dict.fromkeys(EARLIER, "CREATE_COMPLETE")
    assert before[LATER]["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED")
    secret = set_up_application.database_secret(run, region)
    database = region.postgres.connect(secret["dbname"], user=secret["username"], password=secret["password"])
    assert database.run("SELECT 1") == [[1]]
    database.close()

    deploy_stacks.deploy_assembly(run, region, "first", "cdk deploy again", chosen=LATER)

    after = deploy_stacks.describe_stacks(run, region)
    assert {after[name]["StackStatus"] for name in (*EARLIER, LATER)} == {"CREATE_COMPLETE"}
    assert all(after[name]["CreationTime"] == before[name]["CreationTime"] for name in EARLIER)
