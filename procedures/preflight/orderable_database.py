"""Whether RDS offers the database's class and engine in the zones where it is going to be."""

from collections.abc import Iterator

from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment

_ZONES = 2


def database(aws: Deployment) -> Iterator[Finding]:
    """Class, engine and storage are offered in both zones, as Multi-AZ and with a replica when configured so.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOrderableDBInstanceOptions.html
    """
    environment = aws.environment
    primary = aws.resources("AWS::RDS::DBInstance")[0][2]
    wanted, version, storage = primary["DBInstanceClass"], primary["EngineVersion"], primary["StorageType"]
    zones = _zones(aws)
    # EngineVersion is no filter here: the template names a major version, and options have minor ones.
    pages = (
        aws.client("rds")
        .get_paginator("describe_orderable_db_instance_options")
        .paginate(Engine=primary["Engine"], DBInstanceClass=wanted, Vpc=True)
    )
    offered: set[str] = set()
    for page in pages:
        for option in page["OrderableDBInstanceOptions"]:
            is_fit = (
                f"{option['EngineVersion']}.".startswith(f"{version}.")
                and option["StorageType"] == storage
                and (option["MultiAZCapable"] or not environment.is_multi_az)
                and (option["ReadReplicaCapable"] or not environment.has_replica)
            )
            offered |= {zone["Name"] for zone in option["AvailabilityZones"]} if is_fit else set()
    missing = sorted(set(zones) - offered)
    yield Finding(
        area="database",
        subject=f"{wanted}, {primary['Engine']} {version}, {storage}",
        state=aws.unless_later("data") if missing else State.HOLDS,
        found=f"not offered in {', '.join(missing)}" if missing else f"offered in {', '.join(zones)}",
        mend="Choose another database_class in config.py, or another region" if missing else "",
    )


def _zones(aws: Deployment) -> list[str]:
    """The zones that the network takes: the first two of the region."""
    filters = [{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
    answer = aws.client("ec2").describe_availability_zones(Filters=filters)
    return sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"])[:_ZONES]
