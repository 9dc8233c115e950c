"""AWS's limits and sizes: the tables that a configuration is checked against, each with its source."""

import re
from functools import cache
from pathlib import Path

from botocore.loaders import Loader

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
# CPU units → MiB of memory: first, last, step.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
FARGATE_MEMORY_MIB = {
    256: (512, 2048, 512),
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
RDS_CA_BUNDLE = Path(__file__).parent / "ops_lambdas" / "shared" / "rds-ca-bundle.pem"
# Virtual CPUs and GiB of memory by class. https://aws.amazon.com/rds/instance-types/
_SIZES = {"large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8, "8xlarge": 16, "12xlarge": 24, "16xlarge": 32}
DATABASE_SIZES = {
    **{f"db.{family}.medium": (2, 4) for family in ("t3", "t4g")},
    **{f"db.{family}.{size}": (2 * n, 8 * n) for family in ("t3", "t4g") for size, n in list(_SIZES.items())[:3]},
    **{f"db.{family}.{size}": (2 * n, 8 * n) for family in ("m6g", "m7g", "m8g") for size, n in _SIZES.items()},
    **{f"db.{family}.{size}": (2 * n, 16 * n) for family in ("r6g", "r7g", "r8g") for size, n in _SIZES.items()},
}
BYTES_A_CONNECTION, MAX_CONNECTIONS = 9531392, 5000


@cache
def regions() -> tuple[str, ...]:
    """Names of AWS's commercial regions whose RDS certificate authorities are in the checks' bundle."""
    partitions = Loader().load_data("endpoints")["partitions"]
    commercial = next(p["regions"] for p in partitions if p["partition"] == "aws")
    trusted = re.findall(r"^# Amazon RDS (\S+) Root CA", RDS_CA_BUNDLE.read_text(), re.MULTILINE)
    return tuple(sorted(set(commercial) & set(trusted)))
