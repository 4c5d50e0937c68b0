"""Upstreams are asked from the namespace they belong to; and a namespace is free to end once its sandbox is closed."""

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dnslib import RCODE, RR, DNSRecord

from weft.daemon.names import DnsProcess
from weft.engine.contract.kernel import SandboxSockets
from weft.engine.contract.names import SandboxView
from weft.kernel.namespace import Home


class Namespace:
    """A throw-away network namespace with loopback up, held by a file descriptor."""

    def __init__(self) -> None:
        line = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && read _"]
        self._holder = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"
        self.path = f"/proc/{self._holder.pid}/ns/net"
        self.descriptor = os.open(self.path, os.O_RDONLY)

    def socket(self, kind: int) -> socket.socket:
        """Return a socket inside; the visit happens in a thread of its own."""
        made: list[socket.socket] = []

        def visit() -> None:
            home = Home()
            made.append(home.socket_in(self.descriptor, socket.AF_INET, kind))
            home.close()

        thread = threading.Thread(target=visit)
        thread.start()
        thread.join()
        return made[0]

    def close(self) -> None:
        os.close(self.descriptor)
        self._holder.communicate(b"\n")


@pytest.fixture
def sandbox() -> Iterator[Namespace]:
    namespace = Namespace()
    yield namespace
    namespace.close()


@contextmanager
def answering(sock: socket.socket, address: str) -> Iterator[None]:
    """Answer every query on a bound UDP socket with that address."""

    def serve() -> None:
        while packet := sock.recvfrom(4096):
            if not packet[0]:
                return
            reply = DNSRecord.parse(packet[0]).reply()
            reply.add_answer(*RR.fromZone(f"example.com 60 A {address}"))
            sock.sendto(reply.pack(), packet[1])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        sock.sendto(b"", sock.getsockname())
        thread.join()
        sock.close()


async def ask(client: socket.socket, port: int) -> DNSRecord:
    loop = asyncio.get_running_loop()
    with client:
        client.setblocking(False)
        await loop.sock_sendto(client, bytes(DNSRecord.question("example.com").pack()), ("127.0.0.11", port))
        async with asyncio.timeout(30):
            return DNSRecord.parse(await loop.sock_recv(client, 65535))


def dns_sockets(namespace: Namespace) -> SandboxSockets:
    udp, tcp = namespace.socket(socket.SOCK_DGRAM), namespace.socket(socket.SOCK_STREAM)
    udp.bind(("127.0.0.11", 0))
    tcp.bind(("127.0.0.11", 0))
    tcp.listen()
    ports = udp.getsockname()[1], tcp.getsockname()[1]
    return SandboxSockets(udp.detach(), tcp.detach(), *ports)


def sockets_of(process: int) -> int:
    """Return how many sockets a process has open."""
    return sum(os.readlink(entry).startswith("socket:") for entry in Path(f"/proc/{process}/fd").iterdir())


async def test_servers_of_the_user_are_asked_inside_and_those_of_the_host_outside(
    sandbox: Namespace, tmp_path: Path
) -> None:
    async def nothing() -> None:
        """Hand over nothing."""

    inside = sandbox.socket(socket.SOCK_DGRAM)
    inside.bind(("127.0.0.1", 53))
    names = DnsProcess(str(tmp_path), nothing, log_path=str(tmp_path / "log"))
    with answering(inside, "192.0.2.1"):
        await names.start()
        try:
            opened = dns_sockets(sandbox)
            await names.open("s1", opened, sandbox.path, SandboxView(networks=(), sandbox_upstreams=("127.0.0.1",)))
            found = await ask(sandbox.socket(socket.SOCK_DGRAM), opened.udp_port)
            assert str(found.rr[0].rdata) == "192.0.2.1"
            # The same address as a server of the host's is another machine's port, where nobody answers.
            await names.update("s1", SandboxView(networks=(), host_upstreams=("127.0.0.77",)))
            found = await ask(sandbox.socket(socket.SOCK_DGRAM), opened.udp_port)
            assert found.header.rcode == RCODE.SERVFAIL
            await names.update(
                "s1",
                SandboxView(
                    networks=(), host_upstreams=("127.0.0.77",), sandbox_upstreams=("127.0.0.1",), internal=True
                ),
            )
            found = await ask(sandbox.socket(socket.SOCK_DGRAM), opened.udp_port)
            assert str(found.rr[0].rdata) == "192.0.2.1"
        finally:
            await names.end()


async def test_a_closed_sandbox_is_held_by_nothing_of_ours(sandbox: Namespace, tmp_path: Path) -> None:
    async def nothing() -> None:
        """Hand over nothing."""

    names = DnsProcess(str(tmp_path), nothing, log_path=str(tmp_path / "log"))
    silent = sandbox.socket(socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 53))
    await names.start()
    with silent:
        try:
            assert names._link is not None
            process = names._link.peer()
            before = sockets_of(process)
            opened = dns_sockets(sandbox)
            await names.open("s1", opened, sandbox.path, SandboxView(networks=(), sandbox_upstreams=("127.0.0.1",)))
            loop = asyncio.get_running_loop()
            with sandbox.socket(socket.SOCK_DGRAM) as client:
                client.setblocking(False)
                await loop.sock_sendto(client, DNSRecord.question("a.b").pack(), ("127.0.0.11", opened.udp_port))
                silent.setblocking(False)
                await loop.sock_recv(silent, 4096)  # the forwarded query: a socket inside is open now
            assert sockets_of(process) == before + 3
            await names.close("s1")
            assert sockets_of(process) == before
        finally:
            await names.end()
