"""Operations as nft's text, and libnftables' refusals."""

import errno

import pytest

from weft.kernel.nft.context import NftError
from weft.kernel.nft.text import add_elements, delete_elements, delete_table, replace_table, ruleset_of
from weft.model.errors import InvalidParameter
from weft.plan.operations import AddElements, DeleteElements, Element

PORT = Element(("tcp", "80"), ("172.17.0.2", "8080"))
JUMP = Element(('"br0"', '"br-1"'), ("jump within",))


def test_elements() -> None:
    add = AddElements("weft", "pm", (PORT, JUMP))
    assert add_elements(add) == (
        'add element inet weft pm { tcp . 80 : 172.17.0.2 . 8080, "br0" . "br-1" : jump within }\n'
    )
    delete = DeleteElements("weft", "pm", (PORT, JUMP))
    assert delete_elements(delete, (PORT,)) == "delete element inet weft pm { tcp . 80 }\n"


def test_tables() -> None:
    assert replace_table("weft", "set s { type mark; }", "weft /run/weft") == (
        "add table inet weft\ndelete table inet weft\n"
        'table inet weft {\ncomment "weft /run/weft"\nset s { type mark; }\n}\n'
    )
    assert delete_table("weft") == "add table inet weft\ndelete table inet weft\n"


def test_listing_is_taken_apart() -> None:
    listing = 'table inet weft {\n\tcomment "weft /run/weft"\n\tset s {\n\t\ttype mark\n\t}\n}\n'
    assert ruleset_of(listing) == "\tset s {\n\t\ttype mark\n\t}\n"


@pytest.mark.parametrize("word", ['"a" b', "a;b", "a}b", "a{b", "a\nb", "a#b", '"', '""', "", "a,b", "a\\b"])
def test_words_that_could_end_a_command_are_refused(word: str) -> None:
    with pytest.raises(InvalidParameter):
        add_elements(AddElements("weft", "pm", (Element((word,)),)))


@pytest.mark.parametrize("name", ["", "a b", "1a", "a;b", "a\nb"])
def test_names_that_could_end_a_command_are_refused(name: str) -> None:
    with pytest.raises(InvalidParameter):
        delete_table(name)


@pytest.mark.parametrize(
    ("output", "number", "unresolved"),
    [
        ("Error: Could not process rule: No such file or directory\nadd x\n", errno.ENOENT, False),
        ("Error: No such file or directory; did you mean table a?\n", errno.ENOENT, True),
        ("internal:0:0-0: Error: Could not process rule: File exists\n", errno.EEXIST, False),
        ("/dev/stdin:1:1-4: Error: syntax error, unexpected string\nthis\n", 0, False),
        ("", 0, False),
    ],
)
def test_refusals_are_read(output: str, number: int, unresolved: bool) -> None:
    error = NftError(output)
    assert (error.errno, error.is_unresolved) == (number, unresolved)
