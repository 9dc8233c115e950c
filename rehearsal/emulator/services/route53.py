"""Route 53: the operator's hosted zone, and what its names resolve to on this machine for the Lambdas.

An alias of a load balancer leads to where the rehearsal has the site of that load balancer's region listen:
its port is not 443, which an ordinary user may not bind.
"""

import json
from typing import Any
from urllib.parse import parse_qs

from hypercorn.typing import ASGIFramework
from ministack.core.responses import request_scope
from ministack.services import alb, route53

PATH = "/_rehearsal/address"
HTTPS_PORT = 443


def answering(application: ASGIFramework, sites: dict[str, str], account: str) -> ASGIFramework:
    """Put GET /_rehearsal/address?name=N&port=P in front of MiniStack: [host, port], or null.

    Args:
        sites: HOST:PORT by region, where HTTPS of its load balancer is answered.
    """

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        query = parse_qs(scope["query_string"].decode())
        body = json.dumps(address(query["name"][0], int(query["port"][0]), sites, account)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def address(name: str, port: int, sites: dict[str, str], account: str) -> tuple[str, int] | None:
    """Host and port where a name's port is answered; None for a name that Route 53 does not have."""
    with request_scope(account, next(iter(sites), "")):
        targets = aliases(f"{name.rstrip('.').lower()}.")
    for target in targets:
        for region, site in sites.items():
            with request_scope(account, region):
                is_here = any(f"{balancer['DNSName'].lower()}." == target for balancer in alb._lbs.values())
            if is_here:
                host, _, site_port = site.rpartition(":")
                return host, int(site_port) if port == HTTPS_PORT else port
    return None


def aliases(name: str) -> list[str]:
    """What a name's address records are aliases of, the failover's primary before its secondary."""
    records = [
        record
        for zone in list(route53._zones)
        for record in route53._records.get(zone, [])
        if record["Name"].lower() == name and record["Type"] in ("A", "AAAA") and record.get("AliasTarget")
    ]
    records.sort(key=lambda record: record.get("Failover") == "SECONDARY")
    return [record["AliasTarget"]["DNSName"].lower().removeprefix("dualstack.") for record in records]


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
