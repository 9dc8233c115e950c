"""The site's name: its hosted zone, and records in it that a deployment would meet."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment

_TYPES = ("A", "AAAA", "CNAME")


def hosted_zone(aws: Deployment) -> Iterator[Finding]:
    """The zone is there, public, and holds the domain; no other record has the site's name.

    Records of one name and type have all a failover policy, or none has.
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-failover.html
    """
    environment = aws.environment
    domain, zone_id = environment.domain, environment.hosted_zone_id
    if domain is None:
        return
    if zone_id is None:
        found = "hosted_zone_id is not set: -service waits until you create the certificate's validation record"
        mend = f"aws route53 list-hosted-zones-by-name --dns-name {domain}"
        yield _finding("hosted zone", State.NOT_YET, found, mend)
        return
    client = aws.client("route53")
    try:
        answer = client.get_hosted_zone(Id=zone_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchHostedZone":
            raise
        yield _finding("hosted zone", aws.unless_later("service"), f"there is no {zone_id}", "Correct hosted_zone_id")
        return
    zone = answer["HostedZone"]
    name = zone["Name"].rstrip(".")
    is_right = (domain == name or domain.endswith(f".{name}")) and not zone["Config"]["PrivateZone"]
    kind = "private" if zone["Config"]["PrivateZone"] else "public"
    state = State.HOLDS if is_right else aws.unless_later("service")
    yield _finding("hosted zone", state, f"{kind} zone {name}", "" if is_right else "Correct hosted_zone_id or domain")
    servers = ", ".join(sorted(answer.get("DelegationSet", {}).get("NameServers", ())))
    found = f"not looked up, as no API of AWS tells it; DNS must answer {servers or 'the name servers of the zone'}"
    yield _finding("delegation", State.NOT_YET, found, f"dig +short NS {name}")
    yield _record(aws, client, domain, zone_id)


def _record(aws: Deployment, client: Any, domain: str, zone_id: str) -> Finding:
    pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id, StartRecordName=domain)
    records = []
    for page in pages:
        same = [one for one in page["ResourceRecordSets"] if one["Name"].rstrip(".").lower() == domain]
        records += [one for one in same if one["Type"] in _TYPES]
        if len(same) < len(page["ResourceRecordSets"]):
            break
    simple = [f"{one['Type']} record" for one in records if "Failover" not in one]
    if simple:
        found = f"{', '.join(simple)} of this name without failover: Route 53 refuses one with it beside"
        mend = "Deploy with domain=None, and move the name as docs/cut-over.md says"
        return _finding(domain, aws.unless_later("service"), found, mend)
    return _finding(domain, State.HOLDS, "no record without failover has this name")


def _finding(subject: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="site", subject=subject, state=state, found=found, mend=mend)
