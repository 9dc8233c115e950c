"""`make recover` as an operator runs it, with the names of the emulated Route 53 instead of DNS's."""

import argparse
import sys
from pathlib import Path

from environment import Environment
from procedures.recover.__main__ import main
from procedures.verify.deployed import Deployed
from rehearsal.machine.emulated_names import emulated

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True, help="of the emulator")
    parser.add_argument("--ca-file", type=Path, required=True, help="authority of the site's certificate")
    own, others = parser.parse_known_args()

    def outside(chosen: Environment) -> Deployed:
        return Deployed(chosen, address=emulated(own.port), ca_file=own.ca_file)

    sys.exit(main(others, outside=outside))
