"""The client against the real process: started, taken over, killed, replaced."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from dnslib import RCODE, DNSRecord

from weft.daemon.names import DnsProcess, command
from weft.engine.contract.kernel import SandboxSockets
from weft.engine.contract.names import Names, SandboxView
from weft.model.errors import SystemFailure, Unavailable

VIEW = SandboxView(networks=(("n1", "net"),))
MOST_IDLE_KIB = 15 * 1024


async def nothing() -> None:
    """Hand over nothing."""


def sockets() -> SandboxSockets:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    port = udp.getsockname()[1]
    tcp = socket.create_server(("127.0.0.1", port))
    return SandboxSockets(udp.detach(), tcp.detach(), port, port)


async def ask(port: int, name: str = "web") -> DNSRecord:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(("127.0.0.1", port))
        client.send(bytes(DNSRecord.question(name).pack()))
        async with asyncio.timeout(10):
            return DNSRecord.parse(await loop.sock_recv(client, 65535))


async def hand_over(names: DnsProcess) -> int:
    opened = sockets()
    await names.open("s1", opened, "/nowhere", VIEW)
    await names.publish("n1", "e1", ("web", "alias"), (ip_address("10.0.0.2"), ip_address("fd00::2")))
    return opened.udp_port


Make = Callable[..., Awaitable[DnsProcess]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[DnsProcess] = []

    async def start(handover: Callable[[], Awaitable[None]] = nothing) -> DnsProcess:
        names = DnsProcess(str(tmp_path), handover, log_path=str(tmp_path / "dns.log"))
        made.append(names)
        await names.start()
        return names

    yield start
    for names in made:
        await names.end()


def process_of(names: DnsProcess) -> int:
    assert names._link is not None
    return names._link.peer()


async def test_a_container_is_found_by_name_and_no_more_once_withdrawn(make: Make) -> None:
    names: Names = await make()
    port = await hand_over(names)  # type: ignore[arg-type]
    assert str((await ask(port, "alias.net")).rr[0].rdata) == "10.0.0.2"
    assert await names.sandboxes() == {"s1"}
    await names.withdraw("n1", "e1")
    assert (await ask(port)).header.rcode == RCODE.SERVFAIL
    await names.replace_zones({"n2": {"e2": (("web",), (ip_address("10.2.0.2"),))}})
    await names.update("s1", SandboxView(networks=(("n2", "two"),)))
    assert str((await ask(port, "web.two")).rr[0].rdata) == "10.2.0.2"
    await names.close("s1")
    await names.close("s1")
    assert await names.sandboxes() == frozenset()
    with pytest.raises(SystemFailure, match="No such sandbox: s1"):
        await names.update("s1", VIEW)


async def test_the_process_outlives_the_daemon_and_is_taken_over(make: Make, tmp_path: Path) -> None:
    first = await make()
    process = process_of(first)
    port = await hand_over(first)
    await first.stop()
    assert str((await ask(port)).rr[0].rdata) == "10.0.0.2"
    second = DnsProcess(str(tmp_path), nothing)
    assert await second.start()
    assert process_of(second) == process
    assert await second.sandboxes() == {"s1"}
    await second.end()
    assert first._reap()


async def test_a_process_that_dies_is_started_again_and_everything_handed_over(make: Make) -> None:
    ports: list[int] = []

    async def handover() -> None:
        ports.append(await hand_over(names))
        done.set()

    done = asyncio.Event()
    names = await make(handover)
    old = process_of(names)
    await hand_over(names)
    os.kill(old, signal.SIGKILL)
    async with asyncio.timeout(30):
        await done.wait()
    assert await names.sandboxes() == {"s1"}
    assert process_of(names) != old
    assert str((await ask(ports[0])).rr[0].rdata) == "10.0.0.2"


async def test_requests_during_the_death_are_said_again_after_the_handover(make: Make) -> None:
    order: list[str] = []

    async def handover() -> None:
        await names.replace_zones({})
        order.append("handover")

    names = await make(handover)
    os.kill(process_of(names), signal.SIGSTOP)
    request = asyncio.create_task(names.publish("n1", "late", ("late",), (ip_address("10.0.0.7"),)))
    await asyncio.sleep(0.05)
    os.kill(process_of(names), signal.SIGKILL)
    await request
    order.append("published")
    assert order == ["handover", "published"]
    opened = sockets()
    await names.open("s1", opened, "/nowhere", VIEW)
    assert str((await ask(opened.udp_port, "late")).rr[0].rdata) == "10.0.0.7"


async def test_descriptors_of_an_open_that_failed_are_closed_all_the_same(make: Make) -> None:
    names = await make()
    await names.stop()
    opened = sockets()
    with pytest.raises(Unavailable, match="weft-dns is not running"):
        await names.open("s1", opened, "/nowhere", VIEW)
    for descriptor in (opened.udp, opened.tcp):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


async def test_a_process_of_another_protocol_is_replaced(make: Make, tmp_path: Path) -> None:
    stranger = "\n".join([
        "import socket, sys, time",
        "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()",
        "print(flush=True)",
        "while True:",
        "    c = s.accept()[0]; c.recv(100)",
        "    r = b'[1,\"ok\",{\"protocol\":0}]'; c.sendall(len(r).to_bytes(4, 'big') + r)",
    ])  # fmt: skip
    line = [sys.executable, "-c", stranger, str(tmp_path / "dns.sock")]
    old = await asyncio.create_subprocess_exec(*line, stdout=subprocess.PIPE)
    assert old.stdout is not None
    await old.stdout.readline()
    names = await make()
    assert await old.wait() == -signal.SIGTERM
    assert process_of(names) != old.pid
    assert await names.sandboxes() == frozenset()


async def test_a_large_handover_arrives_whole(make: Make) -> None:
    names = await make()
    endpoints = {f"e{i}": ((f"c{i}", f"id{i:010}"), (ip_address(0x0A000000 + i),)) for i in range(20_000)}
    await names.replace_zones({"n1": endpoints})
    opened = sockets()
    await names.open("s1", opened, "/nowhere", VIEW)
    assert str((await ask(opened.udp_port, "c19999")).rr[0].rdata) == "10.0.78.31"


async def test_two_exec_roots_have_a_process_each(make: Make, tmp_path: Path) -> None:
    first = await make()
    second = DnsProcess(str(tmp_path / "other"), nothing)
    assert not await second.start()
    try:
        assert process_of(first) != process_of(second)
        await hand_over(first)
        assert await second.sandboxes() == frozenset()
    finally:
        await second.end()


async def test_where_it_cannot_start_the_reason_is_said(tmp_path: Path) -> None:
    (tmp_path / "dns.sock.lock").mkdir()
    names = DnsProcess(str(tmp_path), nothing, log_path=str(tmp_path / "dns.log"))
    with pytest.raises(Unavailable, match="ended at once"):
        await names.start()
    assert "Is a directory" in (tmp_path / "dns.log").read_text()


async def test_hangup_is_ignored_and_a_second_process_is_refused(make: Make, tmp_path: Path) -> None:
    names = await make()
    process = process_of(names)
    os.kill(process, signal.SIGHUP)
    second = await asyncio.create_subprocess_exec(*command(str(tmp_path)), stderr=subprocess.PIPE)
    _, errors = await second.communicate()
    assert second.returncode == 3
    assert b"another weft-dns serves" in errors
    assert await names.sandboxes() == frozenset()
    assert os.getsid(process) == process


async def test_the_socket_is_for_its_user_only_and_gone_after_the_end(make: Make, tmp_path: Path) -> None:
    names = await make()
    assert (tmp_path / "dns.sock").stat().st_mode & 0o777 == 0o600
    await names.end()
    assert not (tmp_path / "dns.sock").exists()


async def test_the_process_stays_small(make: Make) -> None:
    names = await make()
    await hand_over(names)
    rollup = Path(f"/proc/{process_of(names)}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found is not None
    assert int(found[1]) < MOST_IDLE_KIB


def test_the_process_imports_nothing_heavy() -> None:
    program = "import sys, weft.daemon.dns_process; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-s", "-P", "-c", program], capture_output=True, check=True, text=True)
    loaded = {name.partition(".")[0] for name in modules.stdout.split()}
    assert "weft" in loaded
    assert not loaded & {
        "aiohttp",
        "asyncio",
        "pyroute2",
        "dnslib",
        "msgspec",
        "logging",
        "ssl",
        "dataclasses",
        "ctypes",
    }
