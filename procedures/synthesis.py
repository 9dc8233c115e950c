"""Templates of an environment, made without the CDK CLI."""

import json
from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk

from environment import Environment
from stacks import add_stacks

_CONTEXT = Path(__file__).parents[1] / "cdk.json"


def synthesize(chosen: Environment, folder: Path) -> None:
    """Write the cloud assembly of `chosen` into `folder`, and that of its standby, if any, into `standby` in it."""
    context = json.loads(_CONTEXT.read_text())["context"]
    app = cdk.App(context=context, outdir=str(folder))
    add_stacks(app, chosen)
    app.synth()
    if chosen.copies_backups:
        app = cdk.App(context=context, outdir=str(folder / "standby"))
        add_stacks(app, replace(chosen, region=chosen.recovery_region, is_standby=True))
        app.synth()
