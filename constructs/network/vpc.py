"""The VPC, its subnets, and which security group may reach which."""

from aws_cdk import aws_ec2 as ec2

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.common.log_group import LogGroup, Retention
from names import Names

HTTPS_PORT = 443
HTTPS, POSTGRESQL = ec2.Port.tcp(HTTPS_PORT), ec2.Port.tcp(5432)


class Network(Construct):
    """A VPC over two zones with public, application and isolated database subnets, and its security groups.

    Args:
        site_port: TCP port of the site: 443, or 80 without a domain. Port 80 is always open, for the redirect.
        service_port: TCP port of the container that the load balancer sends requests to.
        coral_port: TCP port of the Coral server, open to the operations checks only.
    Attributes: vpc, load_balancer_group, service_group, database_group, checks_group; restore_test_group, of the
        function that alone reaches restored_group, of databases that are restored for a test.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: Names,
        cidr: str,
        nat_gateways: int,
        site_port: int,
        service_port: int,
        coral_port: int,
        retention: Retention,
    ) -> None:
        super().__init__(scope, id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            nat_gateways=nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="Application", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
                ec2.SubnetConfiguration(name="Database", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
            restrict_default_security_group=True,
        )
        self._log_flows(names, retention)
        self.load_balancer_group = self._group("LoadBalancer", "The load balancer: the internet to the site")
        self.service_group = self._group("Service", "The tasks: to the database, and to HTTPS services outside")
        self.database_group = self._group("Database", "The database: tasks and checks only")
        self.checks_group = self._group("Checks", "The operations checks: to database, Coral and AWS")
        self.restore_test_group = self._group("RestoreTest", "The restore test: to restored databases and AWS")
        self.restored_group = self._group("Restored", "Databases restored for a test: the restore test only")
        self._allow_traffic(site_port, service_port, coral_port)

    def _log_flows(self, names: Names, retention: Retention) -> None:
        group = LogGroup(self, "FlowLogs", name=names.flow_log_group, retention=retention)
        log = self.vpc.add_flow_log(
            "Rejected",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,  # what is allowed is many times as much
        )
        if log.iam_role:
            log.node.find_child("FlowLog").node.add_dependency(log.iam_role)  # and its policy

    def _allow_traffic(self, site_port: int, service_port: int, coral_port: int) -> None:
        for port in sorted({80, site_port}):
            self.load_balancer_group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "The site is public")
        acknowledge(self.load_balancer_group, "The site is public", "EC23")
        self._allow(self.load_balancer_group, self.service_group, ec2.Port.tcp(service_port))
        self._allow(self.service_group, self.database_group, POSTGRESQL)
        self._allow(self.checks_group, self.database_group, POSTGRESQL)
        self._allow(self.checks_group, self.service_group, ec2.Port.tcp(coral_port))
        self._allow(self.restore_test_group, self.restored_group, POSTGRESQL)
        for group in (self.service_group, self.checks_group, self.restore_test_group):
            group.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, "AWS and third parties, through NAT")
        if site_port != HTTPS_PORT:
            self.checks_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(site_port), "The site, from outside")

    def _group(self, id: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, id, vpc=self.vpc, description=description, allow_all_outbound=False)

    @staticmethod
    def _allow(source: ec2.SecurityGroup, target: ec2.SecurityGroup, port: ec2.Port) -> None:
        description = f"{source.node.id} to {target.node.id}"
        source.add_egress_rule(target, port, description)
        target.add_ingress_rule(source, port, description)
