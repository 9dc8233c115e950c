"""RDS's certificate authorities of one region, small enough for an environment variable."""

import re
from pathlib import Path

_BUNDLE = Path(__file__).parents[2] / "ops_lambdas" / "shared" / "rds-ca-bundle.pem"


def authorities(region: str) -> str:
    """Return the certificates of a region's authorities, PEM.

    Raises:
        ValueError: the bundle has none of this region: `make ca-bundle` may help.
    """
    pattern = rf"^# Amazon RDS {re.escape(region)} Root CA .+\n(-----BEGIN CERTIFICATE-----[^#]+)"
    found = re.findall(pattern, _BUNDLE.read_text(), re.MULTILINE)
    if not found:
        raise ValueError(f"{_BUNDLE.name} has no certificate authority of {region}: renew it with make ca-bundle")
    return "\n".join(one.strip() for one in found)
