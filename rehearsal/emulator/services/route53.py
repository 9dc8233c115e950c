"""Route 53: the operator's hosted zone, and what its names resolve to on this machine for the Lambdas.

An alias of a load balancer leads to where the rehearsal has the site of that load balancer's region listen:
its port is not 443, which an ordinary user may not bind.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from hypercorn.typing import ASGIFramework
from ministack.core.responses import request_scope
from ministack.services import alb, route53

from rehearsal.emulator.services import load_balancing, route53_health_checks

PATH = "/_rehearsal/address"
HTTPS_PORT = 443
UNANSWERED = ("127.0.0.1", 9)


def answering(
    application: ASGIFramework, sites: dict[str, str], account: str, is_lost: Callable[[str], bool]
) -> ASGIFramework:
    """Put GET /_rehearsal/address?name=N&port=P in front of MiniStack: [host, port], or null.

    Args:
        sites: HOST:PORT by region, where HTTPS of its load balancer is answered.
        is_lost: whether a region is lost.
    """

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        query = parse_qs(scope["query_string"].decode())
        body = json.dumps(address(query["name"][0], int(query["port"][0]), sites, account, is_lost)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def address(
    name: str, port: int, sites: dict[str, str], account: str, is_lost: Callable[[str], bool]
) -> tuple[str, int] | None:
    """Host and port where a name's port is answered; None for a name that Route 53 does not have.

    Of failover records the primary answers, also when no target is healthy; in its place the secondary while that has
    healthy targets and the primary's region is lost. What a lost region's load balancer should answer, nobody does.
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-types.html
    """
    with request_scope(account, next(iter(sites), "")):
        found = aliases(f"{name.rstrip('.').lower()}.")
    places = [place for record in found if (place := place_of(record, sites, account))]
    healthy = [one for one in places if one.is_checked and (not is_lost(one.region) or not one.is_evaluated)]
    if healthy != places:
        healthy = [one for one in healthy if one.has_healthy_targets or not one.is_evaluated]
    for one in healthy or places:
        host, _, site_port = sites[one.region].rpartition(":")
        return UNANSWERED if is_lost(one.region) else (host, int(site_port) if port == HTTPS_PORT else port)
    return None


@dataclass(frozen=True)
class Place:
    """Where an alias leads to.

    Args:
        is_checked: the record's health check, if any, is healthy.
        is_evaluated: Route 53 looks at the health of the load balancer's targets.
    """

    region: str
    is_checked: bool
    is_evaluated: bool
    has_healthy_targets: bool


def place_of(record: dict[str, Any], sites: dict[str, str], account: str) -> Place | None:
    """The region of an alias's load balancer, and whether Route 53 sees it healthy there."""
    target = record["AliasTarget"]["DNSName"].lower().removeprefix("dualstack.").rstrip(".") + "."
    for region in sites:
        with request_scope(account, region):
            for arn, balancer in alb._lbs.items():
                if f"{balancer['DNSName'].lower()}." == target:
                    is_evaluated = bool(record["AliasTarget"].get("EvaluateTargetHealth"))
                    is_checked = route53_health_checks.is_healthy(record.get("HealthCheckId", ""))
                    return Place(region, is_checked, is_evaluated, load_balancing.has_healthy_targets(arn))
    return None


def aliases(name: str) -> list[dict[str, Any]]:
    """The address records of a name that are aliases, the failover's primary before its secondary."""
    records = [
        record
        for zone in list(route53._zones)
        for record in route53._records.get(zone, [])
        if record["Name"].lower() == name and record["Type"] in ("A", "AAAA") and record.get("AliasTarget")
    ]
    return sorted(records, key=lambda record: record.get("Failover") == "SECONDARY")


def create_hosted_zone(zone_id: str, name: str) -> None:
    """Create the operator's public zone, which no stack creates."""
    route53._zones[zone_id] = {
        "id": zone_id,
        "name": name,
        "caller_reference": zone_id,
        "comment": "",
        "private": False,
    }
    route53._records[zone_id] = route53._default_records(name)
