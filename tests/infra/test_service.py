"""The service: its task, its load balancer, and how it scales and is deployed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from application import AGENTS, ONE_POOL, WALLETS
from config import ENVIRONMENTS, REHEARSAL
from start_command import until_it_stays_up
from tests.infra.conftest import Deployment, synthesize


def _one(deployment: Deployment, type_: str) -> dict[str, Any]:
    (properties,) = deployment.properties(type_)
    return properties


def _task(deployment: Deployment) -> dict[str, Any]:
    family = deployment.environment.names.task_family
    (task,) = (one for one in deployment.properties("AWS::ECS::TaskDefinition") if one["Family"] == family)
    return task


def _containers(deployment: Deployment) -> dict[str, dict[str, Any]]:
    return {c["Name"]: c for c in _task(deployment)["ContainerDefinitions"]}


def test_task_holds_every_container(deployment: Deployment) -> None:
    containers = _containers(deployment)
    assert set(containers) == {"coral-server", "web", *(f"agent-{name}" for name in AGENTS)}
    assert {name for name, c in containers.items() if c["Essential"]} == {"coral-server", "web"}
    assert {(c["Memory"], c["MemoryReservation"]) for name, c in containers.items() if name.startswith("agent-")} == {
        (800, 512)
    }
    assert (containers["coral-server"]["Memory"], containers["coral-server"]["MemoryReservation"]) == (2048, 1024)
    assert (containers["web"]["Memory"], containers["web"]["MemoryReservation"]) == (1024, 512)
    task = _task(deployment)
    assert (task["Family"], task["Cpu"], task["Memory"]) == (
        f"{deployment.environment.prefix}-task",
        str(deployment.environment.task_cpu),
        str(deployment.environment.task_memory_mib),
    )


def test_agents_start_after_coral_is_healthy_and_are_restarted(production: Deployment) -> None:
    containers = _containers(production)
    for name, container in containers.items():
        if name != "coral-server":
            assert container["DependsOn"] == [{"Condition": "HEALTHY", "ContainerName": "coral-server"}]
        restart = {"Enabled": True, "RestartAttemptPeriod": 60} if name.startswith("agent-") else None
        assert container.get("RestartPolicy") == restart
        assert container["StopTimeout"] == 60
    agent = containers["agent-trump-donald"]
    assert agent["Command"] == list(until_it_stays_up("/app/fetch-and-start.sh", "trump-donald"))


def _variables(container: dict[str, Any]) -> dict[str, Any]:
    return {one["Name"]: one["Value"] for one in container.get("Environment", [])}


def test_every_container_has_the_variables_that_it_reads(production: Deployment) -> None:
    """Production has no wallets' addresses, so none of their variables either."""
    for name, container in _containers(production).items():
        variables, secrets = _variables(container), {one["Name"] for one in container.get("Secrets", [])}
        if name.startswith("agent-"):
            agent = name.removeprefix("agent-")
            assert variables.pop("S3_BUCKET_NAME")
            assert variables == {
                "AGENT_NAME": agent,
                "CORAL_AGENT_ID": agent,
                "CORAL_SSE_URL": "http://localhost:5555/sse/v1/devmode/app/priv",
                "CORAL_SESSIONS": "pool-0,pool-1,pool-2,pool-3,pool-4",
                "AWS_REGION": "us-east-1",
                "MODEL_PROVIDER": "openai",
                "MODEL_NAME": "gpt-4o",
                "MODEL_TEMPERATURE": "0.7",
                "MODEL_MAX_TOKENS": "8000",
            }
            own = set() if agent == "sbf" else {"SOLANA_PRIVATE_KEY"}
            expected = {"MODEL_API_KEY", "HELIUS_API_KEY", "SOLANA_RPC_URL", "AGENT_API_KEY", "BACKEND_URL"}
            assert secrets == expected | own, name
        elif name == "web":
            assert variables == {
                "CORAL_SERVER_URL": "http://localhost:5555",
                "CORAL_USE_POOLS": "true",
                "NEXT_PUBLIC_BASE_URL": "https://pardonsimulator.com",
                "HOSTNAME": "0.0.0.0",
                "KEEP_ALIVE_TIMEOUT": "130000",
            }
            expected = {"DATABASE_URL", "CRON_SECRET", "AGENT_API_KEY", "CORAL_AGENT_API_KEY", "SOLANA_RPC_URL"}
            payments = {"CDP_API_KEY_ID", "CDP_API_KEY_SECRET", "FACILITATOR_SOLANA_PRIVATE_KEY"}
            assert secrets == expected | payments
        else:
            assert (name, variables, secrets) == ("coral-server", {}, set())


def test_one_pool_is_told_to_agents_and_site(tmp_path: Path) -> None:
    one_pool = synthesize(replace(REHEARSAL, pools=ONE_POOL), tmp_path / "cdk.out", is_checked=False)
    containers = _containers(one_pool)
    assert _variables(containers["web"])["CORAL_USE_POOLS"] == "false"
    assert _variables(containers["agent-cz"])["CORAL_SESSIONS"] == "production-main"


def test_the_site_keeps_connections_open_for_longer_than_the_load_balancer(production: Deployment) -> None:
    (balancer,) = production.properties("AWS::ElasticLoadBalancingV2::LoadBalancer")
    attributes = {one["Key"]: one["Value"] for one in balancer["LoadBalancerAttributes"]}
    kept = int(_variables(_containers(production)["web"])["KEEP_ALIVE_TIMEOUT"])
    assert kept > int(attributes["idle_timeout.timeout_seconds"]) * 1000


def test_wallets_addresses_are_where_they_are_read(deployments: dict[tuple[str, str], Deployment]) -> None:
    rehearsal = deployments["rehearsal", "us-east-1"]
    for name, container in _containers(rehearsal).items():
        variables = {one["Name"] for one in container.get("Environment", [])}
        expected = set() if name == "coral-server" else set(WALLETS.values())
        assert {one for one in variables if one.startswith("WALLET_")} == expected, name
        assert ("SOLANA_PUBLIC_ADDRESS" in variables) is (name.startswith("agent-") and name != "agent-sbf"), name


def test_secrets_are_read_by_json_key(production: Deployment) -> None:
    containers = _containers(production)
    wallets = {
        name for name, c in containers.items() if "SOLANA_PRIVATE_KEY" in {s["Name"] for s in c.get("Secrets", [])}
    }
    assert wallets == {f"agent-{name}" for name in AGENTS if name != "sbf"}
    database = next(s for s in containers["web"]["Secrets"] if s["Name"] == "DATABASE_URL")
    assert ":url::" in json.dumps(database["ValueFrom"])


def test_containers_log_to_the_group_of_the_runbook(production: Deployment) -> None:
    names = {group["LogGroupName"] for group in production.properties("AWS::Logs::LogGroup")}
    assert "/ecs/pardon-production" in names
    for name, container in _containers(production).items():
        options = container["LogConfiguration"]["Options"]
        assert container["LogConfiguration"]["LogDriver"] == "awslogs"
        assert (options["awslogs-stream-prefix"], options["mode"]) == (name, "non-blocking")


@pytest.mark.parametrize("role", ["ExecutionRole", "TaskRole"])
def test_roles_may_do_only_what_is_listed(production: Deployment, role: str) -> None:
    policies = [
        p for p in production.properties("AWS::IAM::Policy") if f'"TaskDefinition{role}' in json.dumps(p["Roles"])
    ]
    statements = [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]
    actions = {a for s in statements for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}
    expected = {
        "ExecutionRole": {
            *("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"),
            *("ecr:GetAuthorizationToken", "logs:CreateLogStream", "logs:PutLogEvents"),
            *("secretsmanager:GetSecretValue", "kms:Decrypt"),
        },
        "TaskRole": {"s3:GetObject", "s3:ListBucket", "kms:Decrypt"},
    }
    assert actions == expected[role]
    anything = [s["Action"] for s in statements if s["Resource"] == "*"]
    assert anything == (["ecr:GetAuthorizationToken"] if role == "ExecutionRole" else [])


def test_service_is_deployed_without_outage_and_rolled_back(deployment: Deployment) -> None:
    service = _one(deployment, "AWS::ECS::Service")
    assert "DesiredCount" not in service
    rollout = service["DeploymentConfiguration"]
    assert rollout["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert rollout["MinimumHealthyPercent"] == 100
    assert service["HealthCheckGracePeriodSeconds"] >= 60
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert [(b["ContainerName"], b["ContainerPort"]) for b in service["LoadBalancers"]] == [("web", 3000)]


def test_names_are_the_runbooks(production: Deployment) -> None:
    assert _one(production, "AWS::ECS::Cluster")["ClusterName"] == "pardon-production-cluster"
    assert _one(production, "AWS::ECS::Service")["ServiceName"] == "pardon-production-service"
    assert _task(production)["Family"] == "pardon-production-task"
    assert _one(production, "AWS::SNS::Topic")["TopicName"] == "pardon-production-alarms"
    assert _one(production, "AWS::CloudWatch::Dashboard")["DashboardName"] == "pardon-production"


def test_service_scales_on_cpu_and_memory(deployment: Deployment) -> None:
    target = _one(deployment, "AWS::ApplicationAutoScaling::ScalableTarget")
    chosen = deployment.environment
    assert (target["MinCapacity"], target["MaxCapacity"]) == (chosen.min_tasks, chosen.max_tasks)
    policies = {
        c["PredefinedMetricSpecification"]["PredefinedMetricType"]: (
            c["TargetValue"],
            c["ScaleOutCooldown"],
            c["ScaleInCooldown"],
        )
        for policy in deployment.properties("AWS::ApplicationAutoScaling::ScalingPolicy")
        for c in [policy["TargetTrackingScalingPolicyConfiguration"]]
    }
    assert policies == {
        "ECSServiceAverageCPUUtilization": (70, 60, 300),
        "ECSServiceAverageMemoryUtilization": (80, 60, 300),
    }


def test_development_stops_at_night_and_runs_on_spot(deployments: dict[tuple[str, str], Deployment]) -> None:
    for (name, _), deployment in deployments.items():
        actions = _one(deployment, "AWS::ApplicationAutoScaling::ScalableTarget").get("ScheduledActions", [])
        weights = {
            s["CapacityProvider"]: s["Weight"]
            for s in _one(deployment, "AWS::ECS::Service")["CapacityProviderStrategy"]
        }
        if name == "development":
            assert {a["Schedule"]: a["ScalableTargetAction"] for a in actions} == {
                "cron(0 20 * * ? *)": {"MinCapacity": 0, "MaxCapacity": 0},
                "cron(0 7 ? * MON,TUE,WED,THU,FRI *)": {"MinCapacity": 1, "MaxCapacity": 2},
            }
            assert weights == {"FARGATE_SPOT": 1}
        else:
            assert actions == []
        if deployment.environment.is_protected:
            assert weights == {"FARGATE": 1}


def test_users_stay_on_one_task_and_unhealthy_tasks_are_drained(deployment: Deployment) -> None:
    group = _one(deployment, "AWS::ElasticLoadBalancingV2::TargetGroup")
    attributes = {a["Key"]: a["Value"] for a in group["TargetGroupAttributes"]}
    assert attributes["stickiness.enabled"] == "true"
    assert attributes["stickiness.type"] == "lb_cookie"
    assert attributes["stickiness.lb_cookie.duration_seconds"] == "86400"
    assert attributes["deregistration_delay.timeout_seconds"] == "30"
    check = ("HealthCheckPath", "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds")
    counts = ("HealthyThresholdCount", "UnhealthyThresholdCount")
    assert [group[key] for key in check + counts] == ["/api/health/coral", 30, 5, 2, 3]


def test_site_answers_over_https_and_http_redirects_to_it(deployment: Deployment) -> None:
    listeners = {
        listener["Port"]: listener for listener in deployment.properties("AWS::ElasticLoadBalancingV2::Listener")
    }
    if deployment.environment.domain is None:
        assert set(listeners) == {80}
        return
    assert set(listeners) == {80, 443}
    assert listeners[80]["DefaultActions"][0]["RedirectConfig"] == {
        "Port": "443",
        "Protocol": "HTTPS",
        "StatusCode": "HTTP_301",
    }
    assert listeners[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-Res")
    certificate = _one(deployment, "AWS::CertificateManager::Certificate")
    assert (certificate["DomainName"], certificate["ValidationMethod"]) == (deployment.environment.domain, "DNS")


def test_name_fails_over_between_two_regions(deployments: dict[tuple[str, str], Deployment]) -> None:
    chosen = ENVIRONMENTS["rehearsal"]
    for region, role in ((chosen.home_region, "PRIMARY"), (chosen.recovery_region, "SECONDARY")):
        record = _one(deployments["rehearsal", region], "AWS::Route53::RecordSet")
        assert (record["Name"], record["Type"], record["Failover"]) == (chosen.domain, "A", role)
        assert record["HostedZoneId"] == chosen.hosted_zone_id
        assert record["AliasTarget"]["EvaluateTargetHealth"] is True


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_two_regions_share_no_name_that_an_account_has_once(
    deployments: dict[tuple[str, str], Deployment], name: str
) -> None:
    chosen = ENVIRONMENTS[name]
    here, there = (_names_of_the_account(deployments[name, r]) for r in (chosen.home_region, chosen.recovery_region))
    assert not here & there, f"must have the region in their names, outside {chosen.home_region}: {here & there}"


def _names_of_the_account(deployment: Deployment) -> set[str]:
    keys = ("BucketName", "DashboardName", "ManagedPolicyName", "RoleName", "TrailName", "UserName")
    return {
        resource["Properties"][key]
        for template in deployment.templates.values()
        for resource in template["Resources"].values()
        for key in keys
        if isinstance(resource.get("Properties", {}).get(key), str)
    }


def test_registry_keeps_what_is_deployed(deployment: Deployment) -> None:
    repositories = deployment.properties("AWS::ECR::Repository")
    assert {r["RepositoryName"].rpartition("/")[2] for r in repositories} == {
        "coral-server",
        "pardon-agent",
        "pardon-website",
    }
    for repository in repositories:
        assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert repository["ImageTagMutability"] == "IMMUTABLE"
        rules = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
        assert [(r["selection"]["tagStatus"], r["selection"].get("tagPrefixList")) for r in rules] == [
            ("untagged", None),
            ("tagged", ["candidate-"]),
        ]
