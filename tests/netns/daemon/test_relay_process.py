"""The daemon's side of weft-relay against the real process: bytes, ends, resets, datagrams, crashes, take-overs."""

import asyncio
import os
import signal
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest

from weft.daemon.relay import RelayProcess
from weft.engine.contract.relay import RelayedPort
from weft.firewall.sets import BOUND_RELAYED, RELAY
from weft.firewall.table import base_ruleset
from weft.kernel import libc
from weft.model.errors import SystemFailure
from weft.model.exposure import parse_exposure
from weft.model.port import Protocol

LOOPBACK = IPv6Address("::1")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET6, kind) as sock:
        sock.bind(("::1", 0))
        return int(sock.getsockname()[1])


def relayed(host_port: int, port: int, protocol: Protocol = Protocol.TCP, **more: Any) -> RelayedPort:
    return RelayedPort(protocol, LOOPBACK, host_port, ip_address("127.0.0.1"), port, **more)


def nft(text: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


@pytest.fixture(autouse=True)
def network() -> Iterator[None]:
    """A network namespace of the test's own, with Weft's table: the kernel redirects to the process."""
    with open("/proc/thread-self/ns/net", "rb") as home:
        libc.unshare(libc.NEW_NETWORK)
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            nft(f"table inet weft {{\n{base_ruleset()}\n}}\n")
            yield
        finally:
            libc.setns(home.fileno(), libc.NEW_NETWORK)


async def carry(relay: RelayProcess, *ports: RelayedPort) -> None:
    """Have the relay carry these ports, and the firewall redirect them."""
    await relay.settle("one", ports)
    await relay.settled("one")
    commands = [f"flush set inet weft {BOUND_RELAYED}", f"flush map inet weft {RELAY}"]
    if relay.port:
        commands.append(f"add element inet weft {RELAY} {{ tcp : {relay.port} }}")
    for port in ports:
        if port.protocol is Protocol.TCP:
            commands.append(f"add element inet weft {BOUND_RELAYED} {{ {port.host_address} . tcp . {port.host_port} }}")
    nft("\n".join(commands))


Make = Callable[..., Awaitable[RelayProcess]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[RelayProcess] = []

    async def relay(ports: dict[str, tuple[RelayedPort, ...]] | None = None, *, enabled: bool = True) -> RelayProcess:
        one = RelayProcess(str(tmp_path), enabled=enabled, log_path=str(tmp_path / "relay.log"))
        await one.restore(ports or {})
        made.append(one)
        return one

    yield relay
    for one in made:
        await one.stop()
    await made[-1]._process.end()


class Server:
    """Answers upper case, and keeps what connections sent until their end."""

    def __init__(self) -> None:
        self.ended: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = b""
        try:
            while data := await reader.read(65536):
                got += data
                writer.write(data.upper())
                await writer.drain()
            writer.write(b" END")
        except ConnectionError:
            got = b"reset"
        self.ended.append(got)
        writer.close()


def process_id(directory: Path) -> int:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(directory / "relay.sock"))
        return int(struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.01)


async def talk(port: int, data: bytes = b"hello") -> bytes:
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("::1", port)
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer


async def test_a_connection_and_its_half_closed_end(make: Make) -> None:
    relay, port = await make(), free_port()
    async with Server() as server:
        await carry(relay, relayed(port, server.port))
        assert await talk(port) == b"HELLO END"
        assert server.ended == [b"hello"]


async def test_many_megabytes_both_ways(make: Make) -> None:
    relay, port = await make(), free_port()
    async with Server() as server:
        await carry(relay, relayed(port, server.port))
        data = os.urandom(1 << 16).hex().encode() * 64
        sent = asyncio.create_task(talk(port, data))
        assert await talk(port, data) == data.upper() + b" END"
        assert await sent == data.upper() + b" END"


async def test_a_reset_is_passed_on(make: Make) -> None:
    relay, port = await make(), free_port()
    async with Server() as server:
        await carry(relay, relayed(port, server.port))
        reader, writer = await asyncio.open_connection("::1", port)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"X"
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await until(lambda: bool(server.ended))
        assert server.ended == [b"reset"]


async def test_nobody_listens_in_the_container(make: Make) -> None:
    relay, port = await make(), free_port()
    await carry(relay, relayed(port, 1))
    with pytest.raises(ConnectionResetError):
        await talk(port)


async def test_datagrams(make: Make) -> None:
    relay, port = await make(), free_port(socket.SOCK_DGRAM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.settimeout(20)
        server.bind(("127.0.0.1", 0))
        await carry(relay, relayed(port, server.getsockname()[1], Protocol.UDP))
        clients = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2)]
        for number, client in enumerate(clients):
            client.settimeout(20)
            client.connect(("::1", port))
            client.send(b"%d" % number)  # before the process is there: it waits in the socket
        for _ in clients:
            data, sender = await asyncio.to_thread(server.recvfrom, 100)
            server.sendto(data + b"!", sender)
        for number, client in enumerate(clients):
            assert await asyncio.to_thread(client.recv, 100) == b"%d!" % number
            client.close()


async def test_a_port_that_is_taken(make: Make) -> None:
    relay = await make()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as holder:
        holder.bind(("::1", 0))
        port, other = holder.getsockname()[1], free_port(socket.SOCK_DGRAM)
        reason = rf"failed to bind host port \[::1\]:{port}/udp: address already in use"
        with pytest.raises(SystemFailure, match=reason):
            await carry(relay, relayed(other, 1, Protocol.UDP), relayed(port, 1, Protocol.UDP))
    assert relay.listeners() == frozenset()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as free:  # all or none
        free.bind(("::1", other))


async def test_what_was_not_redirected_is_reset(make: Make) -> None:
    relay = await make()
    async with Server() as server:
        await carry(relay, relayed(free_port(), server.port))
        with pytest.raises(ConnectionResetError):
            await talk(relay.port)


async def test_a_port_is_free_as_soon_as_it_is_given_back(make: Make) -> None:
    relay, port = await make(), free_port()
    async with Server() as server:
        for _ in range(5):
            await carry(relay, relayed(port, server.port))
            assert await talk(port) == b"HELLO END"
            await carry(relay)
            with pytest.raises(ConnectionRefusedError):
                await talk(port)


async def test_another_target(make: Make) -> None:
    relay, port = await make(), free_port()
    async with Server() as first, Server() as second:
        await carry(relay, relayed(port, first.port))
        assert await talk(port) == b"HELLO END"
        await carry(relay, relayed(port, second.port))
        await until(lambda: relay._held and not relay._changed.is_set() and not relay._working.locked())
        assert await talk(port) == b"HELLO END"
        assert (len(first.ended), len(second.ended)) == (1, 1)


async def test_the_process_dies(make: Make, tmp_path: Path) -> None:
    relay, port = await make(), free_port()
    async with Server() as server:
        await carry(relay, relayed(port, server.port))
        await talk(port)
        os.kill(process_id(tmp_path), signal.SIGKILL)

        async def works() -> bool:
            try:
                return await talk(port) == b"HELLO END"
            except OSError:
                return False

        async with asyncio.timeout(20):
            while not await works():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.02)


async def test_the_daemon_goes_and_comes(make: Make, tmp_path: Path) -> None:
    relay, port, gone = await make(), free_port(), free_port()
    async with Server() as server:
        await carry(relay, relayed(port, server.port), relayed(gone, server.port))
        await talk(port)
        await until(lambda: len(relay._held) == 2)
        pid = process_id(tmp_path)
        await relay.stop()
        assert await talk(port) == b"HELLO END"
        again = await make({"one": (relayed(port, server.port),)})
        with pytest.raises(ConnectionResetError):
            await talk(gone)
        assert await talk(port) == b"HELLO END"
        assert process_id(tmp_path) == pid
        await carry(again)


async def test_the_process_ends_with_the_last_port(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.daemon.relay._IDLE", 0.05)
    relay, port = await make(), free_port()
    assert not (tmp_path / "relay.sock").exists()
    async with Server() as server:
        await carry(relay, relayed(port, server.port))
        await talk(port)
        await carry(relay)
        await until(lambda: not (tmp_path / "relay.sock").exists())
        await carry(relay, relayed(port, server.port))
        assert await talk(port) == b"HELLO END"


async def test_a_hundred_ports_in_one_small_process(make: Make, tmp_path: Path) -> None:
    relay = await make()
    ports = [free_port() for _ in range(100)]
    async with Server() as server:
        await carry(relay, *(relayed(port, server.port) for port in dict.fromkeys(ports)))
        assert await talk(ports[0]) == await talk(ports[-1]) == b"HELLO END"
    status = Path(f"/proc/{process_id(tmp_path)}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < 20 * 1024  # KiB


@pytest.mark.parametrize(("policy", "admitted"), [("localhost", True), ("2001:db8::/32", True), ("lan", True)])
async def test_the_host_may_always(make: Make, policy: str, admitted: bool) -> None:
    relay, port = await make(), free_port()
    async with Server() as server:
        await carry(relay, relayed(port, server.port, exposure=parse_exposure(policy)))
        assert (await talk(port) == b"HELLO END") is admitted
