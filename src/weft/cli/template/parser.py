"""From tokens to nodes. The grammar is that of text/template without named templates."""

from collections.abc import Collection

from weft.cli.template import lexer
from weft.cli.template.errors import TemplateError, parse_error
from weft.cli.template.lexer import Token, tokens
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

_CONSTANTS: dict[str, object] = {"true": True, "false": False, "nil": None}
_BRANCHES = ("if", "with", "range")
_UNSUPPORTED = ("define", "template", "block")


class Parser:
    """Reads one template. `functions` are the names that may be called."""

    def __init__(self, source: str, functions: Collection[str]) -> None:
        self._source = source
        self._functions = functions
        self._tokens = tokens(source)
        self._index = 0
        self._variables = ["$"]
        self._loops = 0

    def parse(self) -> list[Node]:
        """Return the nodes of the whole template; raises TemplateError."""
        nodes, ended = self._nodes()
        if ended != "":
            raise self._error(f"unexpected {{{{{ended}}}}}")
        return nodes

    def _peek(self) -> Token:
        return self._tokens[self._index]

    def _next(self) -> Token:
        token = self._tokens[self._index]
        self._index += 1
        return token

    def _error(self, reason: str) -> TemplateError:
        return parse_error(self._source, self._tokens[max(self._index - 1, 0)].position, reason)

    def _nodes(self) -> tuple[list[Node], str]:
        """Return nodes up to {{end}} or {{else}} and which of them it was, "" at the end of the template."""
        nodes: list[Node] = []
        while True:
            token = self._next()
            if token.kind == lexer.END:
                return nodes, ""
            if token.kind == lexer.TEXT:
                nodes.append(Text(token.position, token.text))
                continue
            keyword = self._peek().text if self._peek().kind == lexer.NAME else ""
            if keyword in ("end", "else"):
                self._next()
                return nodes, keyword
            nodes.append(self._action(token.position, keyword))

    def _action(self, position: int, keyword: str) -> Node:
        if keyword in _BRANCHES:
            self._next()
            return self._branch(position, keyword)
        if keyword in ("break", "continue") and keyword not in self._functions:
            self._next()
            if not self._loops:
                raise self._error(f"{{{{{keyword}}}}} outside {{{{range}}}}")
            self._close()
            return Jump(position, keyword)
        if keyword in _UNSUPPORTED:
            raise self._error(f"{{{{{keyword}}}}} is not supported: named templates are left out")
        pipe = self._pipe("command")
        self._close()
        return Action(position, pipe)

    def _close(self) -> None:
        token = self._next()
        if token.kind != lexer.RIGHT:
            raise self._error(f"unexpected {_shown(token)} in operand")

    def _branch(self, position: int, keyword: str) -> Branch:
        scope = len(self._variables)
        pipe = self._pipe(keyword)
        self._close()
        self._loops += keyword == "range"
        body, ended = self._nodes()
        self._loops -= keyword == "range"
        otherwise = self._otherwise(keyword) if ended == "else" else []
        if ended != "else":
            self._end(ended)
        del self._variables[scope:]
        return Branch(position, keyword, pipe, body, otherwise)

    def _otherwise(self, keyword: str) -> list[Node]:
        """Read from {{else}} through {{end}}; `{{else if}}` has the {{end}} to itself."""
        token = self._peek()
        if keyword in ("if", "with") and token.kind == lexer.NAME and token.text == keyword:
            self._next()
            return [self._branch(token.position, keyword)]
        self._close()
        nodes, ended = self._nodes()
        self._end(ended)
        return nodes

    def _end(self, keyword: str) -> None:
        if keyword != "end":
            raise self._error("unexpected {{else}}" if keyword else "unexpected EOF")
        self._close()

    def _pipe(self, context: str) -> Pipe:
        start = self._peek().position
        variables, declares = self._declaration(context)
        commands = [self._command()]
        while self._peek().text == "|":
            self._next()
            commands.append(self._command())
        for command in commands[1:]:
            if isinstance(command.arguments[0], Constant | Dot):
                number = commands.index(command) + 1
                raise self._error(f"non executable command in pipeline stage {number}")
        if declares:
            self._variables += variables
        return Pipe(start, commands, variables, declares=declares)

    def _declaration(self, context: str) -> tuple[list[str], bool]:
        first, second = self._tokens[self._index : self._index + 2]
        if first.kind != lexer.VARIABLE:
            return [], False
        if second.text in (":=", "="):
            self._index += 2
            return self._assigned([first], second.text)
        ahead = self._tokens[self._index + 2 : self._index + 4]
        if context == "range" and second.text == "," and [token.text for token in ahead[1:]] in ([":="], ["="]):
            self._index += 4
            return self._assigned([first, ahead[0]], ahead[1].text)
        return [], False

    def _assigned(self, variables: list[Token], operator: str) -> tuple[list[str], bool]:
        for variable in variables:
            if operator == "=" and variable.text not in self._variables:
                raise self._error(f'undefined variable "{variable.text}"')
        return [variable.text for variable in variables], operator == ":="

    def _command(self) -> Command:
        start = self._peek().position
        arguments: list[Node] = []
        while (token := self._peek()).kind != lexer.RIGHT and token.text not in ("|", ")"):
            if token.kind == lexer.END:
                raise self._error("unclosed action")
            if arguments and not token.spaced and token.text != "(":
                raise self._error(f"unexpected {_shown(token)} in operand")
            arguments.append(self._operand())
        if not arguments:
            raise self._error("missing value for command")
        return Command(start, arguments)

    def _operand(self) -> Node:
        node = self._term()
        while self._peek().kind == lexer.FIELD and not self._peek().spaced:
            token = self._next()
            if isinstance(node, Constant):
                raise self._error(f"unexpected . after term {node}")
            node = Field(token.position, node, str(token.value))
        return node

    def _term(self) -> Node:
        token = self._next()
        match token.kind:
            case lexer.FIELD:
                return Field(token.position, Dot(token.position), str(token.value))
            case lexer.VARIABLE:
                if token.text not in self._variables:
                    raise self._error(f'undefined variable "{token.text}"')
                return Variable(token.position, token.text)
            case lexer.STRING | lexer.NUMBER:
                return Constant(token.position, token.value, token.text)
            case lexer.NAME:
                return self._named(token)
        if token.text == ".":
            return Dot(token.position)
        if token.text == "(":
            pipe = self._pipe("parenthesized pipeline")
            if self._next().text != ")":
                raise self._error("unclosed left paren")
            return pipe
        raise self._error(f"unexpected {_shown(token)} in operand")

    def _named(self, token: Token) -> Node:
        if token.text in _CONSTANTS:
            return Constant(token.position, _CONSTANTS[token.text], token.text)
        if token.text not in self._functions:
            raise self._error(f'function "{token.text}" not defined')
        return Function(token.position, token.text)


def _shown(token: Token) -> str:
    return "EOF" if token.kind == lexer.END else f'"{token.text}"'
