"""The CDK application of the rehearsal's environment with changes: `-c changes=protected`, or `unprotected`."""

from dataclasses import replace

import aws_cdk as cdk

import config
from app import main

if __name__ == "__main__":
    changes = str(cdk.App().node.get_context("changes")).split(",")
    config.ENVIRONMENTS["rehearsal"] = replace(config.REHEARSAL, is_protected="protected" in changes)
    main()
