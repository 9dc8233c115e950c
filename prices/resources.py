"""What each type of resource in a template is charged for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from prices import use
from prices.items import HOURS, database_item
from prices.schedules import runs_a_month
from prices.table import UnpricedError
from prices.use import Charge

# AWS charges nothing for these themselves; what they make others do is counted there.
FREE = {
    *("AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"),
    *("AWS::Backup::BackupSelection", "AWS::Backup::BackupVault", "AWS::Backup::RestoreTestingPlan"),
    *("AWS::Budgets::Budget", "AWS::CE::AnomalyMonitor", "AWS::CE::AnomalySubscription"),  # without actions
    *("AWS::CertificateManager::Certificate", "AWS::CloudFormation::WaitConditionHandle"),
    *("AWS::EC2::InternetGateway", "AWS::EC2::Route", "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup"),
    *("AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::Subnet"),
    *("AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPC", "AWS::EC2::VPCGatewayAttachment"),
    *("AWS::ECS::Cluster", "AWS::ECS::ClusterCapacityProviderAssociations"),
    *("AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"),
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::Events::Rule",  # events of AWS's own services, and schedules
    *("AWS::IAM::Policy", "AWS::IAM::Role", "AWS::KMS::Alias"),
    *("AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission"),
    "AWS::Logs::LogGroup",  # by the GB, which is counted at what writes it
    *("AWS::RDS::DBParameterGroup", "AWS::RDS::DBSubnetGroup"),
    "AWS::Route53::RecordSet",  # aliases; the zone is not ours
    *("AWS::S3::BucketPolicy", "AWS::Scheduler::ScheduleGroup", "AWS::SecretsManager::ResourcePolicy"),
    "AWS::SecretsManager::RotationSchedule",
    *("AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"),
    "AWS::SQS::Queue",  # dead letters: the first million requests of an account are free
    "AWS::SSM::Parameter",  # standard ones
}
FREE_STORAGE_GIB = 20  # of each task. https://aws.amazon.com/fargate/pricing/


@dataclass(frozen=True)
class Line:
    """A charge, and the resource it is for.

    Attributes:
        layer: of its stack, e.g. "network".
        resource, type: its logical id and type in the template.
    """

    layer: str
    resource: str
    type: str
    charge: Charge


@dataclass(frozen=True)
class Resource:
    """A resource of a template, with the template that it is in."""

    layer: str
    id: str
    type: str
    properties: Mapping[str, Any]
    metadata: Mapping[str, Any]
    others: Mapping[str, Mapping[str, Any]]

    def of_type(self, type_: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Logical id and properties of the resources of a type in the same template."""
        for id_, one in self.others.items():
            if one["Type"] == type_:
                yield id_, _of_new(one.get("Properties", {}))

    def named(self, reference: Any) -> Mapping[str, Any]:
        """Properties of the resource that {"Ref": id} names in the same template."""
        properties: Mapping[str, Any] = self.others[reference["Ref"]].get("Properties", {})
        return properties


Charges = Callable[[Resource], Iterator[Charge]]


def lines(templates: Mapping[str, Mapping[str, Any]]) -> Iterator[Line]:
    """What the resources of templates, by layer, are charged for.

    Raises:
        UnpricedError: of a type, or with a property, whose price is not known.
    """
    for layer, template in templates.items():
        others = template["Resources"]
        for id_, one in others.items():
            type_ = one["Type"]
            properties = _of_new(one.get("Properties", {}))
            resource = Resource(layer, id_, type_, properties, one.get("Metadata", {}), others)
            if type_ in FREE or type_.startswith("Custom::"):
                continue
            if type_ not in CHARGES:
                raise UnpricedError(f"what {type_} ({layer}/{id_}) costs is not known: add it to prices/resources.py")
            for charge in CHARGES[type_](resource):
                yield Line(layer, id_, type_, charge)


def _of_new(value: Any) -> Any:
    """The part of a template as it is where no condition holds: of a database that was not restored."""
    if isinstance(value, list):
        return [_of_new(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    if "Fn::If" in value:
        return _of_new(value["Fn::If"][2])
    kept = {key: _of_new(one) for key, one in value.items()}
    return {key: one for key, one in kept.items() if one != {"Ref": "AWS::NoValue"}}


def _secret(one: Resource) -> Iterator[Charge]:
    # A copy in another region is charged as a secret. https://aws.amazon.com/secrets-manager/pricing/
    yield Charge("secret", 1 + len(one.properties.get("ReplicaRegions", ())))


def _always(*charges: Charge) -> Charges:
    return lambda _: iter(charges)


def _load_balancer(one: Resource) -> Iterator[Charge]:
    yield Charge("load balancer", HOURS)
    if one.properties.get("Scheme") == "internet-facing":
        yield Charge("public IPv4 address", HOURS * len(one.properties["Subnets"]))
    yield from use.LOAD_BALANCER


def _endpoint(one: Resource) -> Iterator[Charge]:
    if one.properties.get("VpcEndpointType", "Gateway") != "Gateway":
        raise UnpricedError(f"what the interface endpoint {one.layer}/{one.id} costs is not known")
    return iter(())


def _flow_log(one: Resource) -> Iterator[Charge]:
    if not any(one.of_type("AWS::EC2::NatGateway")):
        return  # a network in standby, in which nothing flows
    to: Literal["S3", "CloudWatch Logs"]
    to = "S3" if one.properties.get("LogDestinationType") == "s3" else "CloudWatch Logs"
    yield replace(use.FLOW_LOGS[one.properties["TrafficType"]], item=f"flow logs to {to}")


def _service(one: Resource) -> Iterator[Charge]:
    task = one.named(one.properties["TaskDefinition"])
    weights = {each["CapacityProvider"]: each["Weight"] for each in one.properties["CapacityProviderStrategy"]}
    for provider, weight in weights.items():
        share = weight / sum(weights.values())
        spot = " Spot" if provider == "FARGATE_SPOT" else ""
        if share:
            yield from _task(task, spot, a_task=HOURS * share)
    yield from use.SERVICE


def _task_definition(one: Resource) -> Iterator[Charge]:
    """That of a service is counted there; one that neither a deployment nor a schedule runs, nowhere."""
    if any(service["TaskDefinition"] == {"Ref": one.id} for _, service in one.of_type("AWS::ECS::Service")):
        return
    family, properties = one.properties["Family"], one.properties
    if family.endswith("-migration"):
        assumption = f"{use.DEPLOYMENTS} runs of three minutes"
        yield from _task(properties, "", quantity=use.DEPLOYMENTS * use.MIGRATION_HOURS, assumption=assumption)
        return
    schedules = (each for _, each in one.of_type("AWS::Scheduler::Schedule") if each.get("Name") == family)
    runs = sum(runs_a_month(each["ScheduleExpression"]) for each in schedules)
    if runs:
        hours, beyond = runs * use.DUMP_HOURS, properties["EphemeralStorage"]["SizeInGiB"] - FREE_STORAGE_GIB
        yield from _task(properties, "", quantity=hours, assumption="ten minutes a run")
        yield Charge("Fargate storage", hours * beyond, assumption="ten minutes a run")
        yield replace(use.IMAGES_OF_A_DUMP, quantity=runs * use.IMAGES_OF_A_DUMP.quantity)


def _task(
    task: Mapping[str, Any], spot: str, *, quantity: float = 0, a_task: float = 0, assumption: str = ""
) -> Iterator[Charge]:
    arm = " arm64" if task["RuntimePlatform"]["CpuArchitecture"] == "ARM64" else ""
    for item, amount in (("vCPU", int(task["Cpu"]) / 1024), ("memory", int(task["Memory"]) / 1024)):
        yield Charge(f"Fargate{spot}{arm} {item}", quantity * amount, a_task * amount, assumption)


def _database(one: Resource) -> Iterator[Charge]:
    properties = one.properties
    is_multi_az = bool(properties.get("MultiAZ"))
    yield Charge(database_item(properties["DBInstanceClass"], is_multi_az=is_multi_az), HOURS)
    # A replica has its source's storage, which is in the same template.
    others = (other for _, other in one.of_type(one.type))
    storage = next(each["AllocatedStorage"] for each in (properties, *others) if "AllocatedStorage" in each)
    yield Charge("gp3 storage Multi-AZ" if is_multi_az else "gp3 storage", int(storage))
    yield use.DATABASE_LOGS
    if "AutomaticBackupReplicationRegion" in properties:
        yield from use.REPLICATED_BACKUPS


def _restore_test(one: Resource) -> Iterator[Charge]:
    """A test a month, as the plan says; storage as the source's, at least RDS's 20 GB."""
    hours = f"{use.RESTORED_HOURS} hours a month"
    yield Charge("restore test", 1, assumption="one a month")
    instance_class = one.properties["RestoreMetadataOverrides"]["dbInstanceClass"]
    yield Charge(database_item(instance_class, is_multi_az=False), use.RESTORED_HOURS, assumption=hours)
    yield Charge("gp3 storage", 20 * use.RESTORED_HOURS / HOURS, assumption=hours)


def _alarm(one: Resource) -> Iterator[Charge]:
    metrics = [each for each in one.properties.get("Metrics", []) if "MetricStat" in each]
    yield Charge("alarm metric", max(len(metrics), 1))


def _health_check(one: Resource) -> Iterator[Charge]:
    yield Charge("health check", 1)
    if one.properties["HealthCheckConfig"]["Type"].startswith("HTTPS"):
        yield Charge("health check over HTTPS", 1)


def _function(one: Resource) -> Iterator[Charge]:
    runs = sum(
        runs_a_month(schedule["ScheduleExpression"])
        for _, schedule in one.of_type("AWS::Scheduler::Schedule")
        if _started(schedule) == one.properties.get("FunctionName")
    ) + sum(
        runs_a_month(rule["ScheduleExpression"])
        for _, rule in one.of_type("AWS::Events::Rule")
        if "ScheduleExpression" in rule and rule["Targets"][0]["Arn"] == {"Fn::GetAtt": [one.id, "Arn"]}
    )
    if not runs:
        return  # only deployments call it
    name = one.properties["FunctionName"]
    seconds = _by_ending(name, use.LONG_RUN_SECONDS, use.RUN_SECONDS)
    yield Charge("function run", runs)
    gb = one.properties.get("MemorySize", 128) / 1024
    yield Charge("function time", runs * seconds * gb, assumption=f"{seconds:g} s a run")
    yield Charge("logs", runs * use.LOG_BYTES_A_RUN / 1e9, assumption=f"{use.LOG_BYTES_A_RUN:,} bytes a run")
    requests = _by_ending(name, use.COST_EXPLORER_REQUESTS_A_RUN, 0)
    if requests:
        yield Charge("Cost Explorer request", runs * requests, assumption=f"{requests:g} requests a run")
    metrics = one.metadata.get("PublishedMetrics", 0)
    if metrics:  # charged for the hours in which it is published
        yield Charge("custom metric", metrics * min(runs / HOURS, 1))


def _by_ending(name: str, values: Mapping[str, float], otherwise: float) -> float:
    return next((value for ending, value in values.items() if name.endswith(ending)), otherwise)


def _started(schedule: Mapping[str, Any]) -> str | None:
    """Name of the function that a schedule starts; None when it starts something else."""
    arn = schedule["Target"]["Arn"]
    return arn.rpartition(":function:")[2] if isinstance(arn, str) and ":function:" in arn else None


def _bucket(one: Resource) -> Iterator[Charge]:
    """That of dumps, the only one whose objects can be locked, keeps one a week."""
    if not one.properties.get("ObjectLockEnabled"):
        yield use.BUCKET
        return
    days = one.properties["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"]
    assumption = f"a dump of {use.GB_A_DUMP:g} GB a week, kept {days} days"
    yield Charge("object storage", days / 7 * use.GB_A_DUMP, assumption=assumption)


def _schedule(one: Resource) -> Iterator[Charge]:
    yield Charge("scheduled start", runs_a_month(one.properties["ScheduleExpression"]))


def _state_machine(one: Resource) -> Iterator[Charge]:
    """Those of dumps make some thirty transitions a month, of 4,000 that are free."""
    if one.properties["StateMachineName"].endswith("-migration"):
        yield use.STATE_MACHINE


def _metric_filter(one: Resource) -> Iterator[Charge]:
    """A filter with a default value publishes always, any other only when a line matches."""
    always = [each for each in one.properties["MetricTransformations"] if "DefaultValue" in each]
    if always:
        yield Charge("custom metric", len(always))


CHARGES: dict[str, Charges] = {
    "AWS::Backup::BackupPlan": _always(*use.BACKUPS),
    "AWS::Backup::RestoreTestingSelection": _restore_test,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _always(Charge("composite alarm", 1)),
    "AWS::CloudWatch::Dashboard": _always(Charge("dashboard", 1)),  # ours has over 50 metrics, which are not free
    "AWS::EC2::EIP": _always(Charge("public IPv4 address", HOURS)),
    "AWS::EC2::FlowLog": _flow_log,
    "AWS::EC2::NatGateway": _always(Charge("NAT gateway", HOURS)),
    "AWS::EC2::VPCEndpoint": _endpoint,
    "AWS::ECR::Repository": _always(use.REPOSITORY),
    "AWS::ECS::Service": _service,
    "AWS::ECS::TaskDefinition": _task_definition,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _load_balancer,
    "AWS::KMS::Key": _always(Charge("key", 1), use.KEY),
    "AWS::Lambda::Function": _function,
    "AWS::Logs::MetricFilter": _metric_filter,
    "AWS::RDS::DBInstance": _database,
    "AWS::Route53::HealthCheck": _health_check,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Topic": _always(use.TOPIC),
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::StepFunctions::StateMachine": _state_machine,
}
