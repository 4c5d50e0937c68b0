"""Further bridges behind a bridge: made once, by whichever plan comes first."""

import errno
import struct
from collections.abc import Sequence

from weft.kernel.failure import failure
from weft.kernel.netlink import link
from weft.kernel.netlink.channel import Channel
from weft.kernel.netlink.message import Request
from weft.kernel.perform.outcome import Outcome
from weft.kernel.procfs import Procfs
from weft.kernel.sysctl import write
from weft.plan.operations import CreateBridge, ExtendBridge, SetAlias


def perform_extensions(operations: Sequence[ExtendBridge], channel: Channel, procfs: Procfs, *, go_on: bool) -> Outcome:
    """Make what is missing; what a killed daemon left half-made is completed."""
    outcome = Outcome()
    for operation in operations:
        try:
            _extend(operation, channel, procfs)
        except OSError as error:
            outcome.failures.append(failure(operation, error))
            if not go_on:
                break
        else:
            outcome.done(operation)
    return outcome


def _extend(operation: ExtendBridge, channel: Channel, procfs: Procfs) -> None:
    if _is_whole(operation, channel):
        return
    bridge = CreateBridge(operation.name, operation.mtu, alias=operation.alias)
    _transact(channel, link.create_bridge(bridge), link.create_pair(operation.trunk, operation.branch, operation.mtu))
    for name in (operation.name, operation.trunk, operation.branch):
        # no host is meant to be reached by these
        write(procfs, f"net/ipv6/conf/{name}/disable_ipv6", "1", optional=True)
    inner, outer = channel.index(operation.name), channel.index(operation.bridge)
    _transact(
        channel, link.raise_link(operation.name), *link.describe_link(bridge), link.join_bridge(operation.branch, inner)
    )
    _transact(channel, link.join_bridge(operation.trunk, outer))
    if operation.isolated:
        _transact(channel, link.isolate_port(operation.trunk))
    # the alias comes last: it says that all of it was done
    _transact(channel, link.set_alias(SetAlias(operation.trunk, operation.alias)))


def _is_whole(operation: ExtendBridge, channel: Channel) -> bool:
    try:
        return link.alias_of(channel.request(link.GET_LINK, link.named(operation.trunk))) == operation.alias
    except (OSError, struct.error):
        return False


def _transact(channel: Channel, *requests: Request) -> None:
    for error in channel.transact(requests).values():
        if error.errno != errno.EEXIST:  # another plan was quicker
            raise error
