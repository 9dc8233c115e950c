"""How much use is assumed, where only use decides: of a quiet month, one number each, changed here.

A bill shows the real numbers. The cost report compares it with these, so a doubled one is seen.
"""

from dataclasses import dataclass

DEPLOYMENTS = 20  # a month


@dataclass(frozen=True)
class Charge:
    """What a resource is charged for in a month, for one item.

    Attributes:
        quantity: in the item's unit, whatever runs.
        a_task: beside that, for each task of the service.
        assumption: the use that is assumed, in words; empty where the template decides.
    """

    item: str
    quantity: float = 0
    a_task: float = 0
    assumption: str = ""


LOAD_BALANCER = (
    Charge("load balancer capacity", a_task=20, assumption="20 LCU-hours a task, about 20 GB"),
    Charge("data out", a_task=20, assumption="20 GB a task: at three tasks the runbook's 5 dollars"),
)
SERVICE = (
    Charge("logs", a_task=1, assumption="1 GB a task"),
    Charge("NAT gateway data", a_task=10, assumption="10 GB a task, to OpenAI and Solana"),
    Charge("data between zones", a_task=20, assumption="10 GB a task, billed in both directions"),
)
# By destination and traffic. A record is about 100 bytes, and a rejected packet is a scan from the internet.
FLOW_LOGS = {
    "ALL": Charge("", quantity=1, a_task=1, assumption="1 GB, and 1 GB a task"),
    "REJECT": Charge("", quantity=0.2, assumption="0.2 GB of rejected traffic"),
}
# Of a database with 5 GB that changes by 2 % a day; storage in the other region, and what is sent there.
REPLICATED_BACKUPS = (
    Charge("backup storage", quantity=6, assumption="5 GB, and 7 days of 2 % changed"),
    Charge("data to another region", quantity=4, assumption="2 % of 5 GB a day, and transaction logs"),
)
BACKUPS = (
    Charge("backup storage", quantity=20, assumption="10 GB in each region: 5 GB, 35 days and 12 months of changes"),
    Charge("data to another region", quantity=3, assumption="2 % of 5 GB a day"),
)
# Of a database that is restored each month, and deleted when it was validated.
RESTORED_HOURS = 2
DATABASE_LOGS = Charge("logs", quantity=0.2, assumption="0.2 GB an instance")
KEY = Charge("key use", quantity=10_000, assumption="10,000 requests")
REPOSITORY = Charge("image storage", quantity=3, assumption="3 GB a repository")
BUCKET = Charge("object storage", quantity=1, assumption="1 GB a bucket")
TOPIC = Charge("email", quantity=300, assumption="300 emails")
STATE_MACHINE = Charge(
    "state transition", quantity=DEPLOYMENTS * 6, assumption=f"{DEPLOYMENTS} deployments of 6 transitions"
)
# Of a task definition that no service runs: hours of a run. The migrations' of a deployment; a dump by its schedule.
MIGRATION_HOURS, DUMP_HOURS = 3 / 60, 10 / 60
IMAGES_OF_A_DUMP = Charge("NAT gateway data", quantity=0.3, assumption="0.3 GB of images a dump")
GB_A_DUMP = 1.0  # compressed, of a database with 5 GB

LOG_BYTES_A_RUN = 2_000  # Lambda's own three lines, the metrics and the result
RUN_SECONDS = 1.0
# Longer ones by the end of the function's name: thread cleanup waits its grace period of two minutes.
LONG_RUN_SECONDS = {"-thread-cleanup": 125.0, "-session-cleanup": 3.0}
COST_EXPLORER_REQUESTS_A_RUN = {"-cost-report": 5}
