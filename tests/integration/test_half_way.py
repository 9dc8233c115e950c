"""A deployment that fails half-way leaves the earlier stacks usable, and deploying again finishes it."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal import servers, workspace
from rehearsal.ports import claim_addresses, free_port
from rehearsal.postgres import Postgres
from rehearsal.report import Report, Step
from rehearsal.run import PREFIX, Region, Run
from rehearsal.steps import application, stacks

EARLIER = [f"{PREFIX}-{name}" for name in ("network", "registry", "secrets", "data")]


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
        servers.start_all(run, Step("start"))
        yield run
    finally:
        run.processes.stop()
        postgres.stop()
        addresses.release()
        own.remove()


def test_what_failed_half_way_is_finished_by_deploying_again(run: Run) -> None:
    (region,) = run.regions
    whole = stacks.begin_synth(run, region, "first")
    broken = stacks.begin_synth(run, region, "broken", app="python3 -m tests.integration.half_way_app")
    stacks.bootstrap(run, Step("bootstrap"))
    run.finish(whole)
    run.finish(broken)

    output = stacks.deploy_assembly(run, region, "broken", "cdk deploy broken", allowed=(1,))

    assert "sg-00000000000000000" in output
    before = stacks.describe_stacks(run, region)
    assert {name: before[name]["StackStatus"] for name in EARLIER} == dict.fromkeys(EARLIER, "CREATE_COMPLETE")
    assert before[f"{PREFIX}-service"]["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED")
    secret = application.database_secret(run, region)
    database = region.postgres.connect(secret["dbname"], user=secret["username"], password=secret["password"])
    assert database.run("SELECT 1") == [[1]]
    database.close()

    stacks.deploy_assembly(run, region, "first", "cdk deploy again")

    after = stacks.describe_stacks(run, region)
    assert {after[name]["StackStatus"] for name in region.stack_names()} == {"CREATE_COMPLETE"}
    assert all(after[name]["CreationTime"] == before[name]["CreationTime"] for name in EARLIER)
