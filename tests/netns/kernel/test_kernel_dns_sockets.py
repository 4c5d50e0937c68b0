"""DNS sockets of a sandbox: the redirection of port 53, for UDP and TCP, and port 53 free for the container."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from kernel_lab import Lab

from weft.engine.contract.kernel import SandboxSockets
from weft.kernel import libc
from weft.model.errors import SystemFailure
from weft.plan.operations import CreateSandbox

ADDRESS = ("127.0.0.11", 53)


@contextmanager
def held(sockets: SandboxSockets) -> Iterator[tuple[socket.socket, socket.socket]]:
    assert (os.get_blocking(sockets.udp), os.get_blocking(sockets.tcp)) == (False, False)
    with socket.socket(fileno=sockets.udp) as udp, socket.socket(fileno=sockets.tcp) as tcp:
        udp.settimeout(5)
        tcp.settimeout(5)
        yield udp, tcp


def inside(lab: Lab, function: Callable[[], None]) -> None:
    """Run in a thread of its own within the sandbox s1."""
    errors: list[BaseException] = []

    def run() -> None:
        descriptor = lab.call(lambda: os.open(lab.kernel.sandbox_path("s1"), os.O_RDONLY))
        try:
            libc.setns(descriptor, libc.NEW_NETWORK)
            function()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for error in errors:
        raise error


def ask_udp(udp: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(ADDRESS)  # takes answers from port 53 only
        client.send(b"who")
        question, asker = udp.recvfrom(100)
        udp.sendto(question + b" knows", asker)
        assert client.recv(100) == b"who knows"


def ask_tcp(tcp: socket.socket) -> None:
    with socket.create_connection(ADDRESS, timeout=5) as client:
        served, _ = tcp.accept()
        with served:
            served.sendall(b"yes")
            assert client.recv(100) == b"yes"


def test_port_53_is_redirected(lab: Lab) -> None:
    lab.apply(CreateSandbox("s1"))
    with held(lab.run(lab.kernel.open_dns_sockets("s1"))) as (udp, tcp):
        inside(lab, lambda: ask_udp(udp))
        inside(lab, lambda: ask_tcp(tcp))
    assert lab.tables("s1") == {"weft_dns"}
    assert lab.tables() == set()


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1"])
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_container_may_bind_port_53_itself(lab: Lab, address: str, kind: int) -> None:
    lab.apply(CreateSandbox("s1"))
    with held(lab.run(lab.kernel.open_dns_sockets("s1"))) as (udp, _):

        def bind() -> None:
            with socket.socket(socket.AF_INET, kind) as own:
                own.bind((address, 53))
                ask_udp(udp)

        inside(lab, bind)


def test_sockets_are_opened_anew(lab: Lab) -> None:
    lab.apply(CreateSandbox("s1"))
    for _ in range(2):
        with held(lab.run(lab.kernel.open_dns_sockets("s1"))) as (udp, tcp):
            inside(lab, lambda udp=udp: ask_udp(udp))
            inside(lab, lambda tcp=tcp: ask_tcp(tcp))


def test_missing_sandbox_is_named(lab: Lab) -> None:
    with pytest.raises(SystemFailure, match="open DNS sockets in sandbox s9"):
        lab.run(lab.kernel.open_dns_sockets("s9"))
