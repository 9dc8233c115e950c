"""The emulator's Route 53: a Lambda reaches the site by its name."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from rehearsal.postgresql.server import Postgres
from rehearsal.stand_in.http_handlers import CoralMemory, Settings
from rehearsal.stand_in.serve import serve_site
from tests.integration.emulator_process import Emulator, function
from tests.integration.emulator_templates import site

VISITOR = """
import json, os, socket, ssl, urllib3
def handler(event, context):
    try:
        pool = urllib3.PoolManager(ssl_context=ssl.create_default_context())
        answer = pool.request("GET", event["url"], retries=False)
        return {"status": answer.status, "body": json.loads(answer.data)}
    except urllib3.exceptions.HTTPError as error:
        return {"error": type(error).__name__, "text": str(error)}
"""


def test_lambda_reaches_the_site_by_its_name_and_nothing_else(
    emulator: Emulator, postgres: Postgres, site_port: int, tmp_path: Path
) -> None:
    certificate = postgres.authority.issue("site", "pardon.example.com")
    secrets_file = tmp_path / "secrets.json"
    secrets_file.write_text(json.dumps({"CRON_SECRET": "secret"}))
    settings = Settings(secrets_file, postgres.ca_file, ["pool-0"])
    server = serve_site(
        ("127.0.0.1", site_port), settings, [CoralMemory()], certificate.chain_file, certificate.key_file
    )
    emulator.deploy("site", site("SECONDARY"), "us-west-2")  # where no server answers
    emulator.deploy("site", site("PRIMARY"))
    name = emulator.deploy("visitor", function([], VISITOR))["Function"]

    def visit(url: str) -> dict[str, Any]:
        answer = emulator.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"url": url}))
        result: dict[str, Any] = json.load(answer["Payload"])
        return result

    healthy, unauthorized = (
        visit(f"https://pardon.example.com/api/{path}") for path in ("health/coral", "cron/pool-health")
    )
    server.shutdown()
    server.server_close()
    assert healthy == {"status": 200, "body": {"status": "healthy"}}
    assert unauthorized["status"] == 401
    assert visit("https://pardon.example.com/")["error"] == "NewConnectionError"
    for url in ("https://example.com/", "https://other.example.com/"):
        assert visit(url)["error"] == "NameResolutionError"


def test_record_with_failover_is_refused_beside_a_simple_one(emulator: Emulator) -> None:
    route53, name = emulator.client("route53"), "simple.pardon.example.com."
    record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId="ZREHEARSAL", ChangeBatch=batch)
    properties = {"HostedZoneId": "ZREHEARSAL", "SetIdentifier": "primary", "Failover": "PRIMARY"}
    resource = {"Type": "AWS::Route53::RecordSet", "Properties": record | properties}
    with pytest.raises(WaiterError) as error:
        emulator.deploy("beside", {"Record": resource})
    assert any("a non-weighted set exists with the same name and type" in note for note in error.value.__notes__)
    emulator.delete("beside")


def test_health_check_is_created_changed_and_deleted(emulator: Emulator) -> None:
    def template(path: str) -> dict[str, Any]:
        config = {"Type": "HTTPS", "FullyQualifiedDomainName": "pardon.example.com", "Port": 443, "ResourcePath": path}
        return {"Check": {"Type": "AWS::Route53::HealthCheck", "Properties": {"HealthCheckConfig": config}}}

    route53, cloudwatch = emulator.client("route53"), emulator.client("cloudwatch")
    for path in ("/a", "/b"):
        id_ = emulator.deploy("health", template(path))["Check"]
        (check,) = route53.list_health_checks()["HealthChecks"]
        assert (check["Id"], check["HealthCheckConfig"]["ResourcePath"]) == (id_, path)
        listed = cloudwatch.list_metrics(Namespace="AWS/Route53", MetricName="HealthCheckStatus")["Metrics"]
        assert [one["Dimensions"] for one in listed] == [[{"Name": "HealthCheckId", "Value": id_}]]
    elsewhere = emulator.client("cloudwatch", "us-west-2").list_metrics(Namespace="AWS/Route53")
    assert elsewhere["Metrics"] == []
    emulator.delete("health")
    assert route53.list_health_checks()["HealthChecks"] == []
