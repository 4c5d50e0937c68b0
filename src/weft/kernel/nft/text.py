"""Operations as nft's text (nft(8))."""

import re
from collections.abc import Sequence

from weft.model.errors import InvalidParameter
from weft.plan.operations import AddElements, DeleteElements, Element

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_/\\.-]*")
_WORD = re.compile(r"\"[^\"\s{};#\\]+\"|[^\"\n{};#\\,]+")
_BODY = re.compile(r"\A[^{]*\{\n?(.*)\}\s*\Z", re.DOTALL)
_COMMENT_LINE = re.compile(r"^\s*comment \"[^\"]*\"\n", re.MULTILINE)


def add_elements(operation: AddElements) -> str:
    """Return the command that adds the elements."""
    return _command("add", operation, operation.elements, with_values=True)


def delete_elements(operation: DeleteElements, elements: Sequence[Element]) -> str:
    """Return the command that deletes some of the operation's elements, by key."""
    return _command("delete", operation, elements, with_values=False)


def replace_table(table: str, ruleset: str, comment: str) -> str:
    """Return the commands that make a table, or make it anew where it is; `comment` "" for none."""
    name = _name(table)
    said = f'comment "{comment}"\n' if comment else ""
    return f"add table inet {name}\ndelete table inet {name}\ntable inet {name} {{\n{said}{ruleset}\n}}\n"


def delete_table(table: str) -> str:
    """Return the commands that delete a table, or do nothing where it is not."""
    name = _name(table)
    return f"add table inet {name}\ndelete table inet {name}\n"


def list_table(table: str) -> str:
    """Return the command that prints a table with its elements."""
    return f"list table inet {_name(table)}\n"


def ruleset_of(listing: str) -> str:
    """Return what stands between a listed table's braces, without its comment."""
    found = _BODY.match(listing)
    return _COMMENT_LINE.sub("", found.group(1), count=1) if found else ""


def _command(
    verb: str, operation: AddElements | DeleteElements, elements: Sequence[Element], *, with_values: bool
) -> str:
    words = ", ".join(_element(element, with_value=with_values) for element in elements)
    return f"{verb} element inet {_name(operation.table)} {_name(operation.set)} {{ {words} }}\n"


def _element(element: Element, *, with_value: bool) -> str:
    key = " . ".join(map(_word, element.key))
    return f"{key} : {' . '.join(map(_word, element.value))}" if with_value and element.value else key


def _name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise InvalidParameter(f"{name!r} cannot name an nftables table or set: use letters, digits and _")
    return name


def _word(word: str) -> str:
    """A word may hold what a user chose, such as an interface's name: nothing in it may end the command."""
    if _WORD.fullmatch(word) is None:
        raise InvalidParameter(f'{word!r} cannot be part of an nftables element: it has one of " {{ }} ; # , or \\')
    return word
