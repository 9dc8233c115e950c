"""The record of the site's name, which fails over between two regions."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53

from constructs import Construct


def add_site_record(
    scope: Construct,
    domain: str,
    zone: route53.IHostedZone,
    load_balancer: elbv2.ApplicationLoadBalancer,
    *,
    is_home: bool,
    healthy: cloudwatch.Metric,
    serving_alarm: tuple[str, str] | None,
) -> None:
    """Make the alias record of one region: primary in the home region, secondary in another.

    Args:
        healthy: how many targets are.
        serving_alarm: name of the recovery region's alarm, and that region: in ALARM while it serves. Then the name
            leads there, also when the home region is back. None: no region is in standby with its load balancer.
    """
    check = None
    if serving_alarm and is_home:
        check = _while_not_serving(scope, *serving_alarm).attr_health_check_id
    elif serving_alarm:
        _serves(scope, serving_alarm[0], healthy)
    route53.CfnRecordSet(
        scope,
        "Alias",
        hosted_zone_id=zone.hosted_zone_id,
        name=domain,
        type="A",
        set_identifier="primary" if is_home else "secondary",
        failover="PRIMARY" if is_home else "SECONDARY",
        health_check_id=check,
        alias_target=route53.CfnRecordSet.AliasTargetProperty(
            dns_name=load_balancer.load_balancer_dns_name,
            hosted_zone_id=load_balancer.load_balancer_canonical_hosted_zone_id,
            evaluate_target_health=True,
        ),
    )


def _while_not_serving(scope: Construct, alarm: str, region: str) -> route53.CfnHealthCheck:
    """Unhealthy while the recovery region serves: a home region that comes back has old data.

    Route 53 looks at the alarm's metric, and needs no control plane to do so. This check has to be healthy, and the
    load balancer's targets.
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
    """
    return route53.CfnHealthCheck(
        scope,
        "NotRecovered",
        health_check_config=route53.CfnHealthCheck.HealthCheckConfigProperty(
            type="CLOUDWATCH_METRIC",
            alarm_identifier=route53.CfnHealthCheck.AlarmIdentifierProperty(name=alarm, region=region),
            insufficient_data_health_status="Healthy",
        ),
    )


def _serves(scope: Construct, alarm: str, healthy: cloudwatch.Metric) -> None:
    """An alarm that notifies nobody."""
    cloudwatch.Alarm(
        scope,
        "Serves",
        alarm_name=alarm,
        alarm_description="State, not an incident: the recovery region serves, and the site's name leads here",
        metric=healthy,
        threshold=1,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        actions_enabled=False,
    )
