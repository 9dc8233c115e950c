"""Run the deployed check `containers` on its schedule: every container runs; one that does not is named in an email."""

import json
from collections import Counter

from config import REHEARSAL
from rehearsal.emulator.services.ecs_container_states import AGE_TAG
from rehearsal.report.facts import CheckRun
from rehearsal.run import ACCOUNT, NAMES, Region, Run
from rehearsal.stand_in.refusals import PROMPTS, prompt_key
from rehearsal.steps.fire_schedule import expect_metrics, fire
from rehearsal.steps.inbox import Email, Inbox
from rehearsal.steps.set_up_application import configuration_bucket, upload_prompts

_NOTIFICATION = NAMES.notification(NAMES.alarm(3, "container-missing"))


def prove(run: Run, region: Region) -> list[CheckRun]:
    """Take a prompt away and give it back: the check must name every agent of every task, only in between."""
    _let_tasks_be_old(run, region)
    _expect_all_running(run, region)
    first = fire(run, region, "containers")
    result = first.result
    did = f"{result['running_tasks']} of {result['desired_tasks']} tasks, {result['deployments']} deployment"
    name = "containers finds every container of every task running"
    run.report.expect(result["state"] == "all_running" and not result["missing"], region.name, name, did)

    inbox = Inbox(run, region)
    bucket, key = configuration_bucket(run, region), prompt_key(PROMPTS[0])
    run.client("s3", region).delete_object(Bucket=bucket, Key=key)
    broken = fire(run, region, "containers")
    emails = inbox.wait(_is_about_the_alarm)
    named = Counter(one["container"] for one in broken.result["missing"])
    agents = {one.name for one in REHEARSAL.containers if one.name.startswith("agent-")}
    is_so = named == dict.fromkeys(agents, len(region.hosts))
    seen = f"{sum(named.values())} containers: {', '.join(sorted(named))}"
    run.report.expect(is_so, region.name, "containers names those of every task that do not run", seen)
    reason = str(json.loads(emails[0].message)["NewStateReason"]) if emails else "no email"
    is_told = all(f"{name} in {len(region.hosts)} tasks" in reason for name in agents) and "aws logs" in reason
    run.report.expect(is_told, region.name, "the email's reason names them, and the command for their log", reason)
    expect_metrics(
        run, region, broken, {("MissingContainers", ""): len(broken.result["missing"]), ("Deployments", ""): 1}
    )

    upload_prompts(run, region)
    last = fire(run, region, "containers")
    run.report.expect(
        last.result["state"] == "all_running", region.name, "they are no longer missing when the prompt is back", "none"
    )
    # CloudWatch does so when the metric's alarm is OK again, which the emulator does not evaluate.
    run.client("cloudwatch", region).set_alarm_state(
        AlarmName=_NOTIFICATION, StateValue="OK", StateReason="none missing"
    )
    return [first.reported(region, did), broken.reported(region, seen), last.reported(region, "none is missing")]


def _let_tasks_be_old(run: Run, region: Region) -> None:
    service = f"arn:aws:ecs:{region.name}:{ACCOUNT}:service/{NAMES.cluster}/{NAMES.service}"
    run.client("ecs", region).tag_resource(resourceArn=service, tags=[{"key": AGE_TAG, "value": "10"}])


def _expect_all_running(run: Run, region: Region) -> None:
    """What ECS shows, independently of the check."""
    client = run.client("ecs", region)
    arns = client.list_tasks(cluster=NAMES.cluster, serviceName=NAMES.service)["taskArns"]
    tasks = client.describe_tasks(cluster=NAMES.cluster, tasks=arns)["tasks"]
    states = Counter((one["lastStatus"], one["healthStatus"]) for task in tasks for one in task["containers"])
    expected = {("RUNNING", "HEALTHY"): len(REHEARSAL.containers) * len(region.hosts)}
    seen = ", ".join(f"{count} {' and '.join(state)}" for state, count in states.items())
    run.report.expect(states == expected, region.name, "every container of every task has come up", seen)


def _is_about_the_alarm(email: Email) -> bool:
    return email.subject.startswith(f'ALARM: "{_NOTIFICATION}"')
