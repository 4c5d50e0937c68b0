"""Sandboxes, sysctls and flows: operations that are performed one by one."""

import errno
from collections.abc import Callable, Sequence
from typing import TypeVar

from weft.kernel.conntrack import forget_flows
from weft.kernel.failure import failure
from weft.kernel.herald import Herald
from weft.kernel.link_kinds import LinkKinds
from weft.kernel.perform.outcome import Outcome
from weft.kernel.perform.places import Places
from weft.kernel.procfs import Procfs
from weft.kernel.sysctl import path_of, write
from weft.model.errors import WeftError
from weft.plan.operations import (
    AdvertiseAddresses,
    CreateSandbox,
    DeleteSandbox,
    ForgetFlows,
    Operation,
    RequireLinks,
    SetSysctl,
)

SandboxOperation = CreateSandbox | DeleteSandbox

_One = TypeVar("_One", bound=Operation)


def perform_sandboxes(operations: Sequence[SandboxOperation], places: Places, *, go_on: bool) -> Outcome:
    """Create and delete sandboxes."""

    def perform(operation: SandboxOperation) -> None:
        if isinstance(operation, CreateSandbox):
            places.create(operation.sandbox)
        else:
            places.delete(operation.sandbox)

    return _each(operations, perform, go_on=go_on)


def perform_sysctls(
    operations: Sequence[SetSysctl], places: Places, namespace: str, procfs: Procfs, *, go_on: bool
) -> Outcome:
    """Write sysctls of one namespace."""

    def perform(operation: SetSysctl) -> None:
        write(procfs, path_of(operation.key), operation.value, optional=operation.optional)

    with places.visit(namespace):
        return _each(operations, perform, go_on=go_on)


def perform_flows(operations: Sequence[ForgetFlows], *, go_on: bool) -> Outcome:
    """Forget flows in the daemon's own namespace. A kernel without connection tracking has none."""

    def perform(operation: ForgetFlows) -> None:
        try:
            forget_flows(operation.address, operation.ports)
        except OSError as error:
            if error.errno not in (errno.EPROTONOSUPPORT, errno.EOPNOTSUPP):
                raise

    return _each(operations, perform, go_on=go_on)


def perform_requirements(operations: Sequence[RequireLinks], kinds: LinkKinds, *, go_on: bool) -> Outcome:
    """Fail where the kernel has not what a plan is going to need."""

    def perform(operation: RequireLinks) -> None:
        if not kinds.has(operation.kind):
            raise OSError(errno.EOPNOTSUPP, f"no {operation.kind}")

    return _each(operations, perform, go_on=go_on)


def perform_advertisements(operations: Sequence[AdvertiseAddresses], herald: Herald) -> Outcome:
    """Hand them over; nobody waits for neighbours to hear them."""
    outcome = Outcome()
    for operation in operations:
        herald.advertise(operation)
        outcome.done(operation)
    return outcome


def _each(operations: Sequence[_One], perform: Callable[[_One], None], *, go_on: bool) -> Outcome:
    outcome = Outcome()
    for operation in operations:
        try:
            perform(operation)
        except OSError as error:
            outcome.failures.append(failure(operation, error))
        except WeftError as error:
            outcome.failures.append(error)
        else:
            outcome.done(operation)
        if outcome.failures and not go_on:
            break
    return outcome
