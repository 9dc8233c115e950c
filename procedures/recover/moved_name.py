"""The site's name: who moves it to the recovery region, and whether it has moved."""

import json
import time
from collections.abc import Callable

from environment import Environment
from procedures.findings import State
from procedures.recover.source import RecoveryError
from procedures.verify.answering_site import answer, balancer
from procedures.verify.deployed import Deployed

# Route 53 asks a load balancer's health every ten seconds, and resolvers keep an alias for 60.
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html
_SECONDS, _PAUSE_SECONDS = 300.0, 10.0


def move(chosen: Environment) -> str:
    """Who moves the name, in words."""
    if chosen.domain is None:
        return "under the load balancer's own name"
    if chosen.has_site_record:
        return f"Route 53 moves {chosen.domain} once no target in {chosen.other_region} is healthy"
    if chosen.hosted_zone_id:
        return f"you move {chosen.domain}, by a change of its record that is shown at the end"
    return f"you move {chosen.domain} where its DNS is, to a name that is shown at the end"


def found(aws: Deployed, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """Wait until the site answers under its name; or return what to change, where a person has to.

    Raises:
        RecoveryError: it does not answer for five minutes.
    """
    chosen = aws.environment
    if chosen.domain and not chosen.has_site_record:
        return _by_hand(aws)
    until = time.monotonic() + _SECONDS
    while True:
        (answered,) = answer(aws)
        if answered.state is State.HOLDS:
            return f"{answered.subject} {answered.found}"
        if time.monotonic() > until:
            raise RecoveryError(f"{answered.subject} {answered.found}. {answered.mend}")
        sleep(_PAUSE_SECONDS)


def _by_hand(aws: Deployed) -> str:
    """The exact record, and how to change it. Its TTL is the load balancer's, 60 seconds."""
    chosen, there = aws.environment, balancer(aws)
    if chosen.hosted_zone_id is None:
        return (
            f"make {chosen.domain} an ALIAS of {there['DNSName']} with a TTL of 60 seconds where its DNS is "
            "(CNAME, unless it is the top of its zone)"
        )
    alias = {"HostedZoneId": there["CanonicalHostedZoneId"], "DNSName": there["DNSName"], "EvaluateTargetHealth": True}
    record = {
        "Name": chosen.domain,
        "Type": "A",
        "SetIdentifier": "secondary",
        "Failover": "SECONDARY",
        "AliasTarget": alias,
    }
    batch = json.dumps({"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]})
    return (
        f"aws route53 change-resource-record-sets --hosted-zone-id {chosen.hosted_zone_id} --change-batch '{batch}'\n"
        "While us-east-1 is lost, Route 53 takes changes only of a zone with accelerated recovery, within an hour. The "
        f"name goes back by itself when {chosen.other_region} has a healthy target: make stand-down there at once"
    )
