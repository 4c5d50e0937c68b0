"""DNS inside a sandbox: sockets on 127.0.0.11 at free ports, and the redirection of its port 53 to them.

The sockets keep off port 53, which stays the container's own; conntrack gives the answers port 53 back.
"""

import socket
from contextlib import ExitStack

from weft.engine.contract.kernel import LOOPBACK_DNS, SandboxSockets
from weft.kernel.nft.context import NftError
from weft.kernel.nft.text import replace_table
from weft.kernel.perform.places import Places

_TABLE = "weft_dns"
_BACKLOG = 128
_RULESET = """
 chain output {{
  type nat hook output priority -100; policy accept;
  ip daddr {address} udp dport 53 dnat ip to {address}:{udp}
  ip daddr {address} tcp dport 53 dnat ip to {address}:{tcp}
 }}
"""


def open_dns_sockets(places: Places, sandbox: str) -> SandboxSockets:
    """Open the sockets and load the table, replacing that of sockets opened before; raises OSError."""
    with ExitStack() as undo:
        with places.visit(sandbox):
            udp = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            tcp = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            for opened in (udp, tcp):
                opened.setblocking(False)
                opened.bind((str(LOOPBACK_DNS), 0))
            tcp.listen(_BACKLOG)
        ports = udp.getsockname()[1], tcp.getsockname()[1]
        _redirect(places, sandbox, *ports)
        undo.pop_all()
        return SandboxSockets(udp.detach(), tcp.detach(), *ports)


def _redirect(places: Places, sandbox: str, udp: int, tcp: int) -> None:
    ruleset = _RULESET.format(address=LOOPBACK_DNS, udp=udp, tcp=tcp)
    context = places.nft(sandbox)
    try:
        context.run(f"create table inet {_TABLE}\ntable inet {_TABLE} {{{ruleset}}}\n")
    except NftError:  # a replacement costs more: tried only where there is something to replace
        context.run(replace_table(_TABLE, ruleset, ""))
