"""New endpoints tell their neighbours where they are: how often, how fast, and not at all."""

from __future__ import annotations

import socket
import struct

import pytest

from rig.docker import Docker
from rig.eventually import eventually
from rig.host import Host

pytestmark = pytest.mark.weft_only("options of Docker 28")
OPTION = "com.docker.network.advertise_addr_"
ARP, NA = b"\x08\x06", 136


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


_TIMESTAMPS = 35  # SO_TIMESTAMPNS, asm-generic/socket.h


class Listener:
    """What a bridge hears."""

    def __init__(self, host: Host, bridge: str) -> None:
        everything = 3  # ETH_P_ALL
        self._socket: socket.socket = host.within(
            lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(everything))
        )
        self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        self._socket.bind((bridge, everything))
        self._socket.setblocking(False)
        self.heard: list[tuple[float, bytes]] = []

    def announcements(self) -> list[tuple[float, bytes]]:
        """Moment at which the kernel got it, and frame, of each gratuitous ARP and unsolicited advertisement so far."""
        while True:
            try:
                frame, ((_, _, moment),), _, _ = self._socket.recvmsg(2000, 100)
            except BlockingIOError:
                return self.heard
            if _is_gratuitous(frame) or _is_advertisement(frame):
                seconds, nanoseconds = struct.unpack("qq", moment)
                self.heard.append((seconds + nanoseconds / 1e9, frame))

    def close(self) -> None:
        self._socket.close()


def _is_gratuitous(frame: bytes) -> bool:
    return frame[12:14] == ARP and frame[28:32] == frame[38:42]


def _is_advertisement(frame: bytes) -> bool:
    return frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == NA and frame[0:2] == b"\x33\x33"


def bridge_of(docker: Docker, *options: str) -> str:
    return "br-" + docker.out("network", "create", "--ipv6", *options, "net")[:12]


def test_three_times_of_both_families(docker: Docker) -> None:
    ears = Listener(docker.engine.host, bridge_of(docker, "-o", OPTION + "ms=150"))
    docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "sleep", "60")
    heard = eventually(lambda: len(found := ears.announcements()) >= 6 and found)
    end = docker.inspect("one")["NetworkSettings"]["Networks"]["net"]
    mac = bytes.fromhex(end["MacAddress"].replace(":", ""))
    arps = [frame for _, frame in heard if frame[12:14] == ARP]
    advertised = [frame for _, frame in heard if frame[12:14] != ARP]
    assert len(arps) == len(advertised) == 3
    for frame in arps:
        assert frame[22:28] == frame[6:12] == mac
        assert socket.inet_ntoa(frame[28:32]) == end["IPAddress"]
    for frame in advertised:
        assert socket.inet_ntop(socket.AF_INET6, frame[62:78]) == end["GlobalIPv6Address"]
        assert frame[80:86] == mac
    docker.out("run", "-d", "--name", "later", "--network", "net", "busybox", "sleep", "60")
    eventually(lambda: len(ears.announcements()) >= 12)
    assert len({frame for _, frame in ears.announcements()}) == 4, "no fourth message of the first one"
    ears.close()


def test_by_default_where_there_is_ipv6(docker: Docker) -> None:
    """An IPv6 address may come back with another MAC; without IPv6 a MAC follows its address and is known."""
    ears = Listener(docker.engine.host, bridge_of(docker))
    docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "sleep", "60")
    eventually(lambda: len(ears.announcements()) == 6)
    ears.close()
    ears = Listener(docker.engine.host, "br-" + docker.out("network", "create", "plain")[:12])
    docker.out("run", "-d", "--name", "two", "--network", "plain", "busybox", "sleep", "60")
    docker.out("exec", "two", "ping", "-c1", "-w5", docker.inspect("network", "plain")["IPAM"]["Config"][0]["Gateway"])
    assert ears.announcements() == []
    ears.close()


def test_as_far_apart_as_was_asked_for(docker: Docker) -> None:
    """Messages may come late and not early: two seconds are more than the one second of every other network."""
    ears = Listener(docker.engine.host, bridge_of(docker, "-o", OPTION + "nmsgs=2", "-o", OPTION + "ms=2000"))
    docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "sleep", "60")
    heard = eventually(lambda: len(found := ears.announcements()) >= 4 and found)
    moments = [moment for moment, frame in heard if frame[12:14] == ARP]
    assert moments[1] - moments[0] > 1.5
    ears.close()


def test_once(docker: Docker) -> None:
    ears = Listener(docker.engine.host, bridge_of(docker, "-o", OPTION + "nmsgs=1", "-o", OPTION + "ms=100"))
    docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "sleep", "60")
    eventually(lambda: len(ears.announcements()) == 2)
    docker.out("run", "-d", "--name", "two", "--network", "net", "busybox", "sleep", "60")
    eventually(lambda: len(ears.announcements()) == 4)
    assert len({frame for _, frame in ears.announcements()}) == 4
    ears.close()


def test_not_at_all(docker: Docker) -> None:
    ears = Listener(docker.engine.host, bridge_of(docker, "-o", OPTION + "nmsgs=0"))
    docker.out("run", "-d", "--name", "one", "--network", "net", "busybox", "sleep", "60")
    docker.out("network", "create", "loud")
    docker.out("network", "connect", "loud", "one")  # another network's messages do not come here
    docker.out("exec", "one", "ping", "-c1", "-w5", docker.inspect("network", "net")["IPAM"]["Config"][0]["Gateway"])
    assert ears.announcements() == []
    ears.close()


def test_a_container_that_ends_first(docker: Docker) -> None:
    """Nobody waits for the messages of one that is gone, and the next one at its address is heard alone."""
    ears = Listener(docker.engine.host, bridge_of(docker, "-o", OPTION + "ms=200"))
    for _ in range(3):
        docker.out("run", "--rm", "--network", "net", "--mac-address", "02:aa:00:00:00:01", "busybox", "true")
    docker.out("run", "-d", "--network", "net", "--mac-address", "02:aa:00:00:00:02", "busybox", "sleep", "60")
    last = bytes.fromhex("02aa00000002")
    eventually(lambda: sum(frame[6:12] == last for _, frame in ears.announcements()) == 6)
    macs = [frame[6:12] for _, frame in ears.announcements()]
    assert macs[macs.index(last) :] == [last] * 6
    ears.close()
