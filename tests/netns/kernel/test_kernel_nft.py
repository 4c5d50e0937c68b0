"""Tables and elements, checked with nft; deletion by others."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from kernel_lab import Lab

from weft.model.errors import InvalidParameter, SystemFailure
from weft.plan.operations import (
    AddElements,
    CreateSandbox,
    DeleteElements,
    DeleteTable,
    Element,
    LoadTable,
    SetSysctl,
)
from weft.plan.plan import Plan

RULESET = """
 map pm { type inet_proto . inet_service : ipv4_addr . inet_service; }
 set sources { type ipv4_addr; flags interval; }
 chain pre { type nat hook prerouting priority -100; policy accept;
  fib daddr type local dnat ip to meta l4proto . th dport map @pm
 }
"""
TABLE = LoadTable("weft", RULESET)
PORT = Element(("tcp", "8080"), ("172.17.0.2", "80"))


def ports(*numbers: int, to: str = "172.17.0.2") -> tuple[Element, ...]:
    return tuple(Element(("tcp", str(number)), (to, "80")) for number in numbers)


def present(lab: Lab) -> set[int]:
    return {key["concat"][1] for key, _ in lab.elements("weft", "pm")}


def test_table_and_elements_and_their_inverses(lab: Lab) -> None:
    add = AddElements("weft", "pm", (PORT,))
    subnet = AddElements("weft", "sources", (Element(("10.0.0.0/8",)),))
    lab.apply(TABLE, add, subnet)
    assert lab.elements("weft", "pm") == [[{"concat": ["tcp", 8080]}, {"concat": ["172.17.0.2", 80]}]]
    assert lab.elements("weft", "sources") == [{"prefix": {"addr": "10.0.0.0", "len": 8}}]
    lab.apply(add.inverse, subnet.inverse)
    assert lab.elements("weft", "pm") == lab.elements("weft", "sources") == []
    lab.apply(TABLE.inverse)
    assert lab.tables() == set()
    lab.apply(TABLE.inverse)


def test_load_replaces_the_whole_table(lab: Lab) -> None:
    lab.apply(TABLE, AddElements("weft", "pm", (PORT,)))
    lab.apply(LoadTable("weft", "set other { type ipv4_addr; }"))
    kinds = [next(iter(entry)) for entry in lab.nft("list", "table", "inet", "weft")]
    assert kinds == ["table", "set"]


def test_tables_of_a_sandbox_are_its_own(lab: Lab) -> None:
    lab.apply(CreateSandbox("s1"), LoadTable("inside", RULESET, "s1"), AddElements("inside", "pm", (PORT,), "s1"))
    assert lab.tables("s1") == {"inside"}
    assert len(lab.elements("inside", "pm", "s1")) == 1
    assert lab.tables() == set()
    lab.apply(DeleteElements("inside", "pm", (PORT,), "s1"), DeleteTable("inside", "s1"))
    assert lab.tables("s1") == set()


def test_two_hundred_elements_in_one_operation(lab: Lab) -> None:
    add = AddElements("weft", "pm", ports(*range(1000, 1200)))
    lab.apply(TABLE, add)
    assert present(lab) == set(range(1000, 1200))
    lab.apply(add.inverse)
    assert present(lab) == set()


def test_deleting_elements_that_are_not_there_is_no_error(lab: Lab) -> None:
    lab.apply(DeleteElements("weft", "pm", ports(1)))  # not even the table
    lab.apply(TABLE, DeleteElements("weft", "pm", ports(1)), AddElements("weft", "pm", ports(10, 20, 30, 40, 50)))
    lab.apply(DeleteElements("weft", "pm", ports(1, 10, 2, 3, 30, 50, 4)))
    assert present(lab) == {20, 40}
    lab.teardown(DeleteElements("weft", "pm", ports(5, 20)), DeleteElements("weft", "nope", ports(5)))
    assert present(lab) == {40}


def test_elements_of_a_failed_plan_are_taken_back(lab: Lab) -> None:
    lab.apply(TABLE, AddElements("weft", "pm", ports(10, 20)))
    bad = SetSysctl("net.nope", "1")
    with pytest.raises(SystemFailure, match="nope"):
        lab.apply(AddElements("weft", "pm", ports(30)), DeleteElements("weft", "pm", ports(10, 11)), bad)
    assert present(lab) == {10, 20}


def test_table_that_a_failed_plan_replaced_is_put_back(lab: Lab) -> None:
    lab.apply(TABLE, AddElements("weft", "pm", ports(10, 20)))
    before = lab.command("nft", "list", "table", "inet", "weft")
    with pytest.raises(SystemFailure, match="nope"):
        lab.apply(LoadTable("weft", "set other { type ipv4_addr; }"), SetSysctl("net.nope", "1"))
    assert lab.command("nft", "list", "table", "inet", "weft") == before
    with pytest.raises(SystemFailure, match="nope"):
        lab.apply(LoadTable("weft2", "set other { type ipv4_addr; }"), SetSysctl("net.nope", "1"))
    assert lab.tables() == {"weft"}


def test_refused_transaction_names_the_operation(lab: Lab) -> None:
    lab.apply(TABLE, AddElements("weft", "pm", (PORT,)))
    clash = AddElements("weft", "pm", ports(8080, to="172.17.0.3"))
    with pytest.raises(SystemFailure, match=r"add element tcp \. 8080 to set pm .*: File exists \(another element"):
        lab.apply(AddElements("weft", "pm", ports(9)), clash)
    assert present(lab) == {8080}
    with pytest.raises(SystemFailure, match=r"to set pm of .* inet none: No such file .*load the table first"):
        lab.apply(AddElements("none", "pm", (PORT,)))
    with pytest.raises(SystemFailure, match=r"(?s)load nftables table inet bad: .*syntax error"):
        lab.apply(LoadTable("bad", "this is no ruleset"))


@pytest.mark.parametrize("word", ['x"} ; flush ruleset', "80 }\nflush ruleset\n", "80;", "80, 81", ""])
def test_words_that_would_end_the_command_are_refused(lab: Lab, word: str) -> None:
    lab.apply(TABLE)
    with pytest.raises(InvalidParameter):
        lab.apply(AddElements("weft", "pm", (Element(("tcp", word), ("172.17.0.2", "80")),)))
    assert lab.tables() == {"weft"}


def flushes(lab: Lab, happening: Coroutine[Any, Any, None], expected: int, wait: float = 5) -> list[str]:
    """Return the names told while `happening` runs: `expected` of them, or all within `wait` seconds."""

    async def run() -> list[str]:
        told = lab.kernel.flushed()
        names: list[str] = []

        async def read() -> None:
            async for name in told:
                names.append(name)
                if len(names) == expected:
                    return

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        await happening
        await asyncio.wait({reading}, timeout=wait)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await told.aclose()
        return names

    return list(lab.run(run()))


async def run_nft(*words: str) -> None:
    process = await asyncio.create_subprocess_exec("nft", *words)
    assert await process.wait() == 0


@pytest.mark.parametrize("words", [("flush", "ruleset"), ("delete", "table", "inet", "weft")])
def test_deletion_by_others_is_told(lab: Lab, words: tuple[str, ...]) -> None:
    lab.apply(TABLE)
    assert flushes(lab, run_nft(*words), 1) == ["weft"]
    lab.apply(TABLE)
    assert flushes(lab, run_nft("flush", "ruleset"), 1) == ["weft"]


def test_own_loads_and_deletions_are_not_told(lab: Lab) -> None:
    async def load() -> None:
        for _ in range(20):
            await lab.kernel.apply(Plan((TABLE, AddElements("weft", "pm", (PORT,)))))
            await lab.kernel.apply(Plan((DeleteTable("weft"),)))
            await lab.kernel.apply(Plan((TABLE, LoadTable("second", RULESET))))
        await run_nft("add", "table", "inet", "foreign")
        await run_nft("delete", "table", "inet", "foreign")
        await run_nft("delete", "table", "inet", "second")

    assert flushes(lab, load(), 2, wait=0.5) == ["second"]


def test_table_of_an_earlier_daemon_is_watched(lab: Lab) -> None:
    lab.apply(TABLE)
    lab.restart()
    assert lab.tables() == {"weft"}
    assert flushes(lab, run_nft("flush", "ruleset"), 1) == ["weft"]


def test_deletion_before_anybody_listened_is_told(lab: Lab) -> None:
    lab.apply(TABLE)
    lab.command("nft", "flush", "ruleset")

    async def nothing() -> None:
        await asyncio.sleep(0)

    assert flushes(lab, nothing(), 1) == ["weft"]
