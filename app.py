"""The CDK application: the stacks of one environment in one region."""

import gc
import os
import sys

# The CDK's validator is WebAssembly. More threads would optimize it further than one run is worth: 0.5 s of 4.
os.environ.setdefault("NODE_OPTIONS", "--v8-pool-size=2")

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from validation import ConfigurationError


def main() -> None:
    """Build and write the cloud assembly; a bad choice or value ends with one line and exit code 1."""
    gc.disable()  # a short run: garbage collection while the CDK is imported costs 0.2 s
    app = cdk.App()
    context = app.node.try_get_context
    try:
        from config import environment  # here, because importing it checks every environment

        if account_of := context("account_of"):
            from stacks.whole_account import AccountStack

            AccountStack(app, [environment(name.strip()) for name in account_of.split(",")])
            cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
            app.synth()
            return
        chosen = environment(
            context("environment"),
            region=context("region"),
            standby=context("standby"),
            database=context("database"),
            shell_region=os.environ.get("AWS_REGION"),
            image_tag=context("image_tag"),
        )
        from stacks import add_stacks

        add_stacks(app, chosen)
        if chosen.is_protected and not chosen.alarm_emails:
            # Not as a warning of the CDK, which `cdk synth --strict` would refuse.
            print(f"{chosen.name}: nobody is told of an alarm, alarm_emails in config.py is empty", file=sys.stderr)
    except ConfigurationError as error:
        sys.exit(f"configuration: {error}")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
    app.synth()


if __name__ == "__main__":
    main()
