"""The load balancer, its listeners and certificate, and the DNS record of the site."""

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3

from application import IDLE_TIMEOUT_SECONDS, Container
from constructs import Construct
from constructs.common.weak_reference import refer_weakly
from constructs.network.vpc import Network
from constructs.service.site_record import add_site_record


class LoadBalancer(Construct):
    """An internet-facing ALB with access logs, in front of one target group.

    With a domain: HTTPS with a certificate validated by DNS, and a redirect from HTTP. With the domain's
    hosted zone, too: automatic validation, and an alias record that fails over between two regions by the
    targets' health. Without the zone, the deployment waits until a person has created the validation record.

    Args:
        load_balanced: the container whose port and health path the target group takes.
        has_record: with the zone, the alias record is made.
        serving_alarm: see `add_site_record`.
        is_home: this region answers while it is healthy; otherwise only while the home region is not.
        access_logs: bucket encrypted with S3's own key, the only one that load balancers can write with.
    Attributes: load_balancer; target_group, which the service's tasks join; url of the site.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        network: Network,
        load_balanced: Container,
        domain: str | None,
        hosted_zone_id: str | None,
        has_record: bool,
        serving_alarm: tuple[str, str] | None,
        is_home: bool,
        access_logs: s3.IBucket,
    ) -> None:
        super().__init__(scope, id)
        self.load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "Alb",
            load_balancer_name=name,
            vpc=network.vpc,
            internet_facing=True,
            security_group=network.load_balancer_group,
            drop_invalid_header_fields=True,
            idle_timeout=Duration.seconds(IDLE_TIMEOUT_SECONDS),
        )
        # The check `protection` switches it (decision 15); a value here would switch it back.
        self.load_balancer.remove_attribute("deletion_protection.enabled")
        self.load_balancer.log_access_logs(access_logs, prefix="load-balancer")
        self.target_group = self._target_group(network, load_balanced)
        refer_weakly(self.load_balancer, self.target_group)
        forward = elbv2.ListenerAction.forward([self.target_group])
        if domain is None:
            self.url = f"http://{self.load_balancer.load_balancer_dns_name}"
            self._listen("Http", 80, forward)
            return
        self.url = f"https://{domain}"
        zone = self._zone(domain, hosted_zone_id)
        certificate = acm.Certificate(
            self, "Certificate", domain_name=domain, validation=acm.CertificateValidation.from_dns(zone)
        )
        self.load_balancer.add_listener(
            "Https",
            port=443,
            open=False,
            ssl_policy=elbv2.SslPolicy.TLS13_12_RES_PQ,
            certificates=[certificate],
            default_action=forward,
        )
        self._listen("Http", 80, elbv2.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True))
        if zone is not None and has_record:
            metric = self.target_metric("HealthyHostCount", period=Duration.minutes(1), statistic="Maximum")
            add_site_record(
                self, domain, zone, self.load_balancer, is_home=is_home, healthy=metric, serving_alarm=serving_alarm
            )

    def target_metric(self, name: str, *, period: Duration, statistic: str) -> cloudwatch.Metric:
        """A metric of the targets, e.g. "HealthyHostCount".

        The CDK's own take the load balancer's name from a listener, which comes and goes with the domain.
        """
        dimensions = {
            "LoadBalancer": self.load_balancer.load_balancer_full_name,
            "TargetGroup": self.target_group.target_group_full_name,
        }
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=name,
            dimensions_map=dimensions,
            period=period,
            statistic=statistic,
        )

    def _listen(self, id: str, port: int, action: elbv2.ListenerAction) -> None:
        self.load_balancer.add_listener(id, port=port, open=False, default_action=action)

    def _target_group(self, network: Network, load_balanced: Container) -> elbv2.ApplicationTargetGroup:
        return elbv2.ApplicationTargetGroup(
            self,
            f"Tasks{load_balanced.port}",  # another port replaces it: the alarms have to follow
            vpc=network.vpc,
            port=load_balanced.port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.IP,
            # A conversation lives in the Coral server of one task.
            stickiness_cookie_duration=Duration.days(1),
            deregistration_delay=Duration.seconds(30),
            health_check=elbv2.HealthCheck(
                path=load_balanced.health_path,
                healthy_http_codes="200",
                interval=Duration.seconds(30),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )

    def _zone(self, domain: str, hosted_zone_id: str | None) -> route53.IHostedZone | None:
        if hosted_zone_id is None:
            return None
        return route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=hosted_zone_id, zone_name=domain
        )
