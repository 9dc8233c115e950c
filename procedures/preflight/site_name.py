"""The site's name: its hosted zone, and records in it that a deployment would meet."""

from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from procedures.findings import Finding, State
from procedures.preflight.delegation import NoDnsError
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
    yield _delegation(aws, name, answer.get("DelegationSet", {}).get("NameServers", ()))
    yield _record(aws, client, domain, zone_id)


def _delegation(aws: Deployment, zone: str, servers: Iterable[str]) -> Finding:
    """The registrar names the zone's servers; else ACM validates no certificate, and nobody finds the site."""
    own = frozenset(one.rstrip(".").lower() for one in servers)
    needed = ", ".join(sorted(own))
    try:
        found = aws.name_servers(zone)
    except NoDnsError as error:
        text = f"DNS does not answer here: {error}. It must answer {needed}"
        return _finding("delegation", State.NOT_YET, text, f"dig +short NS {zone}")
    if found == own:
        return _finding("delegation", State.HOLDS, f"DNS answers the zone's {len(own)} name servers")
    mend = f"At the registrar, set the name servers of {zone} to {needed}"
    text = f"DNS answers {', '.join(sorted(found)) or 'no name server'}"
    return _finding("delegation", aws.unless_later("service"), text, mend)


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
