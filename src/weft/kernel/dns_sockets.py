"""DNS inside a sandbox: sockets on 127.0.0.11 at free ports, and the redirection of its port 53 to them.

The sockets keep off port 53, which stays the container's own; conntrack gives the answers port 53 back.
"""

import errno
import socket
from contextlib import ExitStack, closing

from weft.engine.contract.kernel import LOOPBACK_DNS, SandboxSockets
from weft.kernel.netlink.channel import NETLINK_NETFILTER, Channel, NetlinkError
from weft.kernel.nft.redirect import redirect
from weft.kernel.perform.places import Places

_BACKLOG = 128


def open_dns_sockets(places: Places, sandbox: str) -> SandboxSockets:
    """Open the sockets and load the table, replacing that of sockets opened before; raises OSError."""
    with ExitStack() as undo:
        with places.visit(sandbox):
            channel = undo.enter_context(closing(Channel(NETLINK_NETFILTER)))
            udp = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            tcp = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            for opened in (udp, tcp):
                opened.setblocking(False)
                opened.bind((str(LOOPBACK_DNS), 0))
            tcp.listen(_BACKLOG)
        ports = udp.getsockname()[1], tcp.getsockname()[1]
        _redirect(channel, *ports)
        return SandboxSockets(udp.detach(), tcp.detach(), *ports)  # what is detached is not closed


def _redirect(channel: Channel, udp: int, tcp: int) -> None:
    try:
        redirect(channel, udp, tcp, anew=False)
    except NetlinkError as error:
        if error.errno != errno.EEXIST:
            raise
        redirect(channel, udp, tcp, anew=True)
