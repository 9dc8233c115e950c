"""The runbook has a section for each alarm, with the thresholds and the commands of the code."""

import re
from functools import cache
from typing import Any

import pytest

from config import environment
from names import CHECKS
from procedures.verify.arns import Arns, Chosen
from procedures.verify.call import NETWORK_INTERFACES
from procedures.verify.calls import calls
from tests.infra.alarms import alarms, composites
from tests.infra.conftest import ROOT, Deployment
from tests.infra.published import published_by
from tests.infra.test_events import FIELD, lines, rules

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
# The user's own titles, above the alarms' sections.
TITLES = (
    "# Operations Runbook - Pardon Simulator",
    "## Incident Response",
    "### Incident Severity Levels",
    "### P1: Complete Service Outage",
    "### P2: High Error Rate",
    "### P3: High Latency",
    "### P4: Unhealthy Pool",
    "## Monitoring",
    "### Setting Up Alerts",
)


def _anchor(title: str) -> str:
    """The anchor that a heading gets where Markdown is shown: GitHub's rule, which others share."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@cache
def _sections() -> dict[str, str]:
    """Text below each heading, up to the next one, by anchor."""
    parts = re.split(r"^(#+ .+)$", re.sub(r"^# (?!Operations)", "", RUNBOOK, flags=re.MULTILINE), flags=re.MULTILINE)
    anchors = [_anchor(title.lstrip("# ")) for title in parts[1::2]]
    assert len(set(anchors)) == len(anchors), "no two sections have one anchor"
    return dict(zip(anchors, parts[2::2], strict=True))


def _section(anchor: str) -> str:
    assert anchor in _sections(), f"docs/runbook.md must have a section {anchor}"
    return _sections()[anchor]


def _require(anchor: str, line: str) -> None:
    assert line in _section(anchor).splitlines(), f"docs/runbook.md, section {anchor}, must have the line: {line}"


def fires_when(alarm: dict[str, Any]) -> str:
    """When an alarm fires, in the runbook's words."""
    if "Metrics" in alarm:
        (formula,) = (query for query in alarm["Metrics"] if query.get("ReturnData", True))
        period = next(query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query)
        what = f'"{formula["Label"]}"'
    else:
        statistic, period = alarm.get("Statistic") or alarm["ExtendedStatistic"], alarm["Period"]
        what = f"`{alarm['MetricName']}` ({statistic})"
    side = "above" if alarm["ComparisonOperator"] == "GreaterThanThreshold" else "below"
    unit, seconds = next((u, s) for u, s in (("day", 86400), ("hour", 3600), ("minute", 60)) if period % s == 0)
    length = f"{period // seconds} {unit}{'s' if period > seconds else ''}"
    needed, periods = alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]
    how_often = f"in {needed} of {periods} periods of {length}" if periods > 1 else f"over {length}"
    missing_data = "breaching" if alarm["TreatMissingData"] == "breaching" else "not breaching"
    return f"{what} is {side} {alarm['Threshold']:,} {how_often}; missing data is {missing_data}"


def commands(alarm: dict[str, Any], region: str) -> list[str]:
    """The commands of an alarm's email, for the home region."""
    return _at_home(alarm["AlarmDescription"].split("\n\n")[1].removeprefix("Next:\n").splitlines(), region)


def _at_home(steps: list[str], region: str) -> list[str]:
    """Those steps that are commands, without the region."""
    return [
        step.replace(f" --region {region}", "").replace(f" REGION={region}", "")
        for step in steps
        if step.startswith(("aws ", "make ", "read "))
    ]


def _checks(production: Deployment) -> dict[str, dict[str, dict[str, Any]]]:
    """Alarms of each check, by kind."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, alarm in alarms(production).items():
        match = re.fullmatch(r"pardon-production-p4-(.+)-(failed|not-running)", name)
        if match and alarm["AlarmDescription"].endswith(f"#p4-check-{match[2]}"):
            found.setdefault(match[1], {})[match[2]] = alarm
    return found


@pytest.mark.parametrize("title", TITLES)
def test_titles_are_the_users(title: str) -> None:
    assert f"\n{title}\n" in f"\n{RUNBOOK}"


def test_every_link_of_an_alarm_leads_to_a_section(deployment: Deployment) -> None:
    for name, alarm in {**alarms(deployment), **composites(deployment)}.items():
        if "-state-" not in name:
            link = alarm["AlarmDescription"].rpartition("Runbook: ")[2]
            assert link.startswith(f"{deployment.environment.runbook}#")
            assert _section(link.partition("#")[2]), name


def test_every_section_of_an_alarm_has_one(production: Deployment) -> None:
    linked = {
        alarm["AlarmDescription"].rpartition("#")[2]
        for alarm in [*alarms(production).values(), *composites(production).values()]
    } | rules(production).keys()
    assert {anchor for anchor in _sections() if re.match(r"p\d-", anchor)} - linked == {
        "p2-high-error-rate",
        "p3-high-latency",
        "p4-unhealthy-pool",
    }


def test_thresholds_are_the_codes(production: Deployment) -> None:
    of_checks = {alarm["AlarmName"] for kinds in _checks(production).values() for alarm in kinds.values()}
    for name, alarm in alarms(production).items():
        if "-state-" not in name and name not in of_checks:
            _require(name.removeprefix("pardon-production-"), f"Fires when {fires_when(alarm)}.")
    for check, kinds in _checks(production).items():
        row = f"| `{check.replace('-', '_')}` | {fires_when(kinds['failed'])} | {fires_when(kinds['not-running'])} |"
        _require("alarms-of-the-checks", row)


def test_commands_of_the_email_are_in_its_section(production: Deployment) -> None:
    check = re.compile("|".join(name.replace("-", "[-_]") for name in _checks(production)))
    for name, alarm in {**alarms(production), **composites(production)}.items():
        if "-state-" not in name:
            anchor = alarm["AlarmDescription"].rpartition("#")[2]
            for command in commands(alarm, production.environment.region):
                shown = check.sub("NAME", command) if anchor.startswith("p4-check-") else command
                _require(anchor, shown)


def test_sections_of_events_name_what_the_rules_match(production: Deployment) -> None:
    for name, rule in rules(production).items():
        sent = re.search(r"^Sent when .+?\.$", _section(name), re.MULTILINE | re.DOTALL)
        assert sent, f"docs/runbook.md, section {name}, must have a sentence that begins with: Sent when"
        waits_for = {str(value) for value in _values(rule["EventPattern"]["detail"])}
        if rule["EventPattern"]["source"] == ["aws.backup"]:
            waits_for |= set(rule["EventPattern"]["detail-type"])
        named = set(re.findall(r"`([^`]+)`", sent[0])) | set(re.findall(r"(?:severity|below) (\d+)", sent[0]))
        names = {text for text in named if text.startswith(("pardon-production", "p2-"))}
        assert named - names == waits_for, f"docs/runbook.md, section {name}: Sent when must name the pattern's values"


def _values(pattern: Any) -> list[Any]:
    """The values that a pattern compares with, without names of resources and regions and AWS's list of services."""
    if isinstance(pattern, dict):
        left_out = (
            "anything-but",
            "suffix",
            "wildcard",
            "eventRegion",
            "eventScopeCode",
            "service",
            "SourceIdentifier",
        )
        return [value for key, one in pattern.items() if key not in left_out for value in _values(one)]
    if isinstance(pattern, list):
        return [value for one in pattern for value in _values(one)]
    return [] if pattern in ("<", ">=") else [pattern]


def test_commands_of_events_are_in_their_sections(production: Deployment) -> None:
    for name, rule in rules(production).items():
        steps = "\n".join(lines(rule)).partition("\nNext:\n")[2].splitlines()
        for command in _at_home(steps, production.environment.region):
            _require(name, FIELD.sub(_name, command))


def _name(field: re.Match[str]) -> str:
    """The field `detail-taskArn` as the runbook writes it: TASK_ARN."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field[1].rpartition("-")[2]).upper()


def test_every_section_of_an_alarm_answers_an_operators_questions() -> None:
    for anchor, text in _sections().items():
        if re.match(r"p\d-", anchor) and "**Means:**" in text:
            for question in ("Means", "Users notice", "Automatic", "Escalate"):
                assert f"- **{question}:** " in text, f"docs/runbook.md, section {anchor}, must have: {question}"
        elif re.match(r"p\d-", anchor):
            titles = {_anchor(title.lstrip("# ")) for title in TITLES}
            assert anchor in titles, f"docs/runbook.md, section {anchor}, must have: Means"


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_has_its_row_and_its_section(check: str) -> None:
    """What it may call is in the row, its metrics are in the section."""
    section = _section(check)
    rows = [line for line in _section("scheduled-checks").splitlines() if line.startswith(f"| `{check}` |")]
    assert len(rows) == 1, f"docs/runbook.md must have one row of {check} under Scheduled Checks"
    own = {one.action for one in calls(Arns(environment("production"), Chosen()))[check]} - set(NETWORK_INTERFACES)
    actions = {action for action in own if not action.startswith(("kms:", "logs:", "sqs:"))}
    assert set(re.findall(r"`([a-z0-9-]+:[A-Za-z-]+)`", rows[0])) == actions
    metrics = {name for _, _, names in published_by(check) for name in names}
    missing = {name for name in metrics if f"`{name}`" not in section}
    assert not missing, f"the section {check} of docs/runbook.md must name its metrics"


def test_names_are_productions(production: Deployment) -> None:
    """Every command names deployed resources only."""
    names = set(re.findall(r"pardon-production-[a-z0-9-]+[a-z0-9]", RUNBOOK))
    template = str(production.templates)
    stacks = {f"pardon-production-{layer}" for layer in production.templates}
    unknown = {name for name in names - stacks if name not in template}
    assert not unknown
