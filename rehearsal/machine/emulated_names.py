"""Names of the emulated Route 53, as an operator's machine resolves them."""

import socket

from procedures.verify.deployed import Address
from rehearsal.emulator.services.lambda_prelude import ask


def emulated(port: int) -> Address:
    """Return a function that resolves names by the emulator on that port."""

    def address(name: str, of_name: int) -> tuple[str, int]:
        found = ask(("localhost", port), name, of_name)
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found[0], found[1]

    return address
