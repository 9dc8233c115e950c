"""Whether the event rules match the events that AWS's services send, by samples from their documentation."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from names import CHECKS
from procedures.findings import Finding, State
from procedures.verify.deployed import Deployed
from procedures.verify.event_samples import TIME, Event, of_a_restore, of_a_stack, samples

_ID = "7bf73129-1428-4cd3-a780-95db273d1602"


def rules(aws: Deployed) -> Iterator[Finding]:
    """Each rule matches the sample of its event and no other; each sample has its rule."""
    deployed = _patterns(aws)
    expected = expected_events(aws)
    for name in sorted(expected.keys() | deployed.keys()):
        yield _rule(aws, name, deployed.get(name), expected)


def expected_events(aws: Deployed) -> dict[str, Event]:
    """A sample for each rule, by the rule's whole name."""
    environment, names = aws.environment, aws.names
    of_services = samples(
        names.prefix, environment.account, environment.region, task=aws.arns.task, secret=aws.arns.secret("cron-secret")
    )
    of_stack = of_a_stack(aws.arns.stack("operations"))
    restored = of_a_restore(aws.arns.restore_testing_plan, aws.arns.database)
    return {
        **({f"{names.restore_test}-restored": restored} if environment.copies_backups else {}),
        **{f"{names.prefix}-{name}": event for name, event in of_services.items()},
        **{f"{names.check(check)}-event": of_stack for check in CHECKS},
    }


def _patterns(aws: Deployed) -> dict[str, Mapping[str, Any]]:
    pages = aws.client("events").get_paginator("list_rules").paginate(NamePrefix=f"{aws.names.prefix}-")
    return {one["Name"]: one for page in pages for one in page["Rules"] if "EventPattern" in one}


def _rule(aws: Deployed, name: str, rule: Mapping[str, Any] | None, expected: Mapping[str, Event]) -> Finding:
    subject = name.removeprefix(f"{aws.names.prefix}-")
    compare = aws.compare("operations" if name.endswith(("-event", "-restored")) else "monitoring")
    if rule is None:
        return _finding(subject, State.FAILS, "there is no such rule", compare)
    if name not in expected:
        mend = "Add one to procedures/verify/event_samples.py, or delete the rule"
        return _finding(subject, State.FAILS, "there is no sample of its event", mend)
    if rule["State"] != "ENABLED":
        return _finding(subject, State.FAILS, "is disabled", aws.cli(f"events enable-rule --name {name}"))
    if not _matches(aws, rule, expected[name]):
        return _finding(subject, State.FAILS, "does not match the sample of its event", compare)
    # Rules of notifications; every check has the same event.
    others = [one for one in expected if one != name and re.search(r"-p\d-", one) and re.search(r"-p\d-", name)]
    same = [one for one in others if expected[one].source == expected[name].source]
    also = [one for one in same if _matches(aws, rule, expected[one])]
    if also:
        return _finding(subject, State.FAILS, f"also matches the event of {', '.join(also)}", compare)
    return _finding(subject, State.HOLDS, "matches the sample of its event")


def _matches(aws: Deployed, rule: Mapping[str, Any], event: Event) -> bool:
    body = {
        "id": _ID,
        "version": "0",
        "account": aws.environment.account,
        "time": TIME,
        "region": aws.environment.region,
        "source": event.source,
        "detail-type": event.detail_type,
        "resources": event.resources,
        "detail": event.detail,
    }
    client = aws.client("events")
    answer = client.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(body))
    return bool(answer["Result"])


def _finding(subject: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="event rules", subject=subject, state=state, found=found, mend=mend)
