"""The report of a rehearsal: lines, tables, colours on terminals only, and the facts as JSON."""

import io
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal.report import summary
from rehearsal.report.facts import CheckRun, Delivery, NotHeldError, Placeholder, Report, Resource, Step

DELIVERED = Delivery(
    "pardon-rehearsal-p1-no-running-task", "alarm", "P1", "us-east-1", "delivered", 12.3, "no task runs, for 3 minutes."
)
LOST = Delivery("pardon-rehearsal-p4-aws-health-notification", "event", "P4", "us-east-1", "not delivered", 30000, "")
CLEANED = CheckRun("session_cleanup", "us-east-1", "rate(15 minutes)", "ended 10 sessions", 1.5, {"sessions_ended": 10})


def make_report(tmp_path: Path, *, is_terminal: bool = False, width: int = 120) -> tuple[Report, io.StringIO]:
    output = io.StringIO()
    console = Console(file=output, force_terminal=is_terminal, width=width, highlight=False)
    return Report(console, tmp_path / "build" / "rehearsal.json", ["us-east-1"]), output


def test_a_step_has_a_line_with_its_time_and_detail(tmp_path: Path) -> None:
    report, output = make_report(tmp_path)
    with report.step("cdk bootstrap") as step:
        step.detail = "one [account]"
    line = output.getvalue()
    assert "cdk bootstrap" in line
    assert " s  one [account]" in line
    assert report.steps[0].result == "passed"


def test_a_step_that_fails_is_printed_and_recorded(tmp_path: Path) -> None:
    report, output = make_report(tmp_path)
    with pytest.raises(NotHeldError, match="stacks left, in us-east-1: two"), report.step("cdk destroy"):
        report.expect(False, "us-east-1", "stacks left", "two")
    assert "✗ cdk destroy" in output.getvalue()
    assert (report.steps[0].result, report.checks[0].result) == ("failed", "not held")


def test_ctrl_c_is_no_failure_of_the_step(tmp_path: Path) -> None:
    report, _ = make_report(tmp_path)
    with pytest.raises(KeyboardInterrupt), report.step("cdk deploy"):
        raise KeyboardInterrupt
    assert report.steps[0].result == "interrupted"


def test_the_facts_are_json_even_of_a_failed_run(tmp_path: Path) -> None:
    report, _ = make_report(tmp_path)
    report.resources += [Resource("us-east-1", "a", "AWS::SNS::Topic"), Resource("us-east-1", "b", "AWS::SNS::Topic")]
    report.placeholders.append(Placeholder("us-east-1", "a", "AWS::SSM::Document", "Restart"))
    report.deliveries.append(DELIVERED)
    report.runs.append(CLEANED)
    report.expect(True, "us-east-1", "aws ecs list-tasks", "3 tasks")
    report.error = "PostgreSQL was killed by SIGKILL"
    report.write()
    facts = json.loads(report.file.read_text())
    assert facts["result"] == "failed"
    assert facts["error"] == "PostgreSQL was killed by SIGKILL"
    assert facts["resources"] == {"AWS::SNS::Topic": 2}
    assert facts["placeholders"][0]["logical_id"] == "Restart"
    assert facts["checks"] == [
        {"name": "aws ecs list-tasks", "region": "us-east-1", "result": "held", "seen": "3 tasks"}
    ]
    assert facts["deliveries"] == [{**asdict(DELIVERED), "next": []}]
    assert facts["runs"][0]["result"] == {"sessions_ended": 10}
    assert list(report.file.parent.iterdir()) == [report.file]


def test_the_summary_names_placeholders_runs_and_checks(tmp_path: Path) -> None:
    report, output = make_report(tmp_path)
    report.resources.append(Resource("us-east-1", "pardon-rehearsal-network", "AWS::EC2::VPC"))
    report.placeholders.append(Placeholder("us-east-1", "pardon-rehearsal-service", "AWS::SSM::Document", "Restart"))
    report.runs.append(CLEANED)
    report.deliveries += [LOST, DELIVERED]
    report.expect(True, "us-east-1", "aws ecs list-tasks", "3 tasks")
    summary.print_all(report)
    for text in ("pardon-rehearsal-network", "pardon-rehearsal-service/Restart", "aws ecs list-tasks", "3 tasks"):
        assert text in output.getvalue()
    words = " ".join(output.getvalue().split())
    assert "session_cleanup rate(15 minutes) ended 10 sessions 1.5" in words
    assert "P1 no-running-task (alarm) 12 no task runs, for 3 minutes." in words
    assert "P4 aws-health-notification (event) not delivered" in words


def test_colours_are_for_terminals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for is_terminal in (True, False):
        report, output = make_report(tmp_path, is_terminal=is_terminal)
        report._print_step(_ended())
        assert ("\x1b[32m" in output.getvalue()) == is_terminal


def test_no_color_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    report, output = make_report(tmp_path, is_terminal=True)
    report._print_step(_ended())
    assert "\x1b[32m" not in output.getvalue()


def _ended() -> Step:
    return Step("cdk synth", "passed", 1.5, "7 stacks")
