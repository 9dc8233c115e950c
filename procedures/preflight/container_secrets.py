"""The secrets that containers read: each holds JSON with a value. The values themselves are shown nowhere."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from application import DATABASE_SECRET
from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment


def secrets(aws: Deployment) -> Iterator[Finding]:
    """Each secret of the containers is JSON whose key holds something."""
    names = aws.environment.names
    keys = {name: "value" for one in aws.environment.containers for name in one.secrets.values()}
    if DATABASE_SECRET in keys:
        keys[DATABASE_SECRET] = "url"
    for layer, own in (("secrets", keys.keys() - {DATABASE_SECRET}), ("data", keys.keys() & {DATABASE_SECRET})):
        if own and not aws.stands(layer):
            mend = f"make deploy {aws.options} STACKS={names.stack(layer)}"
            yield _finding(f"{len(own)} of -{layer}", State.NOT_YET, "the deployment makes them", mend)
            continue
        for name in sorted(own):
            fault = _fault(aws.client("secretsmanager"), names.secret(name), keys[name])
            state = aws.unless_later("service") if fault else State.HOLDS
            is_url = name == DATABASE_SECRET
            fill = f"{aws.environment.runbook}#p4-secret-old" if is_url else f"make secret {aws.options} NAME={name}"
            yield _finding(names.secret(name), state, fault or "has a value", fill if fault else "")


def _finding(secret: str, state: State, found: str, mend: str) -> Finding:
    return Finding(area="secrets", subject=secret, state=state, found=found, mend=mend)


def _fault(client: Any, secret: str, key: str) -> str:
    try:
        text = client.get_secret_value(SecretId=secret).get("SecretString", "")
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "InvalidRequestException"):
            raise
        return "has no value that can be read"
    try:
        value = json.loads(text)
    except ValueError:
        return "is no JSON"
    if not isinstance(value, dict) or key not in value:
        return f"is JSON without the key {key!r}"
    return "" if value[key] else "is empty"
