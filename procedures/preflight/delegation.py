"""Whether the domain's registrar leads to the hosted zone, which no API of AWS tells: DNS is asked."""

from collections.abc import Callable

import dns.exception
import dns.resolver

_SECONDS = 5

NameServers = Callable[[str], frozenset[str]]


class NoDnsError(Exception):
    """No DNS server answered: whether the zone is delegated is not known."""


def name_servers(zone: str, *, server: tuple[str, int] | None = None) -> frozenset[str]:
    """Names of the servers that DNS has for a zone, in lower case without the last dot; empty when it has none.

    Args:
        server: address and port of the DNS server that is asked; those of this machine by default.

    Raises:
        NoDnsError: no answer in five seconds.
    """
    try:
        resolver = dns.resolver.Resolver(configure=server is None)
        if server is not None:
            resolver.nameservers, resolver.port = [server[0]], server[1]
        answer = resolver.resolve(zone, "NS", lifetime=_SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return frozenset()
    except (dns.exception.DNSException, OSError) as error:
        raise NoDnsError(str(error)) from error
    return frozenset(str(one.target).rstrip(".").lower() for one in answer)
