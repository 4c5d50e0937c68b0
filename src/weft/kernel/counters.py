"""What the interfaces of a sandbox have received and sent (proc_pid_net(5), `dev`)."""

import os
from pathlib import Path

from weft.engine.contract.usage import InterfaceCounters
from weft.kernel.resources import Resources

_DEV = Path("/proc/thread-self/net/dev")


def counters_in(resources: Resources, sandbox: str) -> dict[str, InterfaceCounters]:
    """Return the counters of each interface; raises OSError (ENOENT without the sandbox). Use it in worker threads."""
    descriptor = resources.sandboxes.descriptor(sandbox)
    try:
        with resources.home.visit(descriptor):
            return parse(_DEV.read_text())
    finally:
        os.close(descriptor)


def parse(text: str) -> dict[str, InterfaceCounters]:
    """Return the counters by interface in the text of /proc/net/dev, below its two lines of titles."""
    found = {}
    for line in text.splitlines()[2:]:
        name, _, rest = line.rpartition(":")  # an interface's name may have colons, its numbers have none
        numbers = [int(word) for word in rest.split()]
        received, sent = numbers[0:4], numbers[8:12]
        found[name.strip()] = InterfaceCounters(
            rx_bytes=received[0],
            rx_packets=received[1],
            rx_errors=received[2],
            rx_dropped=received[3],
            tx_bytes=sent[0],
            tx_packets=sent[1],
            tx_errors=sent[2],
            tx_dropped=sent[3],
        )
    return found
