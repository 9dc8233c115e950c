"""The site from outside: its certificate, its name in DNS, and its answer."""

import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import urllib3

from procedures.findings import Finding, State
from procedures.verify.deployed import Deployed

_TIMEOUT = urllib3.Timeout(connect=5, read=30)
_HTTPS_PORT = 443


def certificate(aws: Deployed) -> Iterator[Finding]:
    """ACM has issued the certificate, and renews it by itself while its validation record is there."""
    for arn in aws.physical_ids("AWS::CertificateManager::Certificate"):
        described = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
        status = described["Status"]
        is_right = status == "ISSUED"
        until = f", until {described['NotAfter']:%Y-%m-%d}" if is_right and "NotAfter" in described else ""
        mend = aws.cli(f"acm describe-certificate --certificate-arn {arn}")
        state = State.HOLDS if is_right else State.FAILS
        yield _finding("certificate", state, f"{status}{until}", "" if is_right else mend)


def record(aws: Deployed) -> Iterator[Finding]:
    """The record of the site's name is an alias of this load balancer."""
    domain, zone = aws.environment.domain, aws.environment.hosted_zone_id
    if domain is None or zone is None or not aws.environment.has_site_record:
        return
    answer = aws.client("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=domain, StartRecordType="A"
    )
    role = "PRIMARY" if aws.environment.region == aws.environment.home_region else "SECONDARY"
    records = [one for one in answer["ResourceRecordSets"] if one["Name"].rstrip(".") == domain and one["Type"] == "A"]
    target = balancer(aws)["DNSName"].lower()
    pointed = [
        one["AliasTarget"]["DNSName"].rstrip(".").lower().removeprefix("dualstack.")
        for one in records
        if one.get("Failover") == role and "AliasTarget" in one
    ]
    is_right = pointed == [target]
    found = f"{role} alias of {', '.join(pointed) or 'nothing'}" + ("" if is_right else f", must be of {target}")
    mend = "" if is_right else f"make deploy {aws.options} STACKS={aws.names.stack('service')}"
    yield _finding(f"record of {domain}", State.HOLDS if is_right else State.FAILS, found, mend)


def answer(aws: Deployed) -> Iterator[Finding]:
    """The site answers under its own name, with a certificate that holds."""
    container = aws.environment.load_balanced
    url = f"{aws.output('service', 'SiteUrl')}{container.health_path or '/'}"
    try:
        status = _get(aws, url)
    except OSError as error:
        mend = f"dig +short {urlsplit(url).hostname}: the hosted zone's name servers must be the registrar's"
        yield _finding(url, State.FAILS, f"its name does not resolve: {error}", mend)
        return
    except urllib3.exceptions.HTTPError as error:
        mend = f"curl -v {url}"
        yield _finding(url, State.FAILS, f"does not answer: {error}", mend)
        return
    is_right = status < 400
    mend = "" if is_right else aws.cli(f"logs tail {aws.names.service_log_group} --since 15m")
    yield _finding(url, State.HOLDS if is_right else State.FAILS, f"answers with {status}", mend)


def _get(aws: Deployed, url: str) -> int:
    parts = urlsplit(url)
    name, is_secure = str(parts.hostname), parts.scheme == "https"
    host, port = aws.address(name, _HTTPS_PORT if is_secure else 80)
    pool: Any
    if is_secure:
        context = ssl.create_default_context(cafile=aws.ca_file)
        pool = urllib3.HTTPSConnectionPool(
            host, port, timeout=_TIMEOUT, ssl_context=context, server_hostname=name, assert_hostname=name
        )
    else:
        pool = urllib3.HTTPConnectionPool(host, port, timeout=_TIMEOUT)
    answered = pool.request("GET", parts.path, headers={"Host": name}, redirect=False, retries=1)
    return int(answered.status)


def balancer(aws: Deployed) -> dict[str, Any]:
    """The load balancer, as AWS describes it."""
    described = aws.client("elbv2").describe_load_balancers(Names=[aws.names.load_balancer])["LoadBalancers"]
    balancer: dict[str, Any] = described[0]
    return balancer


def _finding(subject: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="site", subject=subject, state=state, found=found, mend=mend)
