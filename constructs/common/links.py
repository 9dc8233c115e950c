"""URLs for the dashboard and the emails: the runbook's sections, and the consoles of one region."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from names import Names


@dataclass(frozen=True)
class Links:
    """URLs about one environment in one region.

    Attributes:
        runbook_url: of docs/runbook.md, without anchor; None: its sections are named without a link.
    """

    region: str
    names: Names
    runbook_url: str | None

    def runbook(self, *titles: str) -> dict[str, str | None]:
        """Sections of the runbook by title, with the anchors that GitHub gives them; None: the runbook has no URL."""
        return {title: f"{self.runbook_url}#{anchor(title)}" if self.runbook_url else None for title in titles}

    @property
    def service(self) -> str:
        """The ECS service with its deployments."""
        page = f"clusters/{self.names.cluster}/services/{self.names.service}/health"
        return f"{self._home('ecs/v2')}/{page}?region={self.region}"

    @property
    def load_balancer(self) -> str:
        """The load balancer with its target group."""
        return f"{self._home('ec2/home')}?region={self.region}#LoadBalancers:search={self.names.load_balancer}"

    @property
    def database(self) -> str:
        """The database, with its monitoring and its log."""
        return f"{self._home('rds/home')}?region={self.region}#database:id={self.names.database};is-cluster=false"

    @property
    def checks(self) -> str:
        """The checks' functions."""
        return f"{self._home('lambda/home')}?region={self.region}#/functions?fo=and&o0=%3A&v0={self.names.prefix}"

    @property
    def schedules(self) -> str:
        """The checks' schedules."""
        return f"{self._home('scheduler/home')}?region={self.region}#schedules"

    @property
    def costs(self) -> str:
        """Cost Explorer, which has no region."""
        return "https://console.aws.amazon.com/costmanagement/home#/cost-explorer"

    @property
    def health(self) -> str:
        """AWS Health, which has no region."""
        return "https://health.aws.amazon.com/health/home#/account/dashboard/open-issues"

    @property
    def backups(self) -> str:
        """The jobs of AWS Backup."""
        return f"{self._home('backup/home')}?region={self.region}#/jobs"

    def execution(self, arn: str) -> str:
        """An execution of a state machine, with its states."""
        return f"{self._home('states/home')}?region={self.region}#/v2/executions/details/{arn}"

    @property
    def secrets(self) -> str:
        """The environment's secrets."""
        search = quote(self.names.secret(""), safe="")
        return f"{self._home('secretsmanager/listsecrets')}?region={self.region}&search=all={search}"

    def finding(self, finding: str) -> str:
        """A finding of GuardDuty."""
        return f"{self._home('guardduty/home')}?region={self.region}#/findings?search=id%3D{finding}"

    @property
    def alarms(self) -> str:
        """All alarms of the region."""
        return self.cloudwatch("alarmsV2:")

    @property
    def logs_insights(self) -> str:
        """CloudWatch Logs Insights."""
        return self.cloudwatch("logsV2:logs-insights")

    def function(self, check: str) -> str:
        """The function of one check."""
        return f"{self._home('lambda/home')}?region={self.region}#/functions/{self.names.check(check)}?tab=monitoring"

    def cloudwatch(self, page: str) -> str:
        """A page of CloudWatch's console."""
        return f"{self._home('cloudwatch/home')}?region={self.region}#{page}"

    def log_group(self, name: str) -> str:
        """A log group; the console wants its name encoded twice, with $ for %."""
        return self.cloudwatch("logsV2:log-groups/log-group/" + quote(quote(name, safe=""), safe="").replace("%", "$"))

    def _home(self, service: str) -> str:
        return f"https://{self.region}.console.aws.amazon.com/{service}"


def anchor(title: str) -> str:
    """The anchor of a section, as GitHub makes it from the title."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
