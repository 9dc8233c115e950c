"""The rehearsal: deploys the whole application to an AWS on this machine and exercises everything.

`story` has the sequence of `steps`. They use `emulator` (the emulated AWS), `postgresql`, `stand_in` (for the
application), `machine` (processes and addresses) and `report`.
"""

from pathlib import Path

ROOT = Path(__file__).parent.parent  # the project's folder
