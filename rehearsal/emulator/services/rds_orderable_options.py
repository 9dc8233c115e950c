"""What RDS offers: MiniStack lists classes of some years ago only, with gp2 storage, whatever the engine's version.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOrderableDBInstanceOptions.html
"""

import json
from pathlib import Path
from typing import Any

from ministack.core.responses import get_region
from ministack.services import rds

from aws_limits import DATABASE_SIZES

_VERSIONS = ("17.6", "18.1", "18.3")


def register(changed: Path) -> None:
    """Answer with the classes that the configuration allows; `changed` is a file of JSON with other zones by class."""

    def describe(parameters: Any) -> Any:
        classes = [one for one in DATABASE_SIZES if one == (rds._p(parameters, "DBInstanceClass") or one)]
        zones = json.loads(changed.read_text()) if changed.exists() else {}
        options = "".join(
            _option(one, version, zones.get(one, ["a", "b", "c"])) for one in classes for version in _VERSIONS
        )
        name = "DescribeOrderableDBInstanceOptions"
        result = f"<OrderableDBInstanceOptions>{options}</OrderableDBInstanceOptions>"
        return rds._xml(200, f"{name}Response", f"<{name}Result>{result}</{name}Result>")

    rds._ACTION_MAP["DescribeOrderableDBInstanceOptions"] = describe


def _option(instance_class: str, version: str, zones: list[str]) -> str:
    names = "".join(f"<AvailabilityZone><Name>{get_region()}{one}</Name></AvailabilityZone>" for one in zones)
    return (
        f"<OrderableDBInstanceOption><Engine>postgres</Engine><EngineVersion>{version}</EngineVersion>"
        f"<DBInstanceClass>{instance_class}</DBInstanceClass><AvailabilityZones>{names}</AvailabilityZones>"
        "<MultiAZCapable>true</MultiAZCapable><ReadReplicaCapable>true</ReadReplicaCapable><Vpc>true</Vpc>"
        "<StorageType>gp3</StorageType></OrderableDBInstanceOption>"
    )
