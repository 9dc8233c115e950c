"""The state of all alarms, by severity."""

import re
from typing import Any, cast

import jsii
from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.alarms.severity import Severity
from constructs.dashboard.widgets import COLUMNS
from names import Names

TITLES = {
    **{f"p{severity}": f"P{severity}: {severity.summary}" for severity in Severity},
    "state": "States, not incidents",
}
NARROW = 3  # columns that one alarm needs
NOTIFICATION = Names.notification("")  # suffix of a composite alarm that repeats another alarm's state


@jsii.implements(cloudwatch.IWidget)
class AllAlarms:
    """One widget for each severity, with every alarm of the app: of any stack, created earlier or later.

    The alarms are looked up when the template is written, and referred to by name, so that a stack may depend
    on the dashboard's and still have its alarms here.
    """

    def __init__(self, scope: Construct, prefix: str) -> None:
        self._scope, self._prefix = scope, prefix
        stack = Stack.of(scope)
        self._arn = f"arn:{stack.partition}:cloudwatch:{stack.region}:{stack.account}:alarm:"
        self._severities: dict[str, tuple[list[str], int]] = {}

    @property
    def width(self) -> int:
        """The whole page."""
        return COLUMNS

    @property
    def height(self) -> int:
        """The title, and rows for the severity with the most of them."""
        return 1 + max((-(-len(names) * NARROW // width) for names, width in self._severities.values()), default=1)

    @property
    def warnings(self) -> list[str]:
        """None."""
        return []

    @property
    def warnings_v2(self) -> dict[str, str]:
        """None."""
        return {}

    def position(self, x: float, y: float) -> None:
        """Take the top of the page, with the alarms that exist when the template is written."""
        assert (x, y) == (0, 0), "alarms come first"  # noqa: S101
        if not self._severities:  # the body is rendered many times
            self._severities = self._look_up()

    def to_json(self) -> list[Any]:
        """The widgets in the format of the dashboard's body."""
        widgets, x, height = [], 0, self.height
        for severity, (names, width) in self._severities.items():
            widgets.append(
                {
                    "type": "alarm",
                    "width": width,
                    "height": height,
                    "x": x,
                    "y": 0,
                    "properties": {
                        "title": TITLES[severity],
                        "alarms": [self._arn + name for name in names],
                    },
                }
            )
            x += width
        return widgets

    def _look_up(self) -> dict[str, tuple[list[str], int]]:
        """Alarm names and width of each severity that has alarms; the more alarms, the wider."""
        found: dict[str, list[str]] = {severity: [] for severity in TITLES}
        for construct in self._scope.node.root.node.find_all():
            if isinstance(construct, cloudwatch.CfnAlarm | cloudwatch.CfnCompositeAlarm):
                name = cast(str, construct.alarm_name)
                match = re.fullmatch(rf"{self._prefix}-({'|'.join(TITLES)})-[a-z0-9-]+", name)
                assert match, f"{construct.node.path} is named {name!r}, must have a severity in its name"  # noqa: S101
                if not name.endswith(NOTIFICATION):
                    found[match[1]].append(name)
        groups = {severity: sorted(names) for severity, names in found.items() if names}
        columns = dict.fromkeys(groups, NARROW)
        for _ in range(COLUMNS // NARROW - len(groups)):
            longest = max(groups, key=lambda severity: len(groups[severity]) / columns[severity])
            columns[longest] += NARROW
        return {severity: (names, columns[severity]) for severity, names in groups.items()}
