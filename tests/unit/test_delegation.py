"""Name servers of a zone, asked of a DNS server on this machine."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rrset
import pytest

from procedures.preflight import delegation
from procedures.preflight.delegation import NoDnsError, name_servers

Answer = Callable[[dns.message.Message], dns.message.Message | None]
ZONE = "pardon.example.com"


@contextmanager
def server(answer: Answer) -> Iterator[tuple[str, int]]:
    """A DNS server on loopback that answers each question once."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, client = listening.recvfrom(4096)
            if not data:
                return
            if reply := answer(dns.message.from_wire(data)):
                listening.sendto(reply.to_wire(), client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    address = listening.getsockname()
    try:
        yield address
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", address)
        thread.join()
        listening.close()


def of_zone(question: dns.message.Message) -> dns.message.Message:
    reply = dns.message.make_response(question)
    reply.answer.append(dns.rrset.from_text(f"{ZONE}.", 60, "IN", "NS", "NS-1.awsdns-1.org.", "ns-2.awsdns-2.com."))
    return reply


def refusing(code: dns.rcode.Rcode) -> Answer:
    def answer(question: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(question)
        reply.set_rcode(code)
        return reply

    return answer


def test_the_servers_are_those_that_dns_answers() -> None:
    with server(of_zone) as address:
        assert name_servers(ZONE, server=address) == {"ns-1.awsdns-1.org", "ns-2.awsdns-2.com"}


@pytest.mark.parametrize("code", [dns.rcode.NXDOMAIN, dns.rcode.NOERROR], ids=["no such name", "no such record"])
def test_a_zone_that_nobody_delegates_has_none(code: dns.rcode.Rcode) -> None:
    with server(refusing(code)) as address:
        assert name_servers(ZONE, server=address) == frozenset()


@pytest.mark.parametrize("answer", [refusing(dns.rcode.SERVFAIL), lambda _: None], ids=["fails", "is silent"])
def test_a_server_that_does_not_answer_tells_nothing(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delegation, "_SECONDS", 0.3)
    with server(answer) as address, pytest.raises(NoDnsError):
        name_servers(ZONE, server=address)
