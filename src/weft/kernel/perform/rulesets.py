"""nftables operations: consecutive ones in one namespace become one transaction."""

from collections.abc import Sequence

from weft.kernel.failure import failure
from weft.kernel.nft import text
from weft.kernel.nft.context import Context, NftError
from weft.kernel.nft.tables import OwnTables
from weft.kernel.perform.outcome import Outcome
from weft.model.errors import WeftError
from weft.plan.operations import AddElements, DeleteElements, DeleteTable, Element, LoadTable, Operation

RulesetOperation = LoadTable | DeleteTable | AddElements | DeleteElements


class Rulesets:
    """Performs the nftables operations of one namespace; `tables` is None outside the daemon's own."""

    def __init__(self, context: Context, tables: OwnTables | None) -> None:
        self._context = context
        self._tables = tables

    def perform(self, operations: Sequence[RulesetOperation], *, go_on: bool, undoable: bool) -> Outcome:
        """Perform all in one transaction; where it is refused, one by one, to find out which one and why.

        `undoable` keeps what a loaded table replaces, for the way back.
        """
        outcome = Outcome()
        try:
            outcome.undo += self._transact(operations, undoable=undoable)
        except NftError as error:
            if len(operations) == 1 and not isinstance(operations[0], DeleteElements):
                outcome.failures.append(failure(operations[0], error))
            else:
                outcome.add(self._one_by_one(operations, go_on=go_on, undoable=undoable))
        except WeftError as error:
            outcome.failures.append(error)
        return outcome

    def _one_by_one(self, operations: Sequence[RulesetOperation], *, go_on: bool, undoable: bool) -> Outcome:
        outcome = Outcome()
        for operation in operations:
            try:
                if isinstance(operation, DeleteElements):
                    outcome.undo += self._delete_present(operation)
                else:
                    outcome.undo += self._transact((operation,), undoable=undoable)
            except NftError as error:
                outcome.failures.append(failure(operation, error))
                if not go_on:
                    break
        return outcome

    def _transact(self, operations: Sequence[RulesetOperation], *, undoable: bool) -> list[Operation]:
        """Perform in one transaction; return what undoes it. Raises NftError, and then nothing was done."""
        undo = [self._inverse(operation, undoable=undoable) for operation in operations]
        commands = "".join(map(self._render, operations))
        replaced = [operation.table for operation in operations if isinstance(operation, LoadTable | DeleteTable)]
        ours = [table for table in replaced if self._tables is not None and self._tables.forget(table)]
        try:
            self._context.run(commands)
        except NftError:
            self._learn(ours)
            raise
        self._learn([operation.table for operation in operations if isinstance(operation, LoadTable)])
        return [operation for operation in undo if operation is not None]

    def _learn(self, tables: Sequence[str]) -> None:
        if self._tables is not None:
            for table in tables:
                self._tables.learn(table)

    def _inverse(self, operation: RulesetOperation, *, undoable: bool) -> Operation | None:
        """A load that replaces a table is undone by loading what was there, with its elements."""
        if isinstance(operation, LoadTable) and undoable:
            try:
                listing = self._context.run(text.list_table(operation.table))
            except NftError:
                return operation.inverse
            return LoadTable(operation.table, text.ruleset_of(listing), operation.namespace)
        return operation.inverse

    def _render(self, operation: RulesetOperation) -> str:
        match operation:
            case LoadTable(table=table, ruleset=ruleset):
                return text.replace_table(table, ruleset, self._tables.comment if self._tables else "")
            case DeleteTable(table=table):
                return text.delete_table(table)
            case AddElements():
                return text.add_elements(operation)
            case DeleteElements():
                return text.delete_elements(operation, operation.elements)

    def _delete_present(self, operation: DeleteElements) -> list[Operation]:
        """Delete the elements that are there, halving until the missing ones stand alone. Raises NftError."""
        deleted: list[Element] = []
        waiting = [operation.elements]
        while waiting:
            elements = waiting.pop()
            try:
                self._context.run(text.delete_elements(operation, elements))
                deleted += elements
            except NftError as error:
                if not error.is_missing:
                    raise
                if error.is_unresolved:
                    break
                middle = len(elements) // 2
                waiting += [half for half in (elements[:middle], elements[middle:]) if half and middle]
        if not deleted:
            return []
        return [AddElements(operation.table, operation.set, tuple(deleted), operation.namespace)]
