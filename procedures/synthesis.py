"""Templates of an environment, made without the CDK CLI."""

import json
from pathlib import Path

import aws_cdk as cdk

from environment import Environment
from stacks import add_stacks

_CONTEXT = Path(__file__).parents[1] / "cdk.json"


def synthesize(chosen: Environment, folder: Path) -> None:
    """Write the cloud assembly of `chosen` into `folder`."""
    app = cdk.App(context=json.loads(_CONTEXT.read_text())["context"], outdir=str(folder))
    add_stacks(app, chosen)
    app.synth()
