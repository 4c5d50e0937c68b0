"""Executing a template."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from weft.cli.template.errors import TemplateError, execution_error
from weft.cli.template.functions import FUNCTIONS, LAZY, NAMES, FunctionTable, type_name
from weft.cli.template.nodes import (
    Action,
    Branch,
    Command,
    Constant,
    Dot,
    Field,
    Function,
    Jump,
    Node,
    Pipe,
    Text,
    Variable,
)
from weft.cli.template.parser import Parser
from weft.cli.template.values import NO_VALUE, OPTIONAL, FreeMap, Record, printed

VARIADIC = 0x04  # CO_VARARGS of a code object


class Template:
    """A parsed template; raises TemplateError where it is wrong."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._nodes = Parser(source, NAMES).parse()

    def execute(self, data: object, functions: FunctionTable = FUNCTIONS) -> str:
        """Return the text made of `data` (JSON values and Records); raises TemplateError."""
        run = _Execution(self.source, data, functions)
        run.walk(self._nodes, data)
        return "".join(run.output)


class _Break(Exception):
    """{{break}}."""


class _Continue(Exception):
    """{{continue}}."""


class _Execution:
    """One run: its output and its variables, the innermost last."""

    def __init__(self, source: str, data: object, functions: FunctionTable) -> None:
        self.output: list[str] = []
        self._source = source
        self._functions = functions
        self._variables: list[tuple[str, object]] = [("$", data)]

    def _error(self, node: Node, reason: str) -> TemplateError:
        return execution_error(self._source, node.position, str(node), reason)

    def walk(self, nodes: Iterable[Node], dot: object) -> None:
        for node in nodes:
            if isinstance(node, Text):
                self.output.append(node.text)
            elif isinstance(node, Action):
                value = self._pipe(node.pipe, dot)
                if not node.pipe.variables:
                    self.output.append(printed(value))
            elif isinstance(node, Branch):
                self._branch(node, dot)
            elif isinstance(node, Jump):
                raise _Break if node.keyword == "break" else _Continue

    def _branch(self, node: Branch, dot: object) -> None:
        scope = len(self._variables)
        value = self._pipe(node.pipe, dot)
        if node.keyword == "range":
            self._range(node, value, dot)
        elif value:
            self.walk(node.body, value if node.keyword == "with" else dot)
        else:
            self.walk(node.otherwise, dot)
        del self._variables[scope:]

    def _range(self, node: Branch, value: object, dot: object) -> None:
        pairs = self._pairs(node, value)
        if not pairs:
            self.walk(node.otherwise, dot)
        scope = len(self._variables)
        for key, item in pairs:
            names = node.pipe.variables
            for name, bound in zip(names, (key, item) if len(names) == 2 else (item,), strict=False):
                self._bind(name, bound, declares=node.pipe.declares)
            try:
                self.walk(node.body, item)
            except _Continue:
                pass
            except _Break:
                break
            finally:
                del self._variables[scope:]

    def _pairs(self, node: Branch, value: object) -> list[tuple[object, object]]:
        if value is None or value is NO_VALUE:
            return []
        if isinstance(value, dict):
            return [(key, value[key]) for key in sorted(value)]
        if isinstance(value, list | tuple):
            return list(enumerate(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return [(number, number) for number in range(value)]
        raise self._error(node.pipe, f"range can't iterate over {printed(value)}")

    def _bind(self, name: str, value: object, *, declares: bool) -> None:
        if not declares:
            for position in range(len(self._variables) - 1, -1, -1):
                if self._variables[position][0] == name:
                    self._variables[position] = (name, value)
                    return
        self._variables.append((name, value))

    def _pipe(self, pipe: Pipe, dot: object) -> object:
        final: list[object] = []
        for command in pipe.commands:
            final = [self._command(command, dot, final)]
        if len(pipe.variables) == 1:
            self._bind(pipe.variables[0], final[0], declares=pipe.declares)
        return final[0]

    def _command(self, command: Command, dot: object, final: list[object]) -> object:
        first, *rest = command.arguments
        if isinstance(first, Function):
            if first.name in LAZY:
                return self._lazy(first, rest, dot, final)
            return self._call(first, [*(self._value(argument, dot) for argument in rest), *final])
        if isinstance(first, Field) and (rest or final):
            return self._method(first, [*(self._value(argument, dot) for argument in rest), *final], dot)
        if rest or final:
            raise self._error(first, f"can't give argument to non-function {first}")
        return self._value(first, dot)

    def _value(self, node: Node, dot: object) -> object:
        if isinstance(node, Dot):
            return dot
        if isinstance(node, Constant):
            return node.value
        if isinstance(node, Variable):
            return next(value for name, value in reversed(self._variables) if name == node.name)
        if isinstance(node, Pipe):
            return self._pipe(node, dot)
        if isinstance(node, Function):
            return self._lazy(node, [], dot, []) if node.name in LAZY else self._call(node, [])
        if isinstance(node, Field):
            return self._field(node, self._value(node.owner, dot))
        raise self._error(node, "is no operand")

    def _field(self, node: Field, owner: object) -> object:
        name = node.name
        if isinstance(owner, Record):
            try:
                return owner.column(name)
            except KeyError:
                known = ", ".join(owner.columns())
                reason = f"can't evaluate field {name} in type {owner.kind}: there are {known}"
                raise self._error(node, reason) from None
        if isinstance(owner, dict):
            return self._key(node, owner)
        if owner is None:
            raise self._error(node, f"nil pointer evaluating interface {{}}.{name}")
        if owner is NO_VALUE:
            raise self._error(node, f"nil data; no entry for key {name!r}".replace("'", '"'))
        raise self._error(node, f"can't evaluate field {name} in type {type_name(owner)}")

    def _key(self, node: Field, owner: dict[str, object]) -> object:
        name = node.name
        if name in owner:
            return owner[name]
        if isinstance(owner, FreeMap):
            return NO_VALUE
        lowered = name.lower()  # Go's field names and the API's keys differ in case: ID, Id
        for key, value in owner.items():
            if key.lower() == lowered:
                return value
        if name in OPTIONAL:
            return None
        raise self._error(node, f'map has no entry for key "{name}"')

    def _method(self, node: Field, arguments: list[object], dot: object) -> object:
        owner = self._value(node.owner, dot)
        method = owner.method(node.name) if isinstance(owner, Record) else None
        if method is None:
            raise self._error(node, f"{node.name} has arguments but cannot be invoked as function")
        if len(arguments) != 1:
            raise self._error(node, f"wrong number of args for {node.name}: want 1 got {len(arguments)}")
        return method(str(arguments[0]))

    def _lazy(self, node: Function, rest: list[Node], dot: object, final: list[object]) -> object:
        stop = node.name == "or"
        value: object = NO_VALUE
        for argument in rest:
            value = self._value(argument, dot)
            if bool(value) is stop:
                return value
        if not rest and not final:
            raise self._error(node, f"wrong number of args for {node.name}: want at least 1 got 0")
        return final[0] if final else value

    def _call(self, node: Function, arguments: list[object]) -> object:
        function = self._functions[node.name]
        least, most = _arity(function)
        if not least <= len(arguments) <= (len(arguments) if most is None else most):
            wanted = f"at least {least}" if most is None else str(most)
            raise self._error(node, f"wrong number of args for {node.name}: want {wanted} got {len(arguments)}")
        try:
            return function(*[None if argument is NO_VALUE else argument for argument in arguments])
        except (ValueError, TypeError) as error:
            raise self._error(node, f"error calling {node.name}: {error}") from error


def _arity(function: Callable[..., object]) -> tuple[int, int | None]:
    """Return how many arguments it takes at least and at most; inspect.signature would cost its import."""
    code = function.__code__
    return code.co_argcount, None if code.co_flags & VARIADIC else code.co_argcount
