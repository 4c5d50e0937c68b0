"""The parsed form of a template. Every node knows its position in the source and prints as Go prints it in errors."""

from __future__ import annotations


class Node:
    """Something at a place in the source."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


class Text(Node):
    """Literal text."""

    __slots__ = ("text",)

    def __init__(self, position: int, text: str) -> None:
        super().__init__(position)
        self.text = text


class Dot(Node):
    """The current value, `.`."""

    __slots__ = ()

    def __str__(self) -> str:
        return "."


class Constant(Node):
    """A string, number, boolean or nil; `text` as written."""

    __slots__ = ("text", "value")

    def __init__(self, position: int, value: object, text: str) -> None:
        super().__init__(position)
        self.value = value
        self.text = text

    def __str__(self) -> str:
        return self.text


class Function(Node):
    """A function's name."""

    __slots__ = ("name",)

    def __init__(self, position: int, name: str) -> None:
        super().__init__(position)
        self.name = name

    def __str__(self) -> str:
        return self.name


class Variable(Node):
    """A variable, `$` or `$name`."""

    __slots__ = ("name",)

    def __init__(self, position: int, name: str) -> None:
        super().__init__(position)
        self.name = name

    def __str__(self) -> str:
        return self.name


class Field(Node):
    """`owner.name`; the owner is Dot for a leading `.name`."""

    __slots__ = ("name", "owner")

    def __init__(self, position: int, owner: Node, name: str) -> None:
        super().__init__(position)
        self.owner = owner
        self.name = name

    def __str__(self) -> str:
        if isinstance(self.owner, Dot):
            return f".{self.name}"
        return f"({self.owner}).{self.name}" if isinstance(self.owner, Pipe) else f"{self.owner}.{self.name}"


class Command(Node):
    """An operand, or a function or method with its arguments."""

    __slots__ = ("arguments",)

    def __init__(self, position: int, arguments: list[Node]) -> None:
        super().__init__(position)
        self.arguments = arguments

    def __str__(self) -> str:
        shown = (f"({argument})" if isinstance(argument, Pipe) else str(argument) for argument in self.arguments)
        return " ".join(shown)


class Pipe(Node):
    """Commands joined by `|`; `variables` get its value, newly declared or assigned."""

    __slots__ = ("commands", "declares", "variables")

    def __init__(self, position: int, commands: list[Command], variables: list[str], *, declares: bool) -> None:
        super().__init__(position)
        self.commands = commands
        self.variables = variables
        self.declares = declares

    def __str__(self) -> str:
        commands = " | ".join(map(str, self.commands))
        if not self.variables:
            return commands
        return f"{', '.join(self.variables)} {':=' if self.declares else '='} {commands}"


class Action(Node):
    """`{{pipeline}}`."""

    __slots__ = ("pipe",)

    def __init__(self, position: int, pipe: Pipe) -> None:
        super().__init__(position)
        self.pipe = pipe


class Branch(Node):
    """`{{if}}`, `{{with}}` or `{{range}}` (`keyword`) with what follows and its `{{else}}`."""

    __slots__ = ("body", "keyword", "otherwise", "pipe")

    def __init__(self, position: int, keyword: str, pipe: Pipe, body: list[Node], otherwise: list[Node]) -> None:
        super().__init__(position)
        self.keyword = keyword
        self.pipe = pipe
        self.body = body
        self.otherwise = otherwise


class Jump(Node):
    """`{{break}}` or `{{continue}}` (`keyword`)."""

    __slots__ = ("keyword",)

    def __init__(self, position: int, keyword: str) -> None:
        super().__init__(position)
        self.keyword = keyword
