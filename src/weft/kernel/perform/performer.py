"""Performs a plan in the calling thread, which must be a worker in the daemon's own namespace."""

import errno
from collections.abc import Sequence
from enum import Enum, auto
from itertools import groupby
from typing import Any

from weft.kernel.failure import failure
from weft.kernel.perform.extensions import perform_extensions
from weft.kernel.perform.links import Links
from weft.kernel.perform.others import (
    perform_advertisements,
    perform_flows,
    perform_requirements,
    perform_sandboxes,
    perform_sysctls,
)
from weft.kernel.perform.outcome import Outcome
from weft.kernel.perform.places import Places
from weft.kernel.perform.rulesets import Rulesets
from weft.kernel.resources import Resources
from weft.model.errors import SystemFailure
from weft.plan import operations as op
from weft.plan.operations import HOST, Operation
from weft.plan.plan import Plan


class _Kind(Enum):
    LINKS = auto()
    RULES = auto()
    SYSCTLS = auto()
    SANDBOXES = auto()
    FLOWS = auto()
    EXTENSIONS = auto()
    REQUIREMENTS = auto()
    ADVERTISEMENTS = auto()
    UNKNOWN = auto()


_KINDS: dict[type, _Kind] = {
    op.CreateBridge: _Kind.LINKS,
    op.CreateVeth: _Kind.LINKS,
    op.CreateMacvlan: _Kind.LINKS,
    op.CreateIpvlan: _Kind.LINKS,
    op.CreateVlan: _Kind.LINKS,
    op.CreateDummy: _Kind.LINKS,
    op.RaiseLink: _Kind.LINKS,
    op.SetAlias: _Kind.LINKS,
    op.MoveLink: _Kind.LINKS,
    op.ReturnLink: _Kind.LINKS,
    op.DeleteLink: _Kind.LINKS,
    op.AddAddress: _Kind.LINKS,
    op.DeleteAddress: _Kind.LINKS,
    op.AddRoute: _Kind.LINKS,
    op.DeleteRoute: _Kind.LINKS,
    op.LimitRate: _Kind.LINKS,
    op.DelayPackets: _Kind.LINKS,
    op.ClearQueue: _Kind.LINKS,
    op.LoadTable: _Kind.RULES,
    op.DeleteTable: _Kind.RULES,
    op.AddElements: _Kind.RULES,
    op.DeleteElements: _Kind.RULES,
    op.SetSysctl: _Kind.SYSCTLS,
    op.CreateSandbox: _Kind.SANDBOXES,
    op.DeleteSandbox: _Kind.SANDBOXES,
    op.ForgetFlows: _Kind.FLOWS,
    op.ExtendBridge: _Kind.EXTENSIONS,
    op.RequireLinks: _Kind.REQUIREMENTS,
    op.AdvertiseAddresses: _Kind.ADVERTISEMENTS,
}
_DELETIONS = (op.DeleteLink, op.DeleteAddress, op.DeleteRoute, op.DeleteTable, op.DeleteElements)


class Performer:
    """Performs plans: neighbours of one kind in one namespace go to the kernel together."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def apply(self, plan: Plan) -> None:
        """Perform the plan, or undo what was done and raise the first WeftError; failures to undo are its notes."""
        undo: list[Operation] = []
        with Places(self._resources) as places:
            for group in _groups(plan.operations):
                outcome = self._perform(group, places, go_on=False, undoable=len(plan.operations) > 1)
                undo += outcome.undo
                if outcome.failures:
                    error = outcome.failures[0]
                    for failed in self._all(tuple(reversed(undo)), places):
                        error.add_note(f"not undone: {failed}")
                    raise error

    def teardown(self, plan: Plan) -> None:
        """Perform every operation; raises ExceptionGroup of what failed.

        What lives in a sandbox that the plan deletes is left to the kernel, which takes it away with the sandbox.
        Bridge ports are closed at once and deleted afterwards, by the kernel or by the reaper.
        """
        going = {operation.sandbox for operation in plan if isinstance(operation, op.DeleteSandbox)}
        rest = tuple(operation for operation in plan if not _goes_with(operation, going))
        with Places(self._resources) as places:
            failures = self._all(rest, places, silence=True, soon=not going)
        if failures:
            raise ExceptionGroup("the kernel did not remove everything", failures)

    def _all(
        self, operations: Sequence[Operation], places: Places, *, silence: bool = False, soon: bool = True
    ) -> list[Exception]:
        failures: list[Exception] = []
        for group in _groups(operations):
            kept = self._silence(group, places, soon=soon) if silence else group
            if kept:
                failures += self._perform(kept, places, go_on=True, undoable=False).failures
        return failures

    def _silence(self, group: Sequence[Operation], places: Places, *, soon: bool) -> list[Operation]:
        """Return the group without the deletions of bridge ports, which the reaper now has."""
        deletions = [operation for operation in group if isinstance(operation, op.DeleteLink)]
        if not deletions or _namespace(deletions[0]) != HOST:
            return list(group)
        left = Links(places, HOST, self._resources.reaper).silence(deletions, soon=soon)
        return [operation for operation in group if not isinstance(operation, op.DeleteLink) or operation in left]

    def _perform(self, group: Sequence[Any], places: Places, *, go_on: bool, undoable: bool) -> Outcome:
        """Perform operations of one kind in one namespace; deletions in a sandbox that is gone are done."""
        namespace = _namespace(group[0])
        try:
            match _kind(group[0]):
                case _Kind.LINKS:
                    return Links(places, namespace, self._resources.reaper).perform(group, go_on=go_on)
                case _Kind.RULES:
                    tables = self._resources.tables if namespace == HOST else None
                    return Rulesets(places.nft(namespace), tables).perform(group, go_on=go_on, undoable=undoable)
                case _Kind.SYSCTLS:
                    return perform_sysctls(group, places, namespace, self._resources.procfs, go_on=go_on)
                case _Kind.SANDBOXES:
                    return perform_sandboxes(group, places, go_on=go_on)
                case _Kind.EXTENSIONS:
                    return perform_extensions(group, places.channel(HOST), self._resources.procfs, go_on=go_on)
                case _Kind.FLOWS:
                    return perform_flows(group, go_on=go_on)
                case _Kind.REQUIREMENTS:
                    return perform_requirements(group, self._resources.link_kinds, go_on=go_on)
                case _Kind.ADVERTISEMENTS:
                    return perform_advertisements(group, self._resources.herald)
                case _Kind.UNKNOWN:
                    return Outcome(failures=[SystemFailure(f"the kernel room does not know {group[0]!r}")])
        except OSError as error:
            subject = f"sandbox {namespace}" if namespace else ""
            left = [operation for operation in group if not _is_done_without(operation, error)]
            return Outcome(failures=[failure(operation, error, subject=subject) for operation in left])


def _groups(operations: Sequence[Operation]) -> list[list[Operation]]:
    return [list(group) for _, group in groupby(operations, key=lambda item: (_kind(item), _namespace(item)))]


def _kind(operation: Operation) -> _Kind:
    return _KINDS.get(type(operation), _Kind.UNKNOWN)


def _namespace(operation: Operation) -> str:
    return str(getattr(operation, "namespace", HOST))


def _goes_with(operation: Operation, going: set[str]) -> bool:
    if isinstance(operation, op.DeleteLink) and operation.at_once:
        return False
    return isinstance(operation, _DELETIONS) and _namespace(operation) in going


def _is_done_without(operation: Operation, error: OSError) -> bool:
    return isinstance(operation, (*_DELETIONS, op.ReturnLink)) and error.errno == errno.ENOENT
