"""How much use is assumed, where only use decides: of a quiet month, one number each, changed here.

A bill shows the real numbers. The cost report compares it with these, so a doubled one is seen.
"""

from dataclasses import dataclass

DEPLOYMENTS = 20  # a month


@dataclass(frozen=True)
class Use:
    """An item's assumed use in a month.

    Attributes:
        quantity: of the resource, in the item's unit.
        a_task: of each task of the service beside that.
        assumption: in words.
    """

    item: str
    assumption: str
    quantity: float = 0
    a_task: float = 0


LOAD_BALANCER = (
    Use("load balancer capacity", "20 LCU-hours a task, about 20 GB", a_task=20),
    Use("data out", "20 GB a task: at three tasks the runbook's 5 dollars", a_task=20),
)
SERVICE = (
    Use("logs", "1 GB a task", a_task=1),
    Use("NAT gateway data", "10 GB a task, to OpenAI and Solana", a_task=10),
    Use("data between zones", "10 GB a task, billed in both directions", a_task=20),
)
# By destination and traffic. A record is about 100 bytes, and a rejected packet is a scan from the internet.
FLOW_LOGS = {
    "ALL": Use("", "1 GB, and 1 GB a task", quantity=1, a_task=1),
    "REJECT": Use("", "0.2 GB of rejected traffic", quantity=0.2),
}
DATABASE_LOGS = Use("logs", "0.2 GB an instance", quantity=0.2)
KEY = Use("key use", "10,000 requests", quantity=10_000)
REPOSITORY = Use("image storage", "3 GB a repository", quantity=3)
BUCKET = Use("object storage", "1 GB a bucket", quantity=1)
TOPIC = Use("email", "300 emails", quantity=300)
STATE_MACHINE = Use("state transition", f"{DEPLOYMENTS} deployments of 6 transitions", quantity=DEPLOYMENTS * 6)
# Of a task definition that no service runs: the migrations' of a deployment.
TASK_HOURS = DEPLOYMENTS * 3 / 60

LOG_BYTES_A_RUN = 2_000  # Lambda's own three lines, the metrics and the result
RUN_SECONDS = 1.0
# Longer ones by the end of the function's name: thread cleanup waits its grace period of two minutes.
LONG_RUN_SECONDS = {"-thread-cleanup": 125.0, "-session-cleanup": 3.0}
COST_EXPLORER_REQUESTS_A_RUN = {"-cost-report": 5}
