"""Free ports and addresses: beside any other program, and what is taken is said with who has it."""

import socket
from contextlib import ExitStack

import pytest

from rehearsal.machine.ports import claim_addresses, free_ports, taken
from rehearsal.postgresql import binaries
from rehearsal.postgresql.binaries import PostgresUnavailableError, unprivileged
from rehearsal.stand_in.http_handlers import Settings
from rehearsal.stand_in.serve import serve


def test_free_ports_differ_and_are_free_on_all_addresses() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        with socket.create_server(("", port)):
            pass


def test_a_port_that_is_taken_on_one_address_only_is_not_free() -> None:
    """Of so many, a port that is free on another address only would nearly always be among the ones returned."""
    with ExitStack() as stack:
        held = {stack.enter_context(socket.create_server(("127.0.0.9", 0))).getsockname()[1] for _ in range(400)}
        assert not held & {port for _ in range(4) for port in free_ports(200)}


def test_two_rehearsals_have_different_addresses_and_one_that_ended_frees_its_own() -> None:
    blocks = [claim_addresses() for _ in range(20)]
    assert len({block.prefix for block in blocks}) == 20
    for block in blocks:
        assert len({*vars(block.ports).values()}) == 4
        block.release()


def test_a_port_that_is_taken_is_said_with_who_has_it() -> None:
    with socket.create_server(("", 0)) as other:
        port = other.getsockname()[1]
        assert "is taken by py" in taken("127.0.0.1", port)
        with pytest.raises(OSError, match=f"port {port} of 127.0.0.9 is taken by py"):
            serve("127.0.0.9", Settings(None, None, []), coral_port=port, web_port=0)  # type: ignore[arg-type]
    assert "another program" in taken("127.0.0.1", port)


def test_a_user_id_without_a_name_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries.os, "geteuid", lambda: 54321)  # type: ignore[attr-defined]
    with pytest.raises(PostgresUnavailableError, match="the user id 54321 has no name on this machine"):
        unprivileged()
